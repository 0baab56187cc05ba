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
from quantunet_hls.types.fixed import FixedType, parse_type

__all__ = ["FOLDING_KEYS", "STREAM_BITS", "WIDEST", "Loaded", "LoadedMemory"]

#: What a folding's file says of a layer whose weights are loaded.
FOLDING_KEYS = ("range", "sums", "result", "memory")

#: Wider sums than this can't be simulated in 64-bit integers, nor would they map well.
WIDEST = 48

_RANGE = re.compile(r"(-?\d{1,8})\.\.(\d{1,8})", re.ASCII)

#: Bits of a word of the stream that weights come by.
STREAM_BITS = 32


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
    """

    low: int
    high: int
    accumulator: FixedType
    result: FixedType | None = None
    ultra: bool = False

    def written(self) -> dict[str, str]:
        """As it stands in a folding's file."""
        result = {"result": str(self.result)} if self.result else {}
        return {"range": f"{self.low}..{self.high}", "sums": str(self.accumulator), **result,
                "memory": "ultra" if self.ultra else "auto"}

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
        if not sums.signed or sums.width > WIDEST:
            raise refused("sums", f"a type with a sign and at most {WIDEST} bits")
        return Loaded(low, high, sums, result, values.get("memory", "auto") == "ultra")


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
