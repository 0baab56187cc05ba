import numpy as np
import pytest

from quantunet_hls.ingest.passes.explicit_attributes import explicit_attributes
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ops.qonnx.graph import attribute, constant
from tests.builders import QUANT_DOMAIN, Net, execute, image_for


def bare(**quantizer):
    """Every attribute that may be left out, left out."""
    net = Net((1, 2, 4, 6))
    inputs = ["x", net.constant("s", 0.25), net.constant("z", 0), net.constant("b", 4)]
    image = net.add("Quant", inputs, (1, 2, 4, 6), domain=QUANT_DOMAIN, **quantizer)
    kernel = net.weights((3, 2, 1, 3))
    value = net.add("Conv", [image, kernel], (1, 3, 4, 4))
    net.add("MaxPool", [value], (1, 3, 3, 3), kernel_shape=[2, 2])
    return tidy(net.model())


def test_defaults_are_those_of_the_specifications():
    model = explicit_attributes(bare())
    quant, conv, pool = (next(node for node in model.graph.node if node.op_type == kind)
                         for kind in ("Quant", "Conv", "MaxPool"))
    assert [attribute(quant, name) for name in ("signed", "narrow", "rounding_mode")] == [1, 0, "ROUND"]
    assert [attribute(conv, name) for name in ("kernel_shape", "strides", "pads", "dilations", "group")] == [
        [1, 3], [1, 1], [0, 0, 0, 0], [1, 1], 1]
    assert [attribute(pool, name) for name in ("strides", "pads")] == [[1, 1], [0, 0, 0, 0]]


def test_nothing_that_it_computes_changes_and_the_input_graph_stays():
    # qonnx itself has no default for these, so can't run a file without them.
    model = bare(signed=1, narrow=0, rounding_mode="ROUND")
    before = model.model.SerializeToString()
    image = image_for(model)
    assert np.array_equal(execute(explicit_attributes(model), image), execute(model, image))
    assert model.model.SerializeToString() == before


def test_stated_attributes_stay():
    net = Net((1, 2, 8, 8))
    net.conv(net.quant("x", signed=0, rounding="FLOOR"), 2, 3, pads=[1, 0, 2, 0], strides=[2, 1])
    model = explicit_attributes(tidy(net.model()))
    conv = model.graph.node[-1]
    assert attribute(conv, "pads") == [1, 0, 2, 0]
    assert attribute(conv, "strides") == [2, 1]
    assert attribute(model.graph.node[0], "rounding_mode") == "FLOOR"


@pytest.mark.parametrize("shape", [(1,), (1, 2, 1, 1), (1, 1, 1, 1)])
def test_an_activations_scale_becomes_a_scalar_and_a_weights_scale_stays(shape):
    net = Net()
    net.conv(net.quant("x", scale=np.full(shape, 0.25)), 2,
             weights=net.quant(net.constant("w", np.ones((2, 2, 3, 3))), 4, signed=1,
                               scale=np.full((2, 1, 1, 1), 0.5)))
    model = explicit_attributes(tidy(net.model()))
    scales = {node.input[0]: constant(model, node.input[1]).shape for node in model.graph.node
              if node.op_type == "Quant"}
    assert scales["x"] == ()
    assert scales["w"] == (2, 1, 1, 1)
    image = image_for(model)
    assert np.array_equal(execute(model, image), execute(tidy(net.model()), image))


def test_quantizers_of_other_spellings_are_all_quant():
    net = Net()
    inputs = ["x", net.constant("s", 0.25), net.constant("z", 0), net.constant("b", 4)]
    net.add("IntQuant", inputs, (1, 2, 4, 6), domain=QUANT_DOMAIN)
    model = explicit_attributes(net.model())
    assert [(node.op_type, node.domain) for node in model.graph.node] == [("Quant", QUANT_DOMAIN)]
