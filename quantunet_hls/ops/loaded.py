"""Layers whose weights are loaded at start-up: what their memories are, for whatever weights of the same widths.

The hardware of such a layer depends on a :class:`Loaded` alone, and never on the numbers
that training gave. A :class:`LoadedMemory` is one of its memories; the loader fills
them in order, each word as so many words of the stream of weights as it takes, lowest bits first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.types.fixed import FixedType, Integers, parse_type

__all__ = ["STREAM_BITS", "WIDEST", "Loaded", "LoadedMemory", "LoadedTable", "NumberWidths"]

#: Wider sums than this can't be simulated in 64-bit integers, nor would they map well.
WIDEST = 48

_NUMBERS = re.compile(r"(\d{1,3}), (\d{1,3}), (\d{1,3}) bits, shift (\d{1,3})", re.ASCII)
_RANGE = re.compile(r"(-?\d{1,8})\.\.(\d{1,8})", re.ASCII)

#: Bits of a word of the stream that weights come by.
STREAM_BITS = 32


@dataclass(frozen=True)
class NumberWidths:
    """Of a requantizer behind the sums what does not depend on training.

    Attributes:
        shift: bits that are dropped.
        factors, offsets, splits: bits of each number of these in two's complement; 0 where there are none.
    """

    shift: int
    factors: int
    offsets: int
    splits: int

    def __str__(self) -> str:
        return f"{self.factors}, {self.offsets}, {self.splits} bits, shift {self.shift}"


@dataclass(frozen=True)
class Loaded:
    """Widths of a layer's loaded memories, and of what is computed with them.

    Attributes:
        low: least weight that can be loaded.
        high: largest.
        accumulator: signed, of products and biases, which no sum of what is loaded may leave; who writes a file of
            weights proves it. A bias takes as many bits.
        result: of sums that leave the design as they are; None where something else decides the type behind the sums.
        ultra: whether the weights are asked for in UltraRAM.
        numbers: of the requantizer behind the sums, where there is one; its numbers are loaded, too.
        rows: rows of pixels for which the weights are read from external memory once; None where they are loaded into
            a memory of the layer's.
    """

    low: int
    high: int
    accumulator: FixedType
    result: FixedType | None = None
    ultra: bool = False
    numbers: NumberWidths | None = None
    rows: int | None = None

    def written(self) -> dict[str, str | int]:
        """As it stands in a folding's file."""
        result = {"result": str(self.result)} if self.result else {}
        numbers = {"numbers": str(self.numbers)} if self.numbers else {}
        place: dict[str, str | int] = {"memory": "ultra" if self.ultra else "auto"}
        if self.rows is not None:
            place = {"rows": self.rows}
        return {"range": f"{self.low}..{self.high}", "sums": str(self.accumulator), **result, **numbers, **place}

    def changed(self, values: Mapping[str, object], where: str) -> Loaded:
        """The same but for what such a file says.

        Raises:
            ConfigurationError: it says something else than can be; names the layer.
        """
        def refused(key: str, wanted: str) -> ConfigurationError:
            return ConfigurationError(f"In the folding {where!r} has the {key} {values[key]!r}; give {wanted}.")

        low, high = self.low, self.high
        if "range" in values:
            ends = _RANGE.fullmatch(str(values["range"]))
            if ends is None or not (low := int(ends[1])) <= 0 <= (high := int(ends[2])) or low == high:
                raise refused("range", "the least and the largest weight, as in -7..7")
        if values.get("memory", "auto") not in ("auto", "ultra"):
            raise refused("memory", "auto or ultra")
        sums, result = (parse_type(str(values[key])) if key in values else own
                        for key, own in (("sums", self.accumulator), ("result", self.result)))
        assert sums is not None
        if result is not None and (self.result is None or result.width > 2 * WIDEST):
            raise refused("result", "none where it is not the sums of the last layer that leave the design"
                          if self.result is None else f"a type of at most {2 * WIDEST} bits")
        if not sums.signed or sums.width > WIDEST:
            raise refused("sums", f"a type with a sign and at most {WIDEST} bits")
        numbers = self.numbers
        if "numbers" in values:
            widths = _NUMBERS.fullmatch(str(values["numbers"]))
            if widths is None or max(map(int, widths.groups())) > WIDEST or "0" in widths.groups()[:2]:
                raise refused("numbers", "bits of factors, of offsets and of splits, as in 9, 20, 0 bits, shift 14")
            factors, offsets, splits, shift = map(int, widths.groups())
            numbers = NumberWidths(shift, factors, offsets, splits)
        rows = self.rows
        if "rows" in values:
            given = values["rows"]
            if not isinstance(given, int) or isinstance(given, bool) or given < 1:
                raise refused("rows", "a divisor of its height")
            rows = given
        return Loaded(low, high, sums, result, values.get("memory", "auto") == "ultra", numbers, rows)


@dataclass(frozen=True, eq=False)
class LoadedTable:
    """Contents of a memory that is filled at start-up.

    Attributes:
        name: of the memory.
        codes: (words, codes of a word), the first code of a word in its lowest bits.
        bits: of a code in two's complement.
    """

    name: str
    codes: Integers
    bits: int

    @property
    def memory(self) -> LoadedMemory:
        """That holds them."""
        return LoadedMemory(self.name, len(self.codes), self.codes.shape[1] * self.bits)

    @property
    def fits(self) -> bool:
        """Whether no code has more bits."""
        most = 1 << (self.bits - 1)
        return -most <= int(self.codes.min()) and int(self.codes.max()) < most


@dataclass(frozen=True)
class LoadedMemory:
    """A memory that is filled at start-up.

    Attributes:
        name: within its layer.
        depth: words.
        width: bits of a word.
    """

    name: str
    depth: int
    width: int

    @property
    def pieces(self) -> int:
        """Words of the stream that make one of the memory."""
        return -(-self.width // STREAM_BITS)

    @property
    def stream_words(self) -> int:
        """Words of the stream that fill it."""
        return self.depth * self.pieces
