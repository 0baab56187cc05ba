"""Sums as Brevitas modules write them: of plain tensors, and with quantizers of their own."""

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerTensorFixedPoint,
    Uint8ActPerTensorFixedPoint,
)
from torch import nn

from quantunet_hls.emulate.accuracy import emulate_graph
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import export_module, ingest
from quantunet_hls.nets import calibrate
from quantunet_hls.tuning.calibrate import calibrate as statistics_of
from quantunet_hls.tuning.choice import groups_of
from tests.builders import op_types

WEIGHTS = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4, "bias": False}


class Residual(nn.Module):
    """One block with the identity beside it; ``join`` adds both branches."""

    def __init__(self, join: nn.Module | None):
        super().__init__()
        self.port = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFixedPoint, bit_width=6)
        self.first, self.after_first = qnn.QuantConv2d(2, 4, 3, padding=1, **WEIGHTS), self._relu()
        self.second = qnn.QuantConv2d(4, 4, 3, padding=1, **WEIGHTS)
        self.signed = qnn.QuantIdentity(act_quant=Int8ActPerTensorFixedPoint, bit_width=6)
        self.join, self.after_sum = join, self._relu()
        self.head = qnn.QuantConv2d(4, 2, 1, **WEIGHTS)

    @staticmethod
    def _relu() -> nn.Module:
        return qnn.QuantReLU(act_quant=Uint8ActPerTensorFixedPoint, bit_width=5)

    def forward(self, image):
        x = self.after_first(self.first(self.port(image)))
        y = self.signed(self.second(x))
        return self.head(self.after_sum(y + x if self.join is None else self.join(y, x)))


@pytest.fixture(params=["+", "QuantEltwiseAdd"])
def net(request):
    torch.manual_seed(0)
    join = None if request.param == "+" else qnn.QuantEltwiseAdd(Int8ActPerTensorFixedPoint, Int8ActPerTensorFixedPoint)
    net = Residual(join)
    calibrate(net, torch.rand(4, 2, 8, 10))
    return net.eval()


def test_a_residual_module_is_computed_as_brevitas_does(net):
    graph = ingest(export_module(net, (2, 8, 10)))
    assert op_types(graph.model).count("Add") == 1
    images = np.random.default_rng(0).uniform(0, 1, (3, *graph.input_shape)).astype(np.float32)
    found = reference(graph, images, net)
    assert ("Brevitas", None) in {(check.reference, check.layer) for check in found.checks}
    assert all(not check.differing for check in found.checks)
    assert np.array_equal(emulate_graph(graph).predict(images), found.result)
    assert np.unique(found.result).size > 50


def test_it_can_be_tuned(net):
    graph = ingest(export_module(net, (2, 8, 10)))
    images = np.random.default_rng(0).uniform(0, 1, (3, *graph.input_shape)).astype(np.float32)
    seen, tensors = statistics_of(graph.model, torch.from_numpy(images)), reference(graph, images).tensors
    quantizers = [node for node in graph.model.graph.node if node.op_type == "Quant"]
    for node in quantizers:
        assert np.allclose(np.sort(seen.values[node.name]), np.sort(tensors[node.input[0]].reshape(-1)), atol=1e-5)
    # Branches keep types of their own: a sum needs no common one.
    assert [len(names) for names in groups_of(graph).values()] == [1] * (len(quantizers) - 1)
