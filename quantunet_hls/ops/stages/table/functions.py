"""ONNX's functions of one value that only a table computes: in double precision, and within proven bounds.

Formulas and defaults are those of ONNX's operator descriptions; constants that these spell with few digits are the
single-precision numbers that a file would hold. One number of a file is not what it is: a HardSigmoid's slope next to
1/6 is 1/6, as HardSwish's is by definition. That is what PyTorch and ONNX Runtime compute at values that lie right
between two levels, of which there are many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import torch
from onnx import NodeProto

from quantunet_hls.ops.qonnx.bounds import (
    Bounds,
    UnboundedError,
    error_function,
    exponential,
    logarithm,
    sigmoid,
    square_root_of_pi,
    tanh,
)
from quantunet_hls.ops.qonnx.constants import direction_of_constant
from quantunet_hls.ops.qonnx.graph import attribute

__all__ = ["DIRECTIONS", "FUNCTIONS", "Computed", "InBounds"]

#: From a node and its inputs, in double precision.
Computed = Callable[[NodeProto, list[np.ndarray]], np.ndarray]
#: From a node and the bounds of its inputs, to so many decimal digits.
InBounds = Callable[[NodeProto, Sequence[Bounds], int], Bounds]

_ZERO, _HALF, _ONE = (Bounds.of(Fraction(halves, 2)) for halves in (0, 1, 2))

#: Attributes that a file may leave out.
_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "HardSigmoid": {"alpha": float(np.float32(0.2)), "beta": 0.5}, "Elu": {"alpha": 1.0}, "Celu": {"alpha": 1.0},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}, "Swish": {"alpha": 1.0},
}
#: Largest whole power that is computed.
_MAX_POWER = 16


def _number(node: NodeProto, name: str) -> float:
    return float(attribute(node, name, _DEFAULTS[node.op_type][name]))


def _of(node: NodeProto, name: str) -> Bounds:
    return Bounds.of(_number(node, name))


def _of_tensor(function: Callable[[torch.Tensor], torch.Tensor]) -> Computed:
    return lambda _node, inputs: function(torch.from_numpy(np.asarray(inputs[0], np.float64))).numpy()


def _rising(function: Callable[[Fraction, int], Bounds]) -> InBounds:
    return lambda _node, inputs, digits: inputs[0].rising(lambda x: function(x, digits))


def _power_of_e(x: Bounds, digits: int) -> Bounds:
    return x.rising(partial(exponential, digits=digits))


def _softplus(x: Fraction, digits: int) -> Bounds:
    """``ln(1 + exp(x))``, where x is large with the exponential of ``-x``."""
    return Bounds.of(max(x, Fraction(0))) + logarithm(_ONE + exponential(-abs(x), digits), digits)


def _mish(_node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    gate = inputs[0].rising(partial(_softplus, digits=digits)).rising(partial(tanh, digits=digits))
    return inputs[0] * gate


def _slope(node: NodeProto) -> Fraction:
    """A HardSigmoid's."""
    alpha = np.float32(_number(node, "alpha"))
    return Fraction(1, 6) if alpha == np.float32(1 / 6) else Fraction(float(alpha))


def _hard_sigmoid(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    slope = _slope(node)
    # One rounding, at the division, so that a result that a double holds is exact.
    line = inputs[0] * slope.numerator + _number(node, "beta") * slope.denominator
    return np.clip(line / slope.denominator, 0, 1)


def _hard_sigmoid_bounds(node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    return (inputs[0] * Bounds.of(_slope(node)) + _of(node, "beta")).limited(_ZERO, _ONE)


def _hard_swish(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    # One rounding, at the division, so that a result that a double holds is exact.
    return inputs[0] * np.clip(inputs[0] + 3, 0, 6) / 6


def _hard_swish_bounds(_node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    return inputs[0] * (inputs[0] + Bounds.of(3)).limited(_ZERO, Bounds.of(6)) / Bounds.of(6)


def _elu(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return np.maximum(inputs[0], 0) + _number(node, "alpha") * np.expm1(np.minimum(inputs[0], 0))


def _elu_bounds(node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    return inputs[0].most(_ZERO) + _of(node, "alpha") * (_power_of_e(inputs[0].least(_ZERO), digits) - _ONE)


def _selu(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return _number(node, "gamma") * _elu(node, inputs)


def _selu_bounds(node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    return _of(node, "gamma") * _elu_bounds(node, inputs, digits)


def _celu(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    alpha = _number(node, "alpha")
    return np.maximum(inputs[0], 0) + np.minimum(alpha * np.expm1(inputs[0] / alpha), 0)


def _celu_bounds(node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    alpha = _of(node, "alpha")
    # Beyond 0 the second part is 0 for either sign of alpha, so that no exponential need be large.
    return inputs[0].most(_ZERO) + (alpha * (_power_of_e((inputs[0] / alpha).least(_ZERO), digits) - _ONE)).least(_ZERO)


def _gelu(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return _of_tensor(partial(torch.nn.functional.gelu, approximate=attribute(node, "approximate", "none")))(
        node, inputs)


def _gelu_bounds(node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    x = inputs[0]
    root_of_two = _square_root_of_two(digits)
    if attribute(node, "approximate", "none") == "tanh":
        inner = root_of_two / square_root_of_pi(digits) * (x + Bounds.of(float(np.float32(0.044715))) * x * x * x)
        return _HALF * x * (_ONE + inner.rising(partial(tanh, digits=digits)))
    return _HALF * x * (_ONE + (x / root_of_two).rising(partial(error_function, digits=digits)))


def _square_root_of_two(digits: int) -> Bounds:
    scale = 10 ** digits
    root = math.isqrt(2 * scale * scale)
    return Bounds(Fraction(root, scale), Fraction(root + 1, scale))


def _softsign(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return inputs[0] / (1 + np.abs(inputs[0]))


def _swish(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return inputs[0] * torch.sigmoid(torch.from_numpy(inputs[0] * _number(node, "alpha"))).numpy()


def _swish_bounds(node: NodeProto, inputs: Sequence[Bounds], digits: int) -> Bounds:
    return inputs[0] * (inputs[0] * _of(node, "alpha")).rising(partial(sigmoid, digits=digits))


def _power(_node: NodeProto, inputs: Sequence[Bounds], _digits: int) -> Bounds:
    power = inputs[1].low
    if inputs[1].high != power or power.denominator != 1 or not 1 <= power <= _MAX_POWER:
        raise UnboundedError(f"a power of {float(power):g}")
    result = inputs[0]
    for _ in range(int(power) - 1):
        result *= inputs[0]
    return result


def _rises(_node: NodeProto, _constants: Sequence[Fraction | None]) -> int:
    return 1


def _of_slope(node: NodeProto, _constants: Sequence[Fraction | None]) -> int:
    return 1 if _slope(node) >= 0 else -1


def _below_zero(node: NodeProto, _constants: Sequence[Fraction | None]) -> int:
    """Where they fall below 0, those of a negative alpha rise and fall."""
    return int(_number(node, "alpha") > 0)


def _selu_direction(node: NodeProto, constants: Sequence[Fraction | None]) -> int:
    return _below_zero(node, constants) * (1 if _number(node, "gamma") >= 0 else -1)


def _odd_power(_node: NodeProto, constants: Sequence[Fraction | None]) -> int:
    return int(constants[1] is not None and constants[1].denominator == 1 and constants[1] % 2 == 1)


#: By op type: 1 where a larger value never gives a smaller result, -1 where never a larger one; those that do both are
#: not here.
DIRECTIONS: dict[str, Callable[[NodeProto, Sequence[Fraction | None]], int]] = {
    **dict.fromkeys(("Tanh", "Erf", "Exp", "Softplus", "Softsign", "Min", "Max"), _rises),
    "HardSigmoid": _of_slope, "Elu": _below_zero, "Celu": _below_zero, "Selu": _selu_direction,
    "Neg": lambda _node, _constants: -1, "Pow": _odd_power, "Sub": direction_of_constant, "Div": direction_of_constant,
}

#: By op type: what a node computes, and its bounds.
FUNCTIONS: dict[str, tuple[Computed, InBounds]] = {
    "Tanh": (_of_tensor(torch.tanh), _rising(tanh)),
    "Erf": (_of_tensor(torch.erf), _rising(error_function)),
    "Exp": (_of_tensor(torch.exp), _rising(exponential)),
    "Softplus": (lambda _node, inputs: np.logaddexp(inputs[0], 0), _rising(_softplus)),
    "Mish": (_of_tensor(torch.nn.functional.mish), _mish),
    "HardSigmoid": (_hard_sigmoid, _hard_sigmoid_bounds),
    "HardSwish": (_hard_swish, _hard_swish_bounds),
    "Elu": (_elu, _elu_bounds),
    "Selu": (_selu, _selu_bounds),
    "Celu": (_celu, _celu_bounds),
    "Gelu": (_gelu, _gelu_bounds),
    "Softsign": (_softsign, lambda _node, inputs, _digits: inputs[0].rising(lambda x: Bounds.of(x / (1 + abs(x))))),
    "Swish": (_swish, _swish_bounds),
    "Abs": (lambda _node, inputs: np.abs(inputs[0]), lambda _node, inputs, _digits: inputs[0].most(-inputs[0])),
    "Neg": (lambda _node, inputs: -inputs[0], lambda _node, inputs, _digits: -inputs[0]),
    "Pow": (lambda _node, inputs: inputs[0] ** inputs[1], _power),
    "Sub": (lambda _node, inputs: inputs[0] - inputs[1], lambda _node, inputs, _digits: inputs[0] - inputs[1]),
    "Div": (lambda _node, inputs: inputs[0] / inputs[1], lambda _node, inputs, _digits: inputs[0] / inputs[1]),
    "Min": (lambda _node, inputs: np.minimum(*inputs), lambda _node, inputs, _digits: inputs[0].least(inputs[1])),
    "Max": (lambda _node, inputs: np.maximum(*inputs), lambda _node, inputs, _digits: inputs[0].most(inputs[1])),
}
