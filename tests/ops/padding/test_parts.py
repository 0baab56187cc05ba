"""What takes images apart: split, slices that skip pixels, blocks that become channels."""

import numpy as np
import pytest
from onnx import helper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph
from tests.builders import Net, op_types
from tests.executors import Executors

SIZES = (4, 4, 6)
IMAGE = np.random.default_rng(0).integers(0, 16, (2, *SIZES)) / 8.0


def image_of(net, *, last=False):
    """A layer that tells the order of axes and changes nothing."""
    return net.pool(net.quant("x"), (1, 1)) if last else net.quant("x")


def computed(net):
    graph = ingest(net.model())
    found = run_graph(graph.model, IMAGE.transpose(0, 2, 3, 1))[graph.model.graph.output[0].name]
    return graph, found.transpose(0, 3, 1, 2)


def split(net, sizes, axis, read, **attributes):
    """The parts of these numbers, side by side on that axis again."""
    image = net.quant("x")
    names = [f"part{place}" for place in range(len(sizes))]
    given = [] if attributes else [net.constant("sizes", sizes, np.int64)]
    net.nodes.append(helper.make_node("Split", [image, *given], names, name="it", axis=axis, **attributes))
    for name, size in zip(names, sizes, strict=True):
        shape = [1, *SIZES]
        shape[axis] = size
        net.shapes[name] = tuple(shape)
    return net.concat(*(names[place] for place in read), axis=1)


@pytest.mark.parametrize(("sizes", "axis", "read", "attributes"), [
    ((1, 3), 1, (1, 0), {}), ((2, 2), -3, (0, 1, 0), {"num_outputs": 2}), ((2, 2), 2, (1, 0), {}),
    ((3, 2, 1), 3, (1,), {})])
def test_parts_are_what_lies_there(sizes, axis, read, attributes):
    net = Net((1, *SIZES))
    if len(read) == 1:
        split(net, sizes, axis % 4, read * 2, **attributes)
    else:
        split(net, sizes, axis % 4, read, **attributes)
    parts = np.split(IMAGE, np.cumsum(sizes)[:-1], axis % 4)
    _, found = computed(net)
    assert np.array_equal(found, np.concatenate([parts[place] for place in (read * 2 if len(read) == 1 else read)], 1))


def sliced(net, image, starts, ends, axes, steps, shape, **options):
    return net.add("Slice", [image, *(net.constant(f"{role}{len(net.nodes)}", values, np.int64) for role, values in (
        ("starts", starts), ("ends", ends), ("axes", axes), ("steps", steps)))], shape, **options)


@pytest.mark.parametrize("last", [False, True])
def test_a_slice_skips_pixels(last):
    axes = (1, 2) if last else (2, 3)
    net = Net((1, *SIZES[1:], SIZES[0]) if last else (1, *SIZES), last=last)
    shape = (1, 2, 2, 4) if last else (1, 4, 2, 2)
    sliced(net, image_of(net, last=last), (1, 0), (2**31, -1), axes, (2, 3), shape)
    graph, found = computed(net)
    assert op_types(graph.model)[-2:] == ["CropPad", "MaxPool"]
    assert np.array_equal(found, IMAGE[:, :, 1::2, :-1:3])


def test_blocks_become_channels():
    net = Net((1, *SIZES))
    net.add("SpaceToDepth", [net.quant("x")], (1, 16, 2, 3), blocksize=2)
    _, found = computed(net)
    blocks = IMAGE.reshape(2, 4, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(2, 16, 2, 3)
    assert np.array_equal(found, blocks)


def test_channels_of_scales_of_their_own_are_taken_apart():
    """Each part goes on with its own channels' scales, which a convolution of all of them could not read."""
    net = Net((1, *SIZES))
    scale = np.array([0.3, 0.3, 0.7, 0.7]).reshape(1, 4, 1, 1)
    levels = net.quant("x", 4, scale=scale)
    for start in (0, 2):
        part = net.add("Slice", [levels, *(net.constant(f"{role}{start}", [value], np.int64) for role, value in (
            ("starts", start), ("ends", start + 2), ("axes", 1)))], (1, 2, 4, 6))
        net.quant(net.conv(part, 2), 4, scale=0.11)
    net.concat(*(node.output[0] for node in net.nodes if node.op_type == "Quant" and
                 net.shapes[node.output[0]] == (1, 2, 4, 6)))
    graph = ingest(net.model())
    assert graph.scales.whole


@pytest.mark.parametrize(("build", "message"), [
    (lambda net: sliced(net, net.quant("x"), [0], [4], [1], [2], (1, 2, 4, 6), name="it"),
     "'it': it takes channels that are no neighbours; slice those that are side by side"),
    (lambda net: sliced(net, net.quant("x"), [3], [-5], [2], [-1], (1, 4, 4, 6), name="it"),
     r"'it': it takes places in steps of \[-1\], which is backwards; slice forwards"),
    (lambda net: net.add("SpaceToDepth", [net.quant("x")], (1, 64, 1, 1), blocksize=4, name="it"), "blocks of 4 x 4"),
])
def test_other_parts_are_refused(build, message):
    net = Net((1, 4, 4, 6))
    build(net)
    with pytest.raises(IllegalGraphError, match=message):
        ingest(net.model())


@pytest.mark.slow
def test_parts_are_exact_in_every_executor(tmp_path):
    net = Net((1, 2, 6, 8))
    image = net.quant("x")
    blocks = net.add("SpaceToDepth", [image], (1, 8, 3, 4), blocksize=2)
    one = net.quant(net.conv(blocks, 3))
    picked = sliced(net, net.quant(net.conv(image, 2)), (1, 1), (6, 8), (2, 3), (2, 2), (1, 2, 3, 4))
    net.conv(net.concat(one, picked), 2)
    case = Executors(net.model(), tmp_path)
    case.check_emulator()
    case.check_csim()
    case.check_rtl()
