"""When a layer moves beats, as data: what :mod:`quantunet_hls.folding.schedule` finds FIFO depths from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Actor", "Reading"]


@dataclass(frozen=True, eq=False)
class Reading:
    """How an actor takes one of its streams; arrays have an entry for each firing of a frame.

    A reader takes words out of the stream's beats, one a clock at most, into a
    buffer of its own.

    Attributes:
        source: the actor that writes the stream.
        words: words of a frame.
        beat_of_word: for each word of a frame, the beat that completes it.
        needed: the last word (from 0) that each firing waits for; -1 where it waits for none.
        released: words of the frame, counted from its start, that no firing after this one reads;
            negative where the buffer is kept for padding that comes first.
        room: words that the reader's own buffer holds; 0 where firings take words straight from the stream, so
            that they stand there until one has.
    """

    source: str
    words: int
    beat_of_word: np.ndarray
    needed: np.ndarray
    released: np.ndarray
    room: int


@dataclass(frozen=True, eq=False)
class Actor:
    """What fires, in the order of the firings of a frame.

    Attributes:
        name: of the layer.
        readings: its inputs; none for the network's input.
        clocks: of each firing (firings,).
        writes: whether each firing puts out a beat (firings,).
        latency: clocks from a firing's end to its beat.
    """

    name: str
    readings: tuple[Reading, ...]
    clocks: np.ndarray
    writes: np.ndarray
    latency: int

    @property
    def clocks_per_frame(self) -> int:
        """Clocks of a frame if the actor never waits."""
        return int(self.clocks.sum())
