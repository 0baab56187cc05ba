import numpy as np
import pytest
from onnx import TensorProto

from quantunet_hls.ingest import as_meant, ingest, run_graph
from quantunet_hls.ingest.passes.drop_identities import drop_identities
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ops.qonnx.graph import only
from tests.builders import Net, execute, image_for, op_types
from tests.exact_onnx import exact_outputs

SHAPE = (1, 2, 4, 6)


def graph(where: str):
    net = Net()
    image = "x"

    def nothing(source):
        return net.add("Identity", [source], net.shapes[source])

    if where in ("front", "everywhere"):
        image = nothing(image)
    value = net.conv(net.quant(image), 2)
    if where in ("middle", "everywhere"):
        value = nothing(nothing(value))
    value = net.conv(value, 2)
    if where in ("end", "everywhere"):
        value = nothing(value)
    return tidy(net.model(value))


@pytest.mark.parametrize("where", ["front", "middle", "end", "everywhere"])
def test_nothing_is_left_and_nothing_changes(where):
    model = graph(where)
    before = model.model.SerializeToString()
    without = drop_identities(model)
    assert "Identity" in op_types(model)
    assert "Identity" not in op_types(without)
    assert [tensor.name for tensor in without.graph.output] == [tensor.name for tensor in model.graph.output]
    image = image_for(model)
    assert np.array_equal(execute(without, image), execute(model, image))
    assert model.model.SerializeToString() == before


def test_a_forked_identity_leaves_both_readers():
    net = Net()
    value = net.add("Identity", [net.conv(net.quant("x"), 2)], SHAPE)
    net.concat(net.relu(value), net.relu(value))
    model = tidy(net.model())
    image = image_for(model)
    assert np.array_equal(execute(drop_identities(model), image), execute(model, image))


def of(op_type, *constants, shape=SHAPE, image=0, **attributes):
    """A node with constants for inputs, in their order, and among them, at ``image``, what it is put behind."""
    def build(net, source):
        inputs = []
        for index, value in enumerate(constants):
            kind = np.int64 if np.asarray(value).dtype.kind == "i" else np.float32
            inputs.append("" if value is None else net.constant(f"c{index}", value, kind))
        return net.add(op_type, [*inputs[:image], source, *inputs[image:]], shape, **attributes)
    return build


NOTHING = {
    "dropout": of("Dropout"),
    "dropout that does not train": of("Dropout", 0.5, np.array(0, np.int64)),
    "cast": of("Cast", to=TensorProto.FLOAT),
    "pad": of("Pad", [0] * 8, mode="constant"),
    "pad by the edge": of("Pad", [0] * 8, mode="edge"),
    "pad with a value": of("Pad", [0] * 8, 3.0),
    "slice": of("Slice", [0, 0], [4, 6], [2, 3]),
    "slice up to the end": of("Slice", [0], [2**31], [1], [1]),
    "reshape": of("Reshape", [1, 2, 4, 6]),
    "reshape with a rest": of("Reshape", [1, 2, -1, 6]),
    "expand": of("Expand", [1, 1, 1, 1]),
    "tile": of("Tile", [1, 1, 1, 1]),
    "times one": of("Mul", 1.0),
    "one times": of("Mul", np.ones((2, 1, 1)), image=1),
    "by one": of("Div", np.ones((1, 2, 1, 1))),
    "plus nothing": of("Add", np.zeros((1, 1, 1, 6))),
    "nothing plus": of("Add", 0.0, image=1),
    "less nothing": of("Sub", 0.0),
    "to the power of one": of("Pow", 1.0),
    "a window of one pixel": of("MaxPool", kernel_shape=[1, 1]),
    "a mean of one pixel": of("AveragePool", kernel_shape=[1, 1], strides=[1, 1]),
    "upsampling by one": of("Resize", None, [1.0, 1, 1, 1], mode="linear"),
    "upsampling to its size": of("Resize", None, None, [1, 2, 4, 6], mode="cubic"),
    "a concatenation of one": of("Concat", axis=1),
    "a sum of one": of("Sum"),
    "no bounds": of("Clip"),
    "far bounds": of("Clip", -np.inf, np.inf),
    "depth to the space that it is": of("DepthToSpace", blocksize=1),
}


@pytest.mark.parametrize(("name", "where"), [*((name, "middle") for name in NOTHING), ("pad", "front"), ("pad", "end")])
def test_what_changes_nothing_is_dropped(name, where):
    net = Net()
    image = NOTHING[name](net, "x") if where == "front" else "x"
    value = net.conv(net.quant(image), 2)
    if where == "middle":
        value = net.relu(NOTHING[name](net, value))
    result = NOTHING[name](net, value) if where == "end" else value
    built = ingest(net.model(result))
    assert op_types(built.model) == ["Quant", "Conv", "Relu"][:3 if where == "middle" else 2]
    images = np.random.default_rng(0).uniform(-1, 3, (2, *built.input_shape))
    (expected,) = exact_outputs(net.proto(result), built.to_original(images))
    found = run_graph(built.model, images)[only(built.model, "output")]
    assert np.array_equal(built.from_original(only(built.original, "output"), expected), found)


def through(kind):
    def build(net, source):
        return net.add("Cast", [net.add("Cast", [source], SHAPE, to=kind)], SHAPE, to=TensorProto.FLOAT)
    return build


SOMETHING = {
    "dropout that trains": of("Dropout", 0.5, np.array(1, np.int64)),
    "cast to whole numbers": through(TensorProto.INT32),
    "cast to half precision": through(TensorProto.FLOAT16),
    "pad by as much as it crops": of("Pad", [0, 0, 1, 0, 0, 0, -1, 0]),
    "backwards": of("Slice", [-1], [-100], [2], [-1]),
    "a slice": of("Slice", [1], [4], [2], shape=(1, 2, 3, 6)),
    "times half": of("Mul", 0.5),
    "times one and two": of("Mul", np.array([1, 2.0]).reshape(2, 1, 1)),
    "one less": of("Sub", 1.0),
    "nothing less it": of("Sub", 0.0, image=1),
    "one by it": of("Div", 1.0, image=1),
    "one of more dimensions": of("Mul", np.ones((1, 1, 1, 1, 1)), shape=(1, 1, 2, 4, 6)),
    "upsampling by less than a pixel": of("Resize", None, [1.0, 1, 1.125, 1], mode="nearest"),
    "upsampling of a part": of("Resize", [0, 0, 0.5, 0, 1, 1, 1.5, 1], [1.0, 1, 1, 1],
                               coordinate_transformation_mode="tf_crop_and_resize"),
    "every pixel of another place": of("MaxPool", kernel_shape=[1, 1], strides=[2, 2], shape=(1, 2, 2, 3)),
    "bounds": of("Clip", 0.0, 6.0),
    "another shape": of("Reshape", [1, 2, 6, 4], shape=(1, 2, 6, 4)),
}


@pytest.mark.parametrize("name", SOMETHING)
def test_what_changes_something_stays(name):
    net = Net()
    value = SOMETHING[name](net, net.conv(net.quant("x"), 2))
    net.add("Identity", [value], net.shapes[value])
    kept = as_meant(net.model())
    assert op_types(kept) == [node.op_type for node in net.nodes[:-1]]
