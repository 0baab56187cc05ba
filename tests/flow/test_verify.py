import numpy as np
import pytest
import torch

from quantunet_hls.core.errors import MismatchError
from quantunet_hls.flow import verify
from quantunet_hls.flow.verify import (
    BREVITAS,
    CHANNELS_LAST,
    CSIM,
    QONNX,
    batches,
    compare_layers,
    reference,
    require_equal,
    together,
)
from quantunet_hls.ingest import export_module, ingest
from quantunet_hls.ingest.limits import numbers_of
from quantunet_hls.nets import LayerWidths
from quantunet_hls.reports.schema import Check
from tests.builders import brevitas_unet


def graph_of(net, height=8, width=12):
    return ingest(export_module(net, (net.config.in_channels, height, width)))


@pytest.mark.parametrize("widths", [LayerWidths(4, 6, 16), LayerWidths(2, 2, 8), LayerWidths(16, 16, 24)])
def test_all_forms_agree_and_every_layer_was_compared(widths):
    net = brevitas_unet(base=4, channels=3, classes=2, widths=widths)
    images = np.random.default_rng(0).uniform(-0.1, 1.1, (2, 8, 12, 3)).astype(np.float32).astype(np.float64)
    result = reference(graph_of(net), images, net)
    assert sum(check.differing for check in result.checks) == 0
    layers = len(net.config.layer_names)
    assert sum(check.reference == BREVITAS for check in result.checks) == 2 * layers + 1
    assert sum(check.reference == QONNX for check in result.checks) > 2 * layers
    assert result.result.shape == (2, 8, 12, 2)


def test_a_module_that_computes_something_else_is_noticed():
    net, other = brevitas_unet(seed=0), brevitas_unet(seed=1)
    images = np.random.default_rng(0).uniform(0, 1, (1, 8, 12, 1))
    result = reference(graph_of(net), images, other)
    output = next(check for check in result.checks if check.reference == BREVITAS and check.layer is None)
    assert output.differing > 0
    with pytest.raises(MismatchError, match="QONNX differs from Brevitas at layer"):
        require_equal(result.checks)


def test_one_value_of_a_simulation_that_differs_is_counted():
    net = brevitas_unet()
    graph = graph_of(net)
    expected = reference(graph, np.random.default_rng(0).uniform(0, 1, (2, 8, 12, 1)))
    conv = next(node for node in graph.model.graph.node if node.op_type == "Conv")
    values = expected.tensors[conv.output[0]].copy()
    output = expected.result.copy()
    good = compare_layers(expected, graph, CSIM, {"a": values.reshape(2, -1)}, {"a": conv.output[0]}, output)
    assert [check.differing for check in good] == [0, 0]
    values.flat[3] += 2.0**-30
    output.flat[0] = np.nan
    bad = compare_layers(expected, graph, CSIM, {"a": values}, {"a": conv.output[0]}, output)
    assert [(check.layer, check.differing) for check in bad] == [(conv.name, 1), (None, 1)]
    with pytest.raises(MismatchError, match=rf"layer '{conv.name}' in 1 of {values.size} values"):
        require_equal(bad)


def test_equal_stages_pass():
    require_equal((Check(QONNX, CHANNELS_LAST, None, 4, 0),))


def test_ties_at_the_port_round_the_same_everywhere():
    """Every multiple of half a step of the 8-bit port, where rounding to even and upwards differ."""
    net = brevitas_unet()
    images = (np.arange(-40, 56 * 12 - 40) / 512)[: 8 * 12 * 7].reshape(7, 8, 12, 1)
    assert sum(check.differing for check in reference(graph_of(net), images, net).checks) == 0
    assert torch.get_default_dtype() is torch.float32


def test_images_are_checked_in_groups_that_are_held_at_once(monkeypatch):
    net = brevitas_unet()
    graph = graph_of(net)
    images = np.random.default_rng(0).uniform(0, 1, (5, 8, 12, 1))
    assert [len(group) for group in batches(graph, images)] == [5]
    whole = reference(graph, images, net)
    monkeypatch.setattr(verify, "_AT_A_TIME", 2 * numbers_of(graph.model))
    groups = batches(graph, images)
    assert [len(group) for group in groups] == [2, 2, 1]
    assert np.array_equal(np.concatenate(groups), images)
    # The same comparisons, of the same numbers of values.
    parts = [reference(graph, group, net) for group in groups]
    assert together([part.checks for part in parts]) == whole.checks
    assert np.array_equal(np.concatenate([part.result for part in parts]), whole.result)
    # However large an image is, one is held.
    monkeypatch.setattr(verify, "_AT_A_TIME", 1)
    assert [len(group) for group in batches(graph, images)] == [1] * 5


def test_what_differs_in_any_group_is_counted():
    # A layer that is run twice is compared twice.
    one = [Check(QONNX, CSIM, "a", 4, 0), Check(QONNX, CSIM, "a", 4, 1), Check(QONNX, CSIM, None, 4, 1)]
    other = [Check(QONNX, CSIM, "a", 2, 2), Check(QONNX, CSIM, "a", 2, 0), Check(QONNX, CSIM, None, 2, 0)]
    assert together([one, other]) == (
        Check(QONNX, CSIM, "a", 6, 2), Check(QONNX, CSIM, "a", 6, 1), Check(QONNX, CSIM, None, 6, 1))
