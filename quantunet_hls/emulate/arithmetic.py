"""Assignments to fixed-point types as few elementwise operations on tensors of integers held in floats.

Bounds of every tensor are carried along, so an assignment that can't round or
overflow costs nothing, and every operation is known to be exact beforehand:
``peak`` bounds the integers that it needs, which a float of 24 (or 53) bits
holds. The modes follow ``ap_fixed`` (AMD UG1399, "Quantization Modes" and
"Overflow Modes").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.ops.stages import Cast, LeakyRelu, Relu, Sigmoid, Stage, Threshold
from quantunet_hls.types.fixed import FixedType

__all__ = ["Chain", "Codes", "Scale", "assign", "assign_reals", "compile_stages", "rounded"]


@dataclass(frozen=True)
class Codes:
    """What is known of a tensor: integers from ``low`` to ``high`` times ``2**-fraction``.

    The fraction may be coarser than the tensor's type says, where its last bits are always 0.
    """

    low: int
    high: int
    fraction: int

    @property
    def magnitude(self) -> int:
        """Largest absolute value."""
        return max(abs(self.low), abs(self.high))

    def times(self, power: int) -> Codes:
        """The same numbers with ``power`` more fraction bits."""
        return Codes(self.low << power, self.high << power, self.fraction + power)


@dataclass(frozen=True)
class Scale:
    """Multiplication with a power of two."""

    exponent: int

    def __call__(self, x: Tensor) -> Tensor:
        """The product, in place."""
        return x.mul_(2.0**self.exponent)


@dataclass(frozen=True)
class _Round:
    """To whole numbers; half-way cases as ``mode`` says."""

    mode: str

    def __call__(self, x: Tensor) -> Tensor:
        return _ROUNDINGS[self.mode](x)


#: For a whole number plus or minus a fraction; 0.5 is added only where the sum is exact (see ``peak``).
_ROUNDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "TRN": torch.Tensor.floor_,
    "TRN_ZERO": torch.Tensor.trunc_,
    "RND": lambda x: x.add_(0.5).floor_(),
    "RND_MIN_INF": lambda x: x.sub_(0.5).ceil_(),
    "RND_INF": lambda x: x.abs().add_(0.5).floor_().copysign_(x),
    "RND_ZERO": lambda x: x.abs().sub_(0.5).ceil_().copysign_(x),
    "RND_CONV": torch.Tensor.round_,
}


@dataclass(frozen=True)
class _Clamp:
    low: int | None
    high: int | None

    def __call__(self, x: Tensor) -> Tensor:
        return x.clamp_(self.low, self.high)


@dataclass(frozen=True)
class _Wrap:
    """Drops the bits beyond ``width``."""

    low: int
    width: int

    def __call__(self, x: Tensor) -> Tensor:
        turns = (x - self.low).mul_(2.0**-self.width).floor_().mul_(2.0**self.width)
        return x.sub_(turns)


@dataclass(frozen=True)
class _ZeroOutside:
    low: int
    high: int

    def __call__(self, x: Tensor) -> Tensor:
        return x.masked_fill_((x < self.low) | (x > self.high), 0)


@dataclass(frozen=True)
class _Leaky:
    slope: int
    positive: Chain
    negative: Chain

    def __call__(self, x: Tensor) -> Tensor:
        below = self.negative(x.clamp(max=0).mul_(self.slope))
        above = self.positive(x.clamp(min=0))
        return torch.where(x > 0, above, below)


@dataclass(frozen=True)
class _Table:
    """``nnet::sigmoid``: the index is 1/16 of the table a unit, truncated, from its middle on."""

    entries: tuple[int, ...]
    fraction: int

    def __call__(self, x: Tensor) -> Tensor:
        size = len(self.entries)
        index = (x.double() * (size // 16)).mul_(2.0**-self.fraction).trunc_().add_(size // 2)
        index = index.clamp_(0, size - 1).long()
        return torch.tensor(self.entries, dtype=x.dtype, device=x.device)[index]


@dataclass(frozen=True)
class _Exceeds:
    """1 where the value exceeds a limit, in steps of its own, which need not be a whole number."""

    limit: float

    def __call__(self, x: Tensor) -> Tensor:
        # Whole numbers exceed the limit if they exceed the whole number below it.
        return (x > math.floor(self.limit)).to(x.dtype)


_Operation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Chain:
    """Operations, each in place where it can, and what they need and give.

    Attributes:
        operations: in order.
        result: what is known of the tensor afterwards.
        peak: largest integer that has to be held on the way, input included.
    """

    operations: tuple[_Operation, ...]
    result: Codes
    peak: int

    def __call__(self, x: Tensor) -> Tensor:
        """The tensor behind all operations; ``x`` may be written to."""
        for operation in self.operations:
            x = operation(x)
        return x

    def then(self, other: Chain) -> Chain:
        """One chain behind the other."""
        return Chain((*self.operations, *other.operations), other.result, max(self.peak, other.peak))


def compile_stages(given: Codes, stages: Sequence[Stage]) -> Chain:
    """The operations that take a tensor through stages."""
    chain = Chain((), given, given.magnitude)
    for stage in stages:
        chain = chain.then(_compile(chain.result, stage))
    return chain


def _compile(given: Codes, stage: Stage) -> Chain:
    if isinstance(stage, Cast):
        return assign(given, stage.type)
    if isinstance(stage, Relu):
        return _relu(given, stage.type)
    if isinstance(stage, LeakyRelu):
        return _leaky(given, stage)
    if isinstance(stage, Threshold):
        limit = math.ldexp(stage.limit, given.fraction - stage.fraction)
        return Chain((_Exceeds(limit),), Codes(0, 1, 0), given.magnitude)
    assert isinstance(stage, Sigmoid)
    return _sigmoid(given, stage)


def assign(given: Codes, target: FixedType, *, own_step: bool = False) -> Chain:
    """The value assigned to a variable of a type.

    Args:
        given: what comes.
        target: the variable's type.
        own_step: whether the result must have the type's own fraction, not a coarser one that says the same.
    """
    operations: list[_Operation] = []
    peak = _rounding_peak(given, target)
    drop = given.fraction - target.fraction
    if drop > 0:
        operations += [Scale(-_seen(given, drop)), _Round(target.rounding)]
        low, high = rounded(given.low, drop, target.rounding), rounded(given.high, drop, target.rounding)
        given = Codes(low, high, target.fraction)
    gain = target.fraction - given.fraction
    least, most = _limits(target)
    overflows = given.low << gain < least or given.high << gain > most
    if gain and (own_step or (overflows and (target.saturation != "WRAP" or gain >= target.width))):
        operations.append(Scale(gain))
        given, gain = given.times(gain), 0
    peak = max(peak, given.magnitude)
    if overflows:
        operation, result = _overflow(given, target, gain)
        operations.append(operation)
        if isinstance(operation, _Wrap):
            # It first subtracts the lower end.
            peak = max(peak, given.magnitude + abs(operation.low))
        given = result
    return Chain(tuple(operations), given, peak)


def _seen(given: Codes, drop: int) -> int:
    """Places to shift by: values below a quarter of a step all round alike, and more might underflow."""
    return min(drop, given.magnitude.bit_length() + 2)


def _rounding_peak(given: Codes, target: FixedType) -> int:
    drop = given.fraction - target.fraction
    half = 1 << (_seen(given, drop) - 1) if drop > 0 and target.rounding.startswith("RND") else 0
    return given.magnitude + half


def _limits(target: FixedType) -> tuple[int, int]:
    symmetric = target.saturation == "SAT_SYM" and target.signed
    return (-target.high if symmetric else target.low), target.high


def _overflow(given: Codes, target: FixedType, gain: int) -> tuple[_Operation, Codes]:
    least, most = _limits(target)
    if target.saturation == "WRAP":
        low, width = target.low >> gain, target.width - gain
        return _Wrap(low, width), Codes(low, low + (1 << width) - 1, given.fraction)
    if target.saturation == "SAT_ZERO":
        return _ZeroOutside(least, most), Codes(least, most, given.fraction)
    return _Clamp(least, most), Codes(max(least, min(given.low, most)), min(most, max(given.high, least)),
                                      given.fraction)


def _relu(given: Codes, target: FixedType) -> Chain:
    positive = Codes(max(given.low, 0), max(given.high, 0), given.fraction)
    chain = assign(positive, target)
    if given.low >= 0:
        return chain
    operations = list(chain.operations)
    if any(isinstance(operation, _Wrap | _ZeroOutside) for operation in operations):
        operations.insert(0, _Clamp(0, None))
    elif operations and isinstance(operations[-1], _Clamp):
        # Rounding keeps the order and leaves 0 alone, so one clamp at the end does for both.
        operations[-1] = _Clamp(0, operations[-1].high)
    else:
        operations.append(_Clamp(0, None))
    return Chain(tuple(operations), chain.result, max(chain.peak, _rounding_peak(given, target)))


def _leaky(given: Codes, stage: LeakyRelu) -> Chain:
    scaled = (min(given.low, 0) * stage.slope, min(given.high, 0) * stage.slope)
    below = Codes(min(*scaled, 0), max(*scaled, 0), given.fraction + stage.slope_fraction)
    negative = assign(below, stage.type, own_step=True)
    positive = assign(Codes(0, max(given.high, 0), given.fraction), stage.type, own_step=True)
    result = Codes(min(negative.result.low, positive.result.low, 0), max(negative.result.high, positive.result.high, 0),
                   stage.type.fraction)
    return Chain((_Leaky(stage.slope, positive, negative),), result,
                 max(given.magnitude, negative.peak, positive.peak))


def _sigmoid(given: Codes, stage: Sigmoid) -> Chain:
    table = _Table(stage.table, given.fraction)
    return Chain((table,), Codes(min(stage.table), max(stage.table), stage.type.fraction), given.magnitude)


def rounded(code: int, drop: int, mode: str) -> int:
    """A code without its last ``drop`` bits, as the rounding mode has it; any size."""
    floor = code >> drop
    rest, half = code - (floor << drop), 1 << (drop - 1)
    up = {
        "TRN": False,
        "TRN_ZERO": code < 0 and rest != 0,
        "RND": rest >= half,
        "RND_MIN_INF": rest > half,
        "RND_INF": rest > half or (rest == half and code > 0),
        "RND_ZERO": rest > half or (rest == half and code < 0),
        "RND_CONV": rest > half or (rest == half and floor & 1 == 1),
    }[mode]
    return floor + up


def assign_reals(values: np.ndarray, target: FixedType) -> np.ndarray:
    """Real numbers (float64, finite) assigned to a type: its codes, float64, of the same shape."""
    scaled = np.ldexp(values, target.fraction)
    whole = np.trunc(scaled)
    # Exact, which the distance to the next whole number below would not be for a small negative one.
    rest = np.abs(scaled - whole)
    negative, above, tie = scaled < 0, rest > 0.5, rest == 0.5
    away = {
        "TRN": negative & (rest > 0),
        "TRN_ZERO": np.zeros_like(tie),
        "RND": above | (tie & ~negative),
        "RND_MIN_INF": above | (tie & negative),
        "RND_INF": above | tie,
        "RND_ZERO": above,
        "RND_CONV": above | (tie & (np.fmod(whole, 2) != 0)),
    }[target.rounding]
    codes = whole + np.where(negative, -1.0, 1.0) * away
    least, most = _limits(target)
    if target.saturation == "WRAP":
        modulus = 2.0**target.width
        codes = np.fmod(codes, modulus)
        return codes + modulus * ((codes < least) - 1.0 * (codes > most))
    if target.saturation == "SAT_ZERO":
        return np.where((codes < least) | (codes > most), 0.0, codes)
    return np.clip(codes, least, most)
