"""A small quantized network as channels-last QONNX."""

import warnings

import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantReLU
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from quantunet_hls.nets.quantizers import activation_quantizer, bias_quantizer, input_quantizer, weight_quantizer

with warnings.catch_warnings():
    # What Brevitas warns of while its exporter is imported is its own doing.
    warnings.simplefilter("ignore")
    from quantunet_hls.ingest import export_module, ingest


class _Net(nn.Module):
    def __init__(self):
        super().__init__()
        quantizers = {"weight_quant": weight_quantizer(4), "bias_quant": bias_quantizer(16), "bias": True}
        self.port = QuantIdentity(act_quant=input_quantizer(8), return_quant_tensor=True)
        self.first = QuantConv2d(2, 4, 3, padding=1, **quantizers)
        self.relu = QuantReLU(act_quant=activation_quantizer(6), return_quant_tensor=True)
        self.each = QuantConv2d(4, 4, 3, padding=1, stride=2, groups=4, **quantizers)
        self.relu2 = QuantReLU(act_quant=activation_quantizer(5), return_quant_tensor=True)
        self.head = QuantConv2d(4, 3, 1, **quantizers)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.relu(self.first(self.port(x))), 2)
        return self.head(self.relu2(self.each(x)))


def network() -> ModelWrapper:
    """Convolution, max pooling, depthwise with stride, pointwise, on images of 8x12 with 2 channels."""
    torch.manual_seed(3)
    net = _Net()
    for layer in (net.first, net.each, net.head):
        nn.init.normal_(layer.bias, 0.2, 0.1)
    for _ in range(22):
        net(torch.rand(2, 2, 8, 12))
    net.eval()
    return ingest(export_module(net, (2, 8, 12))).model
