"""A float network in the forms that people bring it: as it is, with Brevitas's quantizers, as a QCDQ file.

Brevitas has a quantized layer for each layer of torch. Whoever quantizes a
network by hand puts those in, those for sums and concats among them, and a
quantizer in front of each convolution and sigmoid that would read values of
none; here that is done to any network.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import brevitas.nn as qnn
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8BiasPerTensorFixedPointInternalScaling,
    Int8WeightPerTensorFixedPoint,
    Int8WeightPerTensorFloat,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from benchmarks.interop.networks import NETWORKS, network

__all__ = ["FORMS", "write_form"]

#: Batches of random images that quantizers see before they stand.
_CALIBRATION = 8

#: Of activations: their statistics stand after these batches.
_COLLECTED = {"collect_stats_steps": _CALIBRATION}


@dataclass(frozen=True)
class _Quantizers:
    """Those of Brevitas that one form uses; None for a bias that stays a float."""

    weight: type
    signed: type
    unsigned: type
    bias: type | None


_DEFAULTS = _Quantizers(Int8WeightPerTensorFloat, Int8ActPerTensorFloat.let(**_COLLECTED),
                        Uint8ActPerTensorFloat.let(**_COLLECTED), None)
_POWERS_OF_TWO = _Quantizers(Int8WeightPerTensorFixedPoint, Int8ActPerTensorFixedPoint.let(**_COLLECTED),
                             Uint8ActPerTensorFixedPoint.let(**_COLLECTED),
                             Int8BiasPerTensorFixedPointInternalScaling.let(bit_width=16))

#: Names of the functions that add and multiply two branches; in place they are objects of their own at every call.
_SUMS = ("add", "add_", "__add__", "__iadd__")
_PRODUCTS = ("mul", "mul_", "__mul__", "__imul__")

#: What makes no new values of those that it reads, or takes their scale along.
_PASSING = (functional.max_pool2d, torch.max_pool2d, functional.pad, torch.Tensor.__getitem__, functional.dropout,
            functional.interpolate)


def _is_quantized(tensor: torch.Tensor) -> bool:
    return getattr(tensor, "quantized", False)


def _quantized(tensor: torch.Tensor) -> torch.Tensor:
    tensor.quantized = True
    return tensor


class _Watch(TorchFunctionMode):
    """Knows which values are quantized, and makes Brevitas's layers of what joins branches, in the order of the run."""

    def __init__(self, joins: nn.ModuleList, quantizers: _Quantizers) -> None:
        super().__init__()
        self.joins, self.quantizers, self.run = joins, quantizers, itertools.count()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """The function's result; torch turns this mode off meanwhile."""
        branches = args[0] if function is torch.cat else args[:2]
        if (function is torch.cat or function.__name__ in _SUMS + _PRODUCTS) and all(
                isinstance(each, torch.Tensor) and each.ndim == 4 for each in branches):
            place = next(self.run)
            if place == len(self.joins):
                self.joins.append(_join(function.__name__, self.quantizers))
            return _quantized(self.joins[place](*(branches,) if function is torch.cat else branches))
        result = function(*args, **(kwargs or {}))
        return _quantized(result) if function in _PASSING and _is_quantized(args[0]) else result


def _join(function: str, quantizers: _Quantizers) -> nn.Module:
    """Brevitas's layer for a sum, which quantizes its branches alike, as is done to those of a concat; or a product."""
    # QuantCat of Brevitas 0.13 calls a function that is gone.
    if function == "cat":
        return _Concat(qnn.QuantIdentity(act_quant=quantizers.signed))
    if function in _SUMS:
        return qnn.QuantEltwiseAdd(input_quant=quantizers.signed, output_quant=quantizers.signed)
    return _Product(qnn.QuantIdentity(act_quant=quantizers.signed))


class _Concat(nn.Module):
    """Of the channels of branches that one quantizer has brought to one scale."""

    def __init__(self, before: nn.Module) -> None:
        super().__init__()
        self.before = before

    def forward(self, branches: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat([self.before(branch) for branch in branches], dim=1)


class _Product(nn.Module):
    """Of two branches, and a quantizer behind it."""

    def __init__(self, behind: nn.Module) -> None:
        super().__init__()
        self.behind = behind

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.behind(one * other)


class _Marked(nn.Module):
    """An activation, whose results are quantized values."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return _quantized(self.inner(image))


class _Fed(nn.Module):
    """A convolution, behind a quantizer where its image comes from none."""

    def __init__(self, inner: nn.Module, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.inner, self.make, self.before = inner, make, nn.ModuleList()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if not _is_quantized(image) and not self.before:
            self.before.append(self.make())
        for quantizer in self.before:
            image = quantizer(image)
        return self.inner(image)


class _Quantized(nn.Module):
    """A network of quantized layers behind a quantizer of its image."""

    def __init__(self, inner: nn.Module, quantizers: _Quantizers) -> None:
        super().__init__()
        self.image, self.inner = qnn.QuantIdentity(act_quant=quantizers.unsigned), inner
        self.joins, self.quantizers = nn.ModuleList(), quantizers

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        image = _quantized(self.image(image))
        with _Watch(self.joins, self.quantizers):
            return self.inner(image)


def _exchanged(layer: nn.Module, quantizers: _Quantizers) -> nn.Module:
    """The quantized layer in the place of one of torch, or the layer itself."""
    def signed() -> nn.Module:
        return qnn.QuantIdentity(act_quant=quantizers.signed)

    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        kind = qnn.QuantConv2d if isinstance(layer, nn.Conv2d) else qnn.QuantConvTranspose2d
        extra = {"output_padding": layer.output_padding} if isinstance(layer, nn.ConvTranspose2d) else {}
        new = kind(layer.in_channels, layer.out_channels, layer.kernel_size, stride=layer.stride,
                   padding=layer.padding, dilation=layer.dilation, groups=layer.groups, bias=layer.bias is not None,
                   weight_quant=quantizers.weight, bias_quant=quantizers.bias, **extra)
        new.load_state_dict(layer.state_dict(), strict=False)
        return _Fed(new, signed)
    if isinstance(layer, nn.ReLU6):
        return _Marked(nn.Sequential(nn.ReLU6(), qnn.QuantIdentity(act_quant=quantizers.unsigned)))
    if isinstance(layer, nn.ReLU):
        return _Marked(qnn.QuantReLU(act_quant=quantizers.unsigned))
    if isinstance(layer, nn.LeakyReLU | nn.PReLU):
        return _Marked(nn.Sequential(layer, signed()))
    if isinstance(layer, nn.Sigmoid):
        return _Marked(qnn.QuantSigmoid(input_quant=quantizers.signed, act_quant=quantizers.unsigned))
    return layer


def _with_quantized_layers(module: nn.Module, quantizers: _Quantizers) -> nn.Module:
    for name, child in module.named_children():
        new = _exchanged(child, quantizers)
        setattr(module, name, new if new is not child else _with_quantized_layers(child, quantizers))
    return module


def _folded(module: nn.Module, image: torch.Tensor) -> nn.Module:
    """The network with each batch normalization in the convolution that it follows."""
    writers: dict[int, tuple[torch.Tensor, nn.Module]] = {}
    pairs: list[tuple[nn.Module, nn.BatchNorm2d]] = []

    def ran(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        if isinstance(layer, nn.BatchNorm2d) and id(inputs[0]) in writers:
            pairs.append((writers[id(inputs[0])][1], layer))
        elif not isinstance(layer, nn.BatchNorm2d):
            writers[id(output)] = output, layer

    layers = [each for each in module.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d)]
    hooks = [layer.register_forward_hook(ran) for layer in layers]
    with torch.no_grad():
        module(image)
    for hook in hooks:
        hook.remove()
    for convolution, norm in pairs:
        _fold(convolution, norm)
    gone = {norm for _, norm in pairs}
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if child in gone:
                setattr(parent, name, nn.Identity())
    return module


@torch.no_grad()
def _fold(convolution: nn.Module, norm: nn.BatchNorm2d) -> None:
    assert isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    axis = 1 if isinstance(convolution, nn.ConvTranspose2d) else 0
    convolution.weight *= factor.reshape([-1 if place == axis else 1 for place in range(4)])
    bias = torch.zeros_like(factor) if convolution.bias is None else convolution.bias
    convolution.bias = nn.Parameter(norm.bias + (bias - norm.running_mean) * factor)


@torch.no_grad()
def _brevitas(name: str, quantizers: _Quantizers, fold: bool) -> nn.Module:
    known = NETWORKS[name]
    inner = network(name)
    if fold:
        inner = _folded(inner, torch.rand(1, *known.image))
    module = _Quantized(_with_quantized_layers(inner, quantizers), quantizers)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for run in range(_CALIBRATION + 1):
            module.train()
            for layer in module.modules():
                if isinstance(layer, nn.BatchNorm2d | nn.Dropout):
                    layer.eval()
            # The first run makes the quantizers that the network asks for.
            module(torch.rand(4, *known.image) if run else torch.rand(1, *known.image))
    return module.eval()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _write_float(name: str, path: Path) -> None:
    with _quietly():
        torch.onnx.export(network(name), (torch.rand(1, *NETWORKS[name].image),), str(path), dynamo=False,
                          opset_version=17)


def _write_defaults(name: str, path: Path) -> None:
    module = _brevitas(name, _DEFAULTS, fold=False)
    with _quietly():
        export_qonnx(module, args=torch.rand(1, *NETWORKS[name].image), export_path=str(path), dynamo=False,
                     opset_version=13)


def _write_powers_of_two(name: str, path: Path) -> None:
    module = _brevitas(name, _POWERS_OF_TWO, fold=True)
    with _quietly():
        export_qonnx(module, args=torch.rand(1, *NETWORKS[name].image), export_path=str(path), dynamo=False,
                     opset_version=13)


def _write_qcdq(name: str, path: Path) -> None:
    module = _brevitas(name, _DEFAULTS, fold=True)
    with _quietly():
        export_onnx_qcdq(module, args=torch.rand(1, *NETWORKS[name].image), export_path=str(path), dynamo=False,
                         opset_version=13)


#: What writes a network's file, by the name of the form.
FORMS: Mapping[str, Callable[[str, Path], None]] = {
    "float": _write_float,
    "defaults": _write_defaults,
    "powers_of_two": _write_powers_of_two,
    "qcdq": _write_qcdq,
}


def write_form(name: str, form: str, path: Path) -> None:
    """The ONNX or QONNX file of one of the networks in one of the forms."""
    FORMS[form](name, path)
