"""Padding and slicing of images in ONNX's forms against torch, and in the one form that they become."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph
from tests.builders import Net, op_types

SIZES = (2, 4, 6)


def result(net, *, last=False):
    """Op types of the hardware's graph, and what it makes of an image, channels first."""
    graph = ingest(net.model())
    image = np.random.default_rng(0).integers(0, 16, (1, *SIZES)) / 8.0
    found = run_graph(graph.model, image.transpose(0, 2, 3, 1))[graph.model.graph.output[0].name]
    original = run_graph(graph.original, image.transpose(0, 2, 3, 1) if last else image)
    (name,) = [entry.name for entry in graph.original.graph.output]
    first = found.transpose(0, 3, 1, 2)
    assert np.array_equal(original[name].transpose(0, 3, 1, 2) if last else original[name], first)
    return op_types(graph.model), torch.from_numpy(image), torch.from_numpy(np.ascontiguousarray(first))


@settings(max_examples=30)
@given(pads=st.lists(st.integers(-1, 3), min_size=6, max_size=6), last=st.booleans())
def test_any_padding_and_cropping(pads, last):
    before, behind = pads[:3], pads[3:]
    if SIZES[0] + before[0] + behind[0] < 1:
        before[0] = 0
    assume(any(pads))
    order = (1, 2, 0) if last else (0, 1, 2)
    given_pads = [0, *(before[axis] for axis in order), 0, *(behind[axis] for axis in order)]
    net = Net((1, *(SIZES[axis] for axis in order)), last=last)
    # A layer that tells the order of axes.
    image = net.pool(net.quant("x"), (2, 1))
    sizes = (SIZES[0], SIZES[1] // 2, SIZES[2])
    shape = (1, *(sizes[axis] + before[axis] + behind[axis] for axis in order))
    assume(min(shape) > 0)
    net.add("Pad", [image, net.constant("pads", given_pads, np.int64)], shape)
    kinds, image, found = result(net, last=last)
    assert kinds == ["Quant", "MaxPool", "CropPad"]
    sides = [count for axis in (2, 1, 0) for count in (before[axis], behind[axis])]
    pooled = torch.nn.functional.max_pool2d(image, (2, 1))
    assert torch.equal(found, torch.nn.functional.pad(pooled, sides))


@pytest.mark.parametrize(("starts", "ends", "axes", "expected"), [
    ([1], [3], [2], np.s_[:, :, 1:3]), ([-3, 1], [2**62, -1], [3, 2], np.s_[:, :, 1:-1, -3:]),
    ([0, 1], [1, 4], None, np.s_[0:1, 1:2]), ([1], [2], [-3], np.s_[:, 1:2])])
def test_slices_keep_what_they_say(starts, ends, axes, expected):
    net = Net((1, *SIZES))
    shape = np.zeros((1, *SIZES))[expected].shape
    inputs = [net.quant("x"), net.constant("starts", starts, np.int64), net.constant("ends", ends, np.int64)]
    if axes is not None:
        inputs.append(net.constant("axes", axes, np.int64))
    net.add("Slice", inputs, shape)
    kinds, image, found = result(net)
    assert kinds == ["Quant", "CropPad"]
    assert torch.equal(found, image[expected])


@pytest.mark.parametrize(("kind", "inputs", "attributes", "says"), [
    ("Pad", {"pads": [0, 0, 1, 1, 0, 0, 1, 1]}, {"mode": "reflect"}, "mode reflect.*pad with zeros"),
    ("Pad", {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "value": 1.0}, {}, "other values than zeros"),
    ("Slice", {"starts": [0], "ends": [2], "axes": [1], "steps": [2]}, {}, r"channels that are no neighbours.*slice"),
])
def test_what_is_no_frame_is_refused_with_its_remedy(kind, inputs, attributes, says):
    net = Net((1, *SIZES))
    shape = (1, 2, 6, 8) if kind == "Pad" else (1, 1, 4, 6)
    names = [net.constant(name, value, np.float32 if name == "value" else np.int64) for name, value in inputs.items()]
    net.add(kind, [net.quant("x"), *names], shape, **attributes)
    with pytest.raises(IllegalGraphError, match=says):
        ingest(net.model())
