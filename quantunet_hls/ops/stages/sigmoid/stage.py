"""A sigmoid as a table, as hls4ml's C++ has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, cast, shifted_right

__all__ = ["SIGMOID_REACH", "SIGMOID_TYPE", "Sigmoid", "sigmoid_index", "sigmoid_table"]

#: hls4ml's sigmoid table covers [-8, 8).
SIGMOID_REACH = 8
#: What the flow's own sigmoid tables hold: as fine as a step of a table of 1024 entries changes them, 1 as 255/256.
SIGMOID_TYPE = FixedType(8, 8, False, "RND", "SAT")
#: Fraction bits that hold every single-precision sigmoid of [-8, 8): 24 digits behind 2**-12.
_SIGMOID_FRACTION = 40


@dataclass(frozen=True)
class Sigmoid(Stage):
    """The entry of a table over [-8, 8) that the value's truncated index points at.

    ``table`` holds codes of ``type``, a multiple of 16 of them.
    """

    kind: ClassVar[str] = "sigmoid"
    meaning: ClassVar[Meaning | None] = Meaning.PROBABILITIES

    type: FixedType
    table: tuple[int, ...]

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        return np.array(self.table, np.int64)[sigmoid_index(codes, source.fraction, len(self.table))]


def sigmoid_table(size: int, kind: FixedType, result: FixedType) -> tuple[int, ...]:
    """Codes of ``result``: the table of ``nnet::init_sigmoid_table``, computed in single precision as there.

    Args:
        size: entries.
        kind: of hls4ml's table.
        result: to which hls4ml assigns what it reads from the table.
    """
    x = (2 * SIGMOID_REACH * (np.arange(size) - size / 2.0) / size).astype(np.float32)
    exponential = np.exp(-x.astype(np.float64)).astype(np.float32)
    values = (1.0 / (np.float32(1) + exponential).astype(np.float64)).astype(np.float32)
    fine = np.ldexp(values.astype(np.float64), _SIGMOID_FRACTION).astype(np.int64)
    entries = cast(cast(fine, FixedType(63, _SIGMOID_FRACTION), kind), kind, result)
    return tuple(int(entry) for entry in entries)


def sigmoid_index(codes: Integers, fraction: int, size: int) -> Integers:
    """Where codes of so many fraction bits look in a table of a multiple of 16 entries (``nnet::sigmoid``)."""
    scaled = shifted_right(codes * (size // (2 * SIGMOID_REACH)), fraction, "TRN_ZERO")
    return np.clip(scaled + size // 2, 0, size - 1)
