"""Grids of quantized values, and which one suits some values best."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.tuning.calibrate import best_fraction
from quantunet_hls.tuning.walk import quantized

__all__ = ["IMAGE", "Grid", "Scales", "best_grid"]


class Scales(StrEnum):
    """What the steps of quantized values may be."""

    POWER_OF_TWO = "power-of-two"
    FLOAT = "float"


@dataclass(frozen=True)
class Grid:
    """Whole numbers of some bits, times a step.

    Attributes:
        width: bits.
        signed: whether one of them is a sign.
        step: as single precision holds it.
        zero: the whole number that stands for 0.
        narrow: whether the smallest whole number of a signed one is left out.
        down: whether values go to the next one below, and not to the nearest.
    """

    width: int
    signed: bool
    step: float
    zero: int = 0
    narrow: bool = False
    down: bool = False

    @property
    def lowest(self) -> int:
        """The smallest whole number."""
        return self.narrow - (1 << (self.width - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """The largest whole number."""
        return (1 << (self.width - self.signed)) - 1

    def cast(self, values: Tensor) -> Tensor:
        """The nearest values of the grid, in single precision; of two the one with an even number."""
        return quantized(values, torch.tensor(self.step), torch.tensor(float(self.zero)), self.lowest, self.highest,
                         down=self.down)


#: An image's 8-bit value v enters a network as v / 256.
IMAGE = Grid(8, False, 2.0**-8)

#: Shares of the range of some values that are tried for a grid's, in steps of a twentieth of an octave.
_SHARES = 2.0 ** (-np.arange(0, 80) / 20)
#: Values below this size count as none.
_SMALLEST = 2.0**-16


def best_grid(values: np.ndarray, signed: bool, width: int, scales: Scales) -> Grid:
    """The grid that keeps these values best in a mean-square sense."""
    if scales is Scales.POWER_OF_TWO:
        return Grid(width, signed, 2.0 ** -best_fraction(values, width, signed))
    whole = Grid(width, signed, 1.0)
    peak = float(np.abs(values).max(initial=0)) or _SMALLEST
    steps = [float(np.float32(peak / whole.highest * share)) for share in _SHARES]

    def error(step: float) -> float:
        return float(np.mean((np.clip(np.rint(values / step), whole.lowest, whole.highest) * step - values) ** 2))

    return Grid(width, signed, min(steps, key=error))
