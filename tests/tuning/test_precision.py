"""The precision file: read, put into a network, refused where it is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, UnknownNameError
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import only
from quantunet_hls.tuning.precision import (
    Precision,
    PrecisionError,
    chosen_types,
    precision_of,
    read_precision,
    with_precision,
)
from quantunet_hls.types import parse_type
from tests.builders import Net, small_unet


@pytest.fixture(scope="module", params=[False, True], ids=["channels first", "channels last"])
def graph(request):
    return ingest(small_unet(last=request.param).model())


def only_with(**layers):
    return Precision(None, {name: {role: parse_type(text) for role, text in kinds.items()}
                            for name, kinds in layers.items()})


def constants_of(graph, name, index=1):
    (node,) = [node for node in graph.model.graph.node if node.name == name]
    return np.asarray(graph.model.get_initializer(node.input[index]), np.float64)


def test_the_networks_own_types_leave_it_what_it_is(graph):
    types = infer_types(graph.model)
    precision = precision_of(types)
    again = ingest(with_precision(graph, precision))
    assert again.model.model.SerializeToString() == graph.model.model.SerializeToString()
    assert chosen_types(again, precision).layers == types.layers


def test_what_is_written_is_read_back(graph, tmp_path):
    precision = precision_of(infer_types(graph.model))
    (tmp_path / "p.json").write_text(json.dumps(precision.to_dict()))
    assert read_precision(tmp_path / "p.json") == precision


def test_weights_are_rounded_to_nearest_even_and_saturated(graph):
    name = next(node.name for node in graph.model.graph.node if node.op_type == "Conv")
    made = ingest(with_precision(graph, only_with(**{name: {"weight": "fixed<3,1>", "bias": "fixed<2,1>"}})))
    assert [node.name for node in made.model.graph.node] == [node.name for node in graph.model.graph.node]
    producer = graph.original.find_producer(graph.original.find_producer(graph.origins[f"{name}_out"]).input[1])
    raw = np.asarray(graph.original.get_initializer(producer.input[0]), np.float64)
    raw = raw if raw.shape[3] == 2 else raw.transpose(0, 2, 3, 1)
    # Steps of a quarter from -1 to 3/4; numpy's rint takes halves to the even number.
    assert np.array_equal(constants_of(made, name), np.clip(np.rint(raw * 4), -4, 3) / 4)
    assert set(np.unique(constants_of(made, name, 2) * 2)) <= {-2, -1, 0, 1}
    assert infer_types(made.model).layers[name].weight.width <= 3


def test_another_type_of_an_activation_is_what_the_network_then_computes(graph):
    quantizers = [node.name for node in graph.model.graph.node if node.op_type == "Quant"]
    choice = only_with(**{quantizers[1]: {"result": "ufixed<2,1,TRN,SAT>"}})
    made = ingest(with_precision(graph, choice))
    image = np.random.default_rng(0).uniform(-0.5, 2.5, (2, *graph.input_shape))
    before, after = run_graph(graph.model, image), run_graph(made.model, image)
    producer = next(node for node in graph.model.graph.node if node.name == quantizers[1])
    expected = np.clip(np.floor(before[producer.input[0]] * 2), 0, 3) / 2
    assert np.array_equal(after[producer.output[0]], expected)
    assert len(np.unique(expected)) > 2
    assert infer_types(made.model).layers[quantizers[1]].result == parse_type("ufixed<2,1,TRN,SAT>")


def test_a_bare_constant_gets_a_quantizer():
    net = Net((1, 1, 2, 2))
    net.add("Conv", [net.quant("x", 3, 0), net.constant("w", np.full((1, 1, 1, 1), 0.75))], (1, 1, 2, 2), name="bare",
            kernel_shape=[1, 1], pads=[0] * 4, strides=[1, 1], group=1)
    graph = ingest(net.model())
    made = ingest(with_precision(graph, only_with(bare={"weight": "fixed<3,2>"})))
    # 3/4 lies between 1/2 and 1, and 1 is the even one of 1/2 * 1 and 1/2 * 2.
    assert constants_of(made, "bare").tolist() == [[[[1.0]]]]


def test_the_port_is_changed_in_both_places_or_not_at_all(graph):
    port = next(node.name for node in graph.model.graph.node if node.op_type == "Quant")
    text = "ufixed<3,2,TRN,SAT>"
    with pytest.raises(PrecisionError, match=f"quantizer behind it, '{port}'"):
        with_precision(graph, replace(only_with(), image=parse_type(text)))
    both = replace(only_with(**{port: {"result": text}}), image=parse_type(text))
    assert infer_types(ingest(with_precision(graph, both)).model).image == parse_type(text)


def test_accumulators_and_results_may_be_wider(graph):
    name = next(node.name for node in graph.model.graph.node if node.op_type == "Conv")
    kinds = infer_types(graph.model).layers[name]
    wide = replace(kinds.accumulator, width=kinds.accumulator.width + 3, fraction=kinds.accumulator.fraction + 1)
    chosen = chosen_types(graph, Precision(None, {name: {"accumulator": wide, "result": wide}}))
    assert chosen.layers[name] == replace(kinds, accumulator=wide, result=wide)


@pytest.mark.parametrize("role", ["accumulator", "result"])
def test_a_range_that_would_overflow_is_refused_with_layer_range_and_type(role):
    # Codes 0 to 15 times 3/8 and -2/8, and 5/8: from -25/8 to 50/8.
    net = Net((1, 2, 1, 1))
    values = np.array([3, -2], dtype=np.float32).reshape(1, 2, 1, 1) / 8
    net.conv(net.quant("x", 4, 0), 1, 1, values=values, bias=[5 / 8], name="sum")
    graph = ingest(net.model())
    assert str(infer_types(graph.model).layers["sum"].accumulator) == "fixed<7,4,TRN,WRAP>"
    for text, verb in (("fixed<6,3>", "would overflow"), ("ufixed<7,4>", "would overflow"),
                       ("fixed<7,5>", "would cut bits")):
        with pytest.raises(PrecisionError) as caught:
            chosen_types(graph, only_with(sum={role: text}))
        message = str(caught.value)
        assert "'sum'" in message
        assert str(parse_type(text)) in message
        assert verb in message
        assert "from -3.125 to 6.25 in steps of 0.125" in message
        assert "fixed<7,4,TRN,WRAP> is the narrowest" in message


def test_wrong_choices_are_refused_in_one_sentence(graph):
    conv = next(node.name for node in graph.model.graph.node if node.op_type == "Conv")
    quant = next(node.name for node in graph.model.graph.node if node.op_type == "Quant")
    with pytest.raises(UnknownNameError, match="no layer named 'nonsense'"):
        with_precision(graph, only_with(nonsense={"result": "fixed<4,1>"}))
    with pytest.raises(PrecisionError, match=r"\(Quant\) has no weight"):
        with_precision(graph, only_with(**{quant: {"weight": "fixed<4,1>"}}))
    with pytest.raises(PrecisionError, match="at most 24 bits"):
        with_precision(graph, only_with(**{conv: {"weight": "fixed<25,1>"}}))
    with pytest.raises(PrecisionError, match="constants have signed types"):
        with_precision(graph, only_with(**{conv: {"weight": "ufixed<4,1>"}}))
    with pytest.raises(PrecisionError, match="rounds with RND_CONV or TRN"):
        with_precision(graph, only_with(**{quant: {"result": "ufixed<4,1,RND,SAT>"}}))
    with pytest.raises(PrecisionError, match="must not be cut"):
        chosen_types(graph, only_with(**{conv: {"accumulator": "fixed<40,20,TRN,SAT>"}}))
    resize = next(node.name for node in graph.model.graph.node if node.op_type == "Resize")
    with pytest.raises(PrecisionError, match="copies its input"):
        chosen_types(graph, only_with(**{resize: {"result": "ufixed<24,12>"}}))


@pytest.mark.parametrize(("text", "message"), [
    ("[]", "is no precision file"),
    ('{"layer": {}}', "is no precision file"),
    ('{"layers": {"a": 1}}', "layers.a must be keys with values, not 1; start from"),
    ('{"layers": {"a": {"width": 3}}}', "layers.a can't have the key 'width'; start from"),
    ('{"layers": {"a": {"weight": "4"}}}', "a, weight: '4' is no fixed-point type"),
    ('{"image": 8}', "image must be a text or null, not 8; start from"),
    ('{"image": "8"}', "image: '8' is no fixed-point type"),
    ("{", "can't be read as a precision file"),
])
def test_files_that_are_none_are_refused(text, message, tmp_path):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_precision(tmp_path / "p.json")


def test_an_edited_file_is_fed_back_through_the_whole_flow(tmp_path):
    """Narrower weights and activations and a wider accumulator, C-simulated: the design has just these types."""
    (tmp_path / "net.onnx").write_bytes(small_unet().proto("t16").SerializeToString())
    places = {"part": "xc7z020clg400-1", "name": "net", "toolchain": "none", "images": 2,
              "projects": tmp_path / "projects", "reports": tmp_path / "reports"}
    generate_accelerator(tmp_path / "net.onnx", last="ingest", **places)
    path = tmp_path / "projects" / "net" / "precision.json"
    values = json.loads(path.read_text())
    conv = next(name for name in values["layers"] if "Conv" in name)
    quants = [name for name in values["layers"] if "Quant" in name]
    values["layers"][conv] = {"weight": "fixed<3,1>", "accumulator": "fixed<20,8>"}
    values["layers"] = {name: kinds for name, kinds in values["layers"].items() if "Resize" not in name}
    values["layers"][quants[-1]] = {"result": "ufixed<3,1,TRN,SAT>"}
    path.write_text(json.dumps(values))
    made = generate_accelerator(tmp_path / "net.onnx", precision=path, last="csim", **places)
    assert made.differing == 0
    after = json.loads(path.read_text())["layers"]
    assert after[conv]["weight"] == "fixed<3,1,TRN,WRAP>"
    assert after[conv]["accumulator"] == "fixed<20,8,TRN,WRAP>"
    assert after[quants[-1]]["result"] == "ufixed<3,1,TRN,SAT>"
    assert "ap_fixed<20,8" in (made.project / "firmware" / "defines.h").read_text()
    values["layers"][conv] = {"accumulator": "fixed<4,2>"}
    path.write_text(json.dumps(values))
    with pytest.raises(QuantUNetError, match=r"its accumulator .* would cut bits"):
        generate_accelerator(tmp_path / "net.onnx", precision=path, last="csim", **places)


def test_the_output_is_that_of_the_network_that_the_file_makes(graph):
    conv = [node.name for node in graph.model.graph.node if node.op_type == "Conv"][-1]
    made = ingest(with_precision(graph, only_with(**{conv: {"bias": "fixed<3,2>"}})))
    image = np.random.default_rng(1).uniform(0, 2, (1, *graph.input_shape))
    out = only(graph.model, "output")
    shift = constants_of(made, conv, 2) - constants_of(graph, conv, 2)
    assert np.any(shift)
    assert np.array_equal(run_graph(made.model, image)[out], run_graph(graph.model, image)[out] + shift)


def test_types_wider_than_anything_compares_exactly_are_refused(graph):
    types = infer_types(graph.model)
    name = next(name for name, kinds in types.layers.items() if kinds.accumulator is not None)
    for text in ("fixed<54,20>", "fixed<999,-999>", "fixed<999,999>"):
        with pytest.raises(PrecisionError, match="exact up to 53 bits"):
            chosen_types(graph, Precision(None, {name: {"accumulator": parse_type(text)}}))


def scaled(bits=6, image_bits=6, zero=0, scale=0.07, signed=0):
    """A network whose scales are no powers of two; the quantizer in its middle is called ``middle``."""
    net = Net((1, 2, 4, 6))
    sums = net.conv(net.quant("x", image_bits, scale=0.03), 3)
    levels = net.quant(net.relu(sums), bits, scale=scale, signed=signed, name="middle")
    net.constant(net.nodes[-1].input[2], zero)
    net.conv(levels, 2)
    return ingest(net.model())


def test_a_quantizer_of_any_scale_gets_more_or_fewer_levels_of_it():
    for bits, image_bits, signed in ((4, 6, 0), (8, 6, 0), (5, 7, 0), (6, 6, 1)):
        graph, wanted = scaled(), scaled(bits, image_bits, signed=signed)
        quantizers = [node.name for node in graph.model.graph.node if node.op_type == "Quant"]
        types = infer_types(wanted.model)
        choice = Precision(None, {"middle": {"result": types.layers["middle"].result},
                                  quantizers[0]: {"result": types.image}})
        made = ingest(with_precision(graph, choice))
        image = np.random.default_rng(0).uniform(-0.5, 2.5, (2, *graph.input_shape))
        levels = wanted.scales.to_port(image)
        assert np.array_equal(made.scales.to_port(image), levels)
        before, after = run_graph(wanted.model, levels), run_graph(made.model, levels)
        assert all(np.array_equal(values, after[name]) for name, values in before.items())
        assert chosen_types(made, choice).layers == types.layers


def test_a_quantizer_of_a_power_of_two_among_others_gets_another():
    graph, wanted = scaled(scale=0.25), scaled(4, scale=0.5)
    kind = infer_types(wanted.model).layers["middle"].result
    made = ingest(with_precision(graph, Precision(None, {"middle": {"result": kind}})))
    levels = np.random.default_rng(0).integers(0, 64, (2, *graph.input_shape)).astype(float)
    before, after = run_graph(wanted.model, levels), run_graph(made.model, levels)
    assert all(np.array_equal(values, after[name]) for name, values in before.items())


@pytest.mark.parametrize(("settings", "kind", "message"), [
    ({}, "ufixed<4,6>", r"keeps its scale 0.07.*; ufixed<4,4,TRN,WRAP> is as wide"),
    ({}, "ufixed<4,4,RND_CONV,SAT>", r"can't be ufixed<4,4,RND_CONV,SAT>; ufixed<4,4,TRN,WRAP> is as"),
    ({"zero": 3}, "ufixed<4,4>", "zero point 3.*leave it out, or quantize its float network anew"),
])
def test_other_scales_than_a_type_says_are_refused(settings, kind, message):
    with pytest.raises(PrecisionError, match=message):
        with_precision(scaled(**settings), only_with(middle={"result": kind}))


def test_weights_of_any_scale_keep_their_type():
    graph = scaled()
    name = next(node.name for node in graph.model.graph.node if node.op_type == "Conv")
    with pytest.raises(PrecisionError, match="no type of weights says; leave it out"):
        with_precision(graph, only_with(**{name: {"weight": "fixed<3,3>"}}))
