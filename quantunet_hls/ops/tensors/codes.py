"""Assignments to fixed-point types as few elementwise operations on tensors of integers held in floats.

Bounds of every tensor are carried along, so an assignment that can't round or
overflow costs nothing, and every operation is known to be exact beforehand:
``peak`` bounds the integers that it needs, which a float of 24 (or 53) bits
holds. The modes follow ``ap_fixed`` (AMD UG1399, "Quantization Modes" and
"Overflow Modes").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from quantunet_hls.types.fixed import FixedType

__all__ = ["Chain", "Clamp", "Codes", "Operation", "Scale", "Wrap", "ZeroOutside", "assign", "rounded", "rounding_peak"]


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
class Clamp:
    """To a range; None leaves an end open."""

    low: int | None
    high: int | None

    def __call__(self, x: Tensor) -> Tensor:
        """The values within the range, in place."""
        return x.clamp_(self.low, self.high)


@dataclass(frozen=True)
class Wrap:
    """Drops the bits beyond ``width``."""

    low: int
    width: int

    def __call__(self, x: Tensor) -> Tensor:
        """The last bits of the values, in place."""
        turns = (x - self.low).mul_(2.0**-self.width).floor_().mul_(2.0**self.width)
        return x.sub_(turns)


@dataclass(frozen=True)
class ZeroOutside:
    """0 for what lies outside of a range."""

    low: int
    high: int

    def __call__(self, x: Tensor) -> Tensor:
        """The values, or 0, in place."""
        return x.masked_fill_((x < self.low) | (x > self.high), 0)


Operation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Chain:
    """Operations, each in place where it can, and what they need and give.

    Attributes:
        operations: in order.
        result: what is known of the tensor afterwards.
        peak: largest integer that has to be held on the way, input included.
    """

    operations: tuple[Operation, ...]
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


def assign(given: Codes, target: FixedType, *, own_step: bool = False) -> Chain:
    """The value assigned to a variable of a type.

    Args:
        given: what comes.
        target: the variable's type.
        own_step: whether the result must have the type's own fraction, not a coarser one that says the same.
    """
    operations: list[Operation] = []
    peak = rounding_peak(given, target)
    drop = given.fraction - target.fraction
    if drop > 0:
        operations += [Scale(-_seen(given, drop)), _Round(target.rounding)]
        low, high = rounded(given.low, drop, target.rounding), rounded(given.high, drop, target.rounding)
        given = Codes(low, high, target.fraction)
    gain = target.fraction - given.fraction
    least, most = target.lowest, target.high
    overflows = given.low << gain < least or given.high << gain > most
    if gain and (own_step or (overflows and (target.saturation != "WRAP" or gain >= target.width))):
        operations.append(Scale(gain))
        given, gain = given.times(gain), 0
    peak = max(peak, given.magnitude)
    if overflows:
        operation, result = _overflow(given, target, gain)
        operations.append(operation)
        if isinstance(operation, Wrap):
            # It first subtracts the lower end.
            peak = max(peak, given.magnitude + abs(operation.low))
        given = result
    return Chain(tuple(operations), given, peak)


def _seen(given: Codes, drop: int) -> int:
    """Places to shift by: values below a quarter of a step all round alike, and more might underflow."""
    return min(drop, given.magnitude.bit_length() + 2)


def rounding_peak(given: Codes, target: FixedType) -> int:
    """Largest integer that rounding to a type has to hold."""
    drop = given.fraction - target.fraction
    half = 1 << (_seen(given, drop) - 1) if drop > 0 and target.rounding.startswith("RND") else 0
    return given.magnitude + half


def _overflow(given: Codes, target: FixedType, gain: int) -> tuple[Operation, Codes]:
    least, most = target.lowest, target.high
    if target.saturation == "WRAP":
        low, width = target.low >> gain, target.width - gain
        return Wrap(low, width), Codes(low, low + (1 << width) - 1, given.fraction)
    if target.saturation == "SAT_ZERO":
        return ZeroOutside(least, most), Codes(least, most, given.fraction)
    return Clamp(least, most), Codes(max(least, min(given.low, most)), min(most, max(given.high, least)),
                                      given.fraction)


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
