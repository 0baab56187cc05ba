"""Layers whose weights are loaded at start-up: what their memories are, for whatever weights of the same widths.

The hardware of such a layer depends on a :class:`Loaded` alone, and never on the numbers
that training gave. A :class:`LoadedMemory` is one of its memories; the loader fills
them in order, each word as so many words of the stream of weights as it takes, lowest bits first.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.types.fixed import FixedType

__all__ = ["STREAM_BITS", "Loaded", "LoadedMemory"]

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
    """

    low: int
    high: int
    accumulator: FixedType


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
