"""Masks: however a file spells them, the lowest of the largest classes, or what is above the threshold."""

import numpy as np
import pytest

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph
from tests.builders import Net, op_types

LOGITS = np.random.default_rng(2).integers(0, 4, (5, 4, 6, 3)) / 8


def network(channels, *, last=False):
    shape = (1, 4, 6, channels) if last else (1, channels, 4, 6)
    net = Net(shape, last=last)
    weights = np.eye(channels)[:, None, None, :] if last else np.eye(channels)[:, :, None, None]
    return net, net.conv(net.quant("x"), channels, 1, pads=[0] * 4, bias=None, values=0.5 * weights)


def argmax(net, logits, axis=1, keepdims=1, **attributes):
    shape = [size for place, size in enumerate(net.shapes[logits]) if place != axis % 4 or keepdims]
    if keepdims:
        shape[axis] = 1
    return net.add("ArgMax", [logits], shape, axis=axis, keepdims=keepdims, **attributes)


def result_of(graph, output="logits"):
    """What the hardware graph makes of the logits; ties are many among them."""
    assert graph.output_shape == (4, 6, 1)
    images = LOGITS[..., : graph.input_shape[2]]
    found = run_graph(graph.model, images)[graph.model.graph.output[0].name][..., 0]
    # What was read can be read again.
    again = ingest(graph.original, output)
    assert op_types(again.model) == op_types(graph.model)
    assert np.array_equal(run_graph(again.model, images)[again.model.graph.output[0].name][..., 0], found)
    return found


FIRST_LARGEST = np.array([[[min(range(3), key=lambda c: (-pixel[c], c)) for pixel in row] for row in image]
                          for image in LOGITS])


@pytest.mark.parametrize("spelling", ["keep", "drop", "cast", "softmax", "sigmoid", "last"])
def test_argmax(spelling):
    net, logits = network(3, last=spelling == "last")
    shape = net.shapes[logits]
    if spelling in ("softmax", "sigmoid"):
        logits = net.add(spelling.capitalize(), [logits], shape, **({"axis": 1} if spelling == "softmax" else {}))
    classes = argmax(net, logits, 3 if spelling == "last" else 1, keepdims=int(spelling != "drop"))
    if spelling == "cast":
        net.add("Cast", [net.add("Cast", [classes], net.shapes[classes], to=2)], net.shapes[classes], to=1)
    graph = ingest(net.model())
    assert op_types(graph.model) == ["Quant", "Conv", "ArgMax"]
    assert np.array_equal(result_of(graph), FIRST_LARGEST)


@pytest.mark.parametrize(("spelling", "limit"), [("sigmoid", 0.0), ("sigmoid and cast", 0.0), ("logits", 0.07)])
def test_a_threshold(spelling, limit):
    net, logits = network(1)
    value = limit
    if spelling != "logits":
        logits, value = net.add("Sigmoid", [logits], net.shapes[logits]), 0.5
    found = net.add("Greater", [logits, net.constant("limit", value)], net.shapes[logits])
    if spelling.endswith("cast"):
        net.add("Cast", [found], net.shapes[found], to=1)
    graph = ingest(net.model())
    assert op_types(graph.model) == ["Quant", "Conv", "Greater"]
    # The convolution halves what comes in.
    assert np.array_equal(result_of(graph), LOGITS[..., 0] / 2 > np.float32(limit))


@pytest.mark.parametrize("end", ["logits", "sigmoid", "quantized sigmoid", "classes"])
def test_a_mask_can_be_asked_for(end):
    channels = 3 if end == "classes" else 1
    net, logits = network(channels)
    if end.endswith("sigmoid"):
        logits = net.add("Sigmoid", [logits], net.shapes[logits])
    if end.startswith("quantized"):
        net.quant(logits, 6, -6)
    expected = FIRST_LARGEST if channels == 3 else LOGITS[..., 0] > 0
    graph = ingest(net.model(), "mask")
    assert np.array_equal(result_of(graph, "mask"), expected)
    # What was given stays what it is, for the comparison with the network.
    assert np.prod(graph.original.get_tensor_shape(graph.original.graph.output[0].name)) == 24 * channels


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize("layout", ["first", "last", "turned"])
def test_probabilities_of_which_a_mask_is_asked_for_are_left_out(op_type, layout):
    net, logits = network(3, last=layout == "last")
    if layout == "turned":
        logits = net.transpose(logits, (0, 2, 3, 1))
    net.add(op_type, [logits], net.shapes[logits], name="it", axis=1 if layout == "first" else 3)
    graph = ingest(net.model(), "mask")
    assert op_types(graph.model) == ["Quant", "Conv", "ArgMax"]
    assert np.array_equal(result_of(graph, "mask"), FIRST_LARGEST)
    with pytest.raises(IllegalGraphError, match=r"'it': operator .*ask for the largest class \(--output mask\)"):
        ingest(net.model())


@pytest.mark.parametrize(("axis", "bits"), [(2, None), (1, 3)])
def test_probabilities_that_are_others_than_the_classes_are_refused(axis, bits):
    net, logits = network(3)
    net.add("Softmax", [logits], net.shapes[logits], name="it", axis=axis)
    if bits:
        # Quantized ones are equal where the logits are not.
        net.quant(net.nodes[-1].output[0], bits, -3)
    with pytest.raises(IllegalGraphError, match="'it': operator Softmax"):
        ingest(net.model(), "mask")


def test_a_sigmoid_of_any_scale_is_left_out_before_its_table_rounds():
    net = Net((1, 1, 4, 6))
    levels = net.quant("x", 8, scale=0.003, signed=1)
    weights = net.quant(net.constant("ones", np.ones((1, 1, 1, 1))), 2, scale=1.0, signed=1)
    logits = net.add("Conv", [levels, weights], (1, 1, 4, 6), kernel_shape=[1, 1])
    net.add("Sigmoid", [logits], (1, 1, 4, 6))
    graph = ingest(net.model(), "mask")
    levels = np.arange(-12, 12).reshape(1, 4, 6, 1)
    found = run_graph(graph.model, levels)[graph.model.graph.output[0].name]
    assert np.array_equal(found, levels > 0)


def test_what_is_a_mask_stays_one():
    net, logits = network(3)
    argmax(net, logits)
    assert op_types(ingest(net.model(), "mask").model) == ["Quant", "Conv", "ArgMax"]


def test_what_no_class_wins_is_refused():
    net, logits = network(3)
    net.add("Sigmoid", [logits], net.shapes[logits], name="it")
    with pytest.raises(IllegalGraphError, match=r"'it': its 3 channels are masks of their own.*leave the sigmoid out"):
        ingest(net.model(), "mask")
    net, logits = network(3)
    net.add("Greater", [logits, net.constant("limit", 0)], net.shapes[logits], name="it")
    with pytest.raises(IllegalGraphError, match="'it': a comparison of 3 channels makes a mask of each; use ArgMax"):
        ingest(net.model())
    net, logits = network(3)
    argmax(net, logits, 2, name="it")
    with pytest.raises(IllegalGraphError, match="'it': only channels are classes"):
        ingest(net.model())
    net, logits = network(1)
    sigmoid = net.add("Sigmoid", [logits], net.shapes[logits])
    net.add("Greater", [sigmoid, net.constant("limit", 0.25)], net.shapes[logits], name="it")
    with pytest.raises(IllegalGraphError, match=r"'it' reads its result before it is quantized"):
        ingest(net.model())
    net, _ = network(1)
    with pytest.raises(ConfigurationError, match="no output 'masks'; use logits or mask"):
        ingest(net.model(), "masks")


def test_a_cast_to_bool_makes_one_class_of_many_and_is_refused():
    net, logits = network(3)
    net.add("Cast", [argmax(net, logits)], (1, 1, 4, 6), to=9)
    model = net.model()
    model.graph.output[0].type.tensor_type.elem_type = 9
    with pytest.raises(IllegalGraphError, match="ArgMax can be built only at the network's end"):
        ingest(model)
