"""Functions of one value as exporters write them, between two quantizers of a small network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.builders import Net


def _same(net: Net, op_type: str, *sources: str, **attributes: float) -> str:
    shapes = [net.shapes[source] for source in sources if source in net.shapes]
    return net.add(op_type, list(sources), shapes[0], **attributes)


def _constant(net: Net, value: float) -> str:
    return net.constant(f"c{len(net.initializers)}", value)


def silu(net: Net, x: str) -> str:
    """As torch.onnx writes nn.SiLU."""
    return _same(net, "Mul", x, _same(net, "Sigmoid", x))


def gelu(net: Net, x: str) -> str:
    """As torch.onnx writes nn.GELU."""
    y = _same(net, "Erf", _same(net, "Div", x, _constant(net, np.sqrt(2))))
    return _same(net, "Mul", _same(net, "Mul", x, _same(net, "Add", y, _constant(net, 1))), _constant(net, 0.5))


def gelu_tanh(net: Net, x: str) -> str:
    """As torch.onnx writes nn.GELU(approximate="tanh")."""
    cube = _same(net, "Mul", _same(net, "Pow", x, _constant(net, 3)), _constant(net, 0.044715))
    inner = _same(net, "Mul", _same(net, "Add", x, cube), _constant(net, np.sqrt(2 / np.pi)))
    y = _same(net, "Add", _same(net, "Tanh", inner), _constant(net, 1))
    return _same(net, "Mul", _same(net, "Mul", x, _constant(net, 0.5)), y)


def mish(net: Net, x: str) -> str:
    """As torch.onnx writes nn.Mish."""
    return _same(net, "Mul", x, _same(net, "Tanh", _same(net, "Softplus", x)))


def hard_swish(net: Net, x: str) -> str:
    """As older versions of torch.onnx write nn.Hardswish."""
    limited = _same(net, "Max", _same(net, "Min", _same(net, "Add", x, _constant(net, 3)), _constant(net, 6)),
                    _constant(net, 0))
    return _same(net, "Div", _same(net, "Mul", x, limited), _constant(net, 6))


def hard_sigmoid(net: Net, x: str) -> str:
    """As torch.onnx writes nn.Hardsigmoid."""
    return _same(net, "HardSigmoid", x, alpha=1 / 6, beta=0.5)


def _one(op_type: str, **attributes: float) -> Callable[[Net, str], str]:
    return lambda net, x: _same(net, op_type, x, **attributes)


FUNCTIONS: dict[str, Callable[[Net, str], str]] = {
    "sigmoid": _one("Sigmoid"), "tanh": _one("Tanh"), "silu": silu, "gelu": gelu, "gelu_tanh": gelu_tanh,
    "hard_sigmoid": hard_sigmoid, "hard_sigmoid_default": _one("HardSigmoid"), "hard_swish": hard_swish,
    "softplus": _one("Softplus"), "mish": mish, "elu": _one("Elu"), "elu_half": _one("Elu", alpha=0.5),
    "selu": _one("Selu"), "celu": _one("Celu", alpha=0.7), "softsign": _one("Softsign"),
    "exp": _one("Exp"), "abs": _one("Abs"), "neg": _one("Neg"),
    "square": lambda net, x: _same(net, "Mul", x, x),
}


def net_with(function: str, bits: int = 6, exponent: int = -3, *, out_bits: int = 5, out_exponent: int = -3,
             signed: int = 1, rounding: str = "ROUND") -> Net:
    """One function between two quantizers, the first one the port's, and a convolution behind."""
    net = Net((1, 2, 4, 6))
    x = net.quant("x", bits, exponent, signed=1)
    y = net.quant(FUNCTIONS[function](net, x), out_bits, out_exponent, signed=signed, rounding=rounding)
    net.conv(y, 2, kernel=1, pads=[0] * 4)
    return net
