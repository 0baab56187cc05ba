"""Weights that a layer reads from external memory while it computes: how they lie there, and in which order they come.

Output channels are computed in groups, as many as are side by side. For each block of rows a
group's weights come once and stay for all pixels of the block; then the next group's come. So all
of a layer's weights are read once a block. They lie in memory in that very order, in beats of
:data:`MEMORY_BITS`: a word, which is what a clock multiplies with, takes so many whole beats, or so many words
take a beat.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from quantunet_hls.ops.loaded import LoadedTable

__all__ = ["BURST_BEATS", "CHECKSUM_BITS", "FIFO_BEATS", "MEMORY_BITS", "Feed", "beats_of", "checksum_of"]

#: Bits of a beat of the memory's port.
MEMORY_BITS = 128

#: Beats of a burst; AXI3 has no longer ones.
BURST_BEATS = 16

#: Of the checksum of a layer's weights.
CHECKSUM_BITS = 32

#: Beats of the FIFO of each layer that reads: four bursts may be under way for it.
FIFO_BEATS = 4 * BURST_BEATS

_BEAT_WORDS = MEMORY_BITS // 32


@dataclass(frozen=True)
class Feed:
    """A layer's weights in external memory.

    Attributes:
        words: of all groups.
        width: bits of a word.
    """

    words: int
    width: int

    @property
    def in_beat(self) -> int:
        """Words of a beat, a divisor of all words; 1 where a word takes a beat or more."""
        return max(count for count in range(1, max(MEMORY_BITS // self.width, 1) + 1) if self.words % count == 0)

    @property
    def of_word(self) -> int:
        """Beats of a word; 1 where a beat has a word or more."""
        return -(-self.width // MEMORY_BITS)

    @property
    def beats(self) -> int:
        """Of all words."""
        return self.words * self.of_word // self.in_beat

    @property
    def room(self) -> int:
        """Bytes in memory: whole bursts, so that none crosses a boundary of 4 KB."""
        return -(-self.beats // BURST_BEATS) * BURST_BEATS * MEMORY_BITS // 8


def beats_of(table: LoadedTable) -> np.ndarray:
    """A layer's weights as beats of the memory's port (beats, 32-bit words), lowest first."""
    memory = table.memory
    feed = Feed(memory.depth, memory.width)
    places = np.zeros((memory.depth, feed.of_word * MEMORY_BITS if feed.in_beat == 1 else memory.width), np.uint8)
    for bit in range(table.bits):
        places[:, bit: memory.width: table.bits] = (table.codes >> bit) & 1
    rows = places.reshape(feed.beats, -1)
    padded = np.pad(rows, ((0, 0), (0, MEMORY_BITS - rows.shape[1])))
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")


def checksum_of(beats: np.ndarray) -> int:
    """By which a layer knows its weights: the CRC-32 of a word for each beat.

    That is the sum modulo 2 of the beat's words, the second turned to the left by 8 bits, the third by 16, the fourth
    by 24: so hardware takes a beat a clock with one step of the CRC.
    """
    turned = [(beats[:, at] << 8 * at) | (beats[:, at] >> (32 - 8 * at) if at else 0) for at in range(_BEAT_WORDS)]
    return zlib.crc32(np.bitwise_xor.reduce(turned).astype("<u4").tobytes())
