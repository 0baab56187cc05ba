"""Transposed convolutions, sigmoids, masks, and windows of any kind: 0 differing in all executors, from Brevitas on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls import generate_accelerator
from quantunet_hls.data.check_images import check_images
from quantunet_hls.emulate.accuracy import emulate_graph
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import ingest, load_qonnx
from quantunet_hls.nets import calibrate
from quantunet_hls.reports import names
from tests.brevitas_nets import Classes, Mask, UpConvolutions

_SHAPE = (1, 8, 12)

def _generate(folder, classes, end, output, **settings):
    torch.manual_seed(4)
    net = UpConvolutions(classes, end)
    calibrate(net, torch.rand(2, *_SHAPE))
    return generate_accelerator(net.eval(), "zcu104", input_shape=_SHAPE, images=2, output=output,
                                projects=folder / "projects", reports=folder / "reports", **settings)


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "end", "output"), [
    (2, nn.Identity(), "logits"), (1, nn.Sigmoid(), "logits"), (1, nn.Identity(), "mask"), (1, nn.Sigmoid(), "mask"),
    (3, nn.Identity(), "mask"), (3, Classes(), "logits"), (1, Mask(), "logits")])
def test_all_stages_compute_the_same(classes, end, output, tmp_path):
    made = _generate(tmp_path, classes, end, output, toolchain="open", last="rtl")
    assert made.differing == 0
    graph = ingest(load_qonnx(made.folder / "network.onnx"), output)
    seen = {(check.candidate, check.layer) for check in made.checks}
    for executor in ("C-simulation", "RTL simulation"):
        # The other transposed convolution's kernel is its stride: no zeros, and its quantizer's values are compared.
        assert {(executor, None), (executor, "up_up_0_ConvTranspose_zeros"), (executor, "last_last_1_Quant")} | {
            (executor, node.name) for node in graph.model.graph.node if node.op_type == "Concat"} <= seen
    # A float sigmoid is compared with nothing, but its distance from the table is known.
    sigmoid = isinstance(end, nn.Sigmoid) and output == "logits"
    assert (("QONNX", None) in seen) == (not isinstance(end, nn.Sigmoid))
    error = made.report.figure(names.SIGMOID_ERROR_MAX)
    assert (error is not None) == sigmoid
    assert error is None or 0 < error.value < 0.006
    # The emulator, too, is equal at every layer.
    images = check_images(None, 2, *graph.input_shape)
    expected = reference(graph, images)
    result = emulate_graph(graph).predict(images)
    assert np.array_equal(result, expected.result)
    if output == "mask" or not isinstance(end, nn.Identity | nn.Sigmoid):
        assert graph.output_shape == (*_SHAPE[1:], 1)
        assert set(np.unique(result)) <= set(range(max(2, classes)))


@pytest.mark.slow
def test_all_kinds_are_mapped(tmp_path):
    made = _generate(tmp_path, 3, nn.Identity(), "mask", toolchain="open")
    assert made.differing == 0
    mapped = {layer.name for layer in made.report.layers if layer.figures}
    # The mean's unit rounds, too: it has the name of the quantizer whose values it puts out.
    assert {"classes", "up_up_0_ConvTranspose_zeros", "last_last_0_ConvTranspose", "down_down_0_MaxPool",
            "low_low_1_Quant"} <= mapped
