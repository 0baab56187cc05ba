"""Functions as PyTorch's modules are exported, between Brevitas's quantizers."""

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8WeightPerTensorFixedPoint,
    Uint8ActPerTensorFixedPoint,
)
from torch import nn

from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import export_module, ingest
from quantunet_hls.nets import calibrate
from tests.builders import op_types

MODULES = [nn.SiLU(), nn.GELU(), nn.GELU(approximate="tanh"), nn.Hardswish(), nn.Hardsigmoid(), nn.Mish(),
           nn.Softplus(), nn.ELU(), nn.Tanh(), nn.Sigmoid(), nn.ReLU6(), nn.Hardtanh()]
WEIGHTS = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4, "bias": False}


class Between(nn.Module):
    """Two convolutions, and a function between two quantizers between them."""

    def __init__(self, function: nn.Module, quantizer: type):
        super().__init__()
        self.port = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFixedPoint, bit_width=6)
        self.first = qnn.QuantConv2d(2, 3, 3, padding=1, **WEIGHTS)
        self.before = qnn.QuantIdentity(act_quant=quantizer, bit_width=7)
        self.function = function
        self.behind = qnn.QuantIdentity(act_quant=quantizer, bit_width=6)
        self.head = qnn.QuantConv2d(3, 2, 1, **WEIGHTS)

    def forward(self, image):
        return self.head(self.behind(self.function(self.before(self.first(self.port(image))))))


@pytest.mark.parametrize("quantizer", [Int8ActPerTensorFixedPoint, Int8ActPerTensorFloat])
@pytest.mark.parametrize("function", MODULES, ids=str)
def test_a_module_is_computed_as_brevitas_does(function, quantizer):
    torch.manual_seed(0)
    net = Between(function, quantizer)
    calibrate(net, torch.rand(4, 2, 6, 8))
    graph = ingest(export_module(net.eval(), (2, 6, 8)))
    assert op_types(graph.model)[3] in ("Table", "Clip", "Requantize")
    images = np.random.default_rng(0).uniform(0, 1, (2, *graph.input_shape)).astype(np.float32)
    checks = reference(graph, images, net).checks
    assert checks
    assert not any(check.differing for check in checks)
