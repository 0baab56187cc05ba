"""Both orders of DepthToSpace against torch and in every executor."""

import numpy as np
import pytest
import torch

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.ranges import infer_types
from tests.builders import Net, op_types
from tests.executors import Executors


def shuffled(block, channels, mode):
    """A convolution whose channels become pixels."""
    net = Net((1, 2, 3, 4))
    source = net.quant(net.conv(net.quant("x"), channels * block**2), 5, -2, signed=1)
    attributes = {} if mode is None else {"mode": mode}
    net.add("DepthToSpace", [source], (1, channels, 3 * block, 4 * block), blocksize=block, **attributes)
    return net


@pytest.mark.parametrize(("block", "channels"), [(2, 1), (2, 3), (3, 2)])
@pytest.mark.parametrize("mode", [None, "DCR", "CRD"])
def test_channels_become_the_pixels_that_onnx_says(block, channels, mode):
    graph = ingest(shuffled(block, channels, mode).model())
    assert op_types(graph.model) == ["Quant", "Conv", "Quant", "PixelBlocks"]
    tensors = run_graph(graph.model, np.random.default_rng(0).uniform(0, 2, (2, 3, 4, 2)))
    before = torch.from_numpy(tensors[graph.model.graph.node[-1].input[0]].transpose(0, 3, 1, 2).copy())
    if mode != "CRD":
        # In depth-column-row order the places of a block come before the channels.
        before = before.unflatten(1, (block**2, channels)).transpose(1, 2).flatten(1, 2)
    expected = torch.nn.functional.pixel_shuffle(before, block).numpy().transpose(0, 2, 3, 1)
    found = tensors[graph.model.graph.output[0].name]
    assert np.unique(found).size > 5
    assert np.array_equal(found, expected)
    values = infer_types(graph.model).ranges[graph.model.graph.output[0].name]
    assert len(values.low) == channels


def test_other_orders_of_axes_are_refused():
    net = Net((1, 4, 4, 4), last=True)
    net.add("DepthToSpace", [net.conv(net.quant("x"), 4)], (1, 1, 8, 8), blocksize=2)
    with pytest.raises(IllegalGraphError, match=r"reads channels first.*add the missing Transpose"):
        ingest(net.model())


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_blocks_are_exact_in_every_executor(mode, tmp_path):
    net = shuffled(2, 3, mode)
    # Behind a join that may read wider beats than the pixels come in.
    joined = net.concat(net.nodes[-1].output[0], net.resize(net.nodes[0].output[0]))
    net.conv(joined, 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_emulator()
    case.check_csim()
    case.check_rtl()
