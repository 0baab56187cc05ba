"""What fires in a stream graph: actors, and how each reads the streams of others.

A frame of 512x512 has tens of millions of firings, and what is said of each follows from its pixel or its row: it may
be an array, or be worked out part by part (:class:`Parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Actor", "Actors", "Parts", "Places", "Reading", "every", "in_order", "over_frames"]


class Places(Protocol):
    """Numbers of words or beats, one for each firing or word of a frame; slices of it are arrays."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Parts:
    """As many places for each part of a frame, a pixel or a row, worked out when they are asked for.

    Attributes:
        number: parts of a frame.
        each: places of a part.
        made: from the first part and the one behind the last to the places (parts, each).
    """

    number: int
    each: int
    made: Callable[[int, int], np.ndarray]

    def __len__(self) -> int:
        return self.number * self.each

    def __getitem__(self, part: slice, /) -> np.ndarray:
        start, stop, _ = part.indices(len(self))
        first, behind = start // self.each, -(-stop // self.each)
        return self.made(first, behind).reshape(-1)[start - first * self.each: stop - first * self.each]


def in_order(firings: int, ahead: int = 0) -> Parts:
    """Each place its own number, or so many more."""
    return Parts(firings, 1, lambda first, behind: np.arange(first + ahead, behind + ahead))


def every(value: int | bool, firings: int) -> np.ndarray:
    """The same for each firing, in no more memory than for one; not to be written to."""
    return np.broadcast_to(np.asarray(value), firings)


def over_frames(places: Places, start: int, stop: int, step: int) -> np.ndarray:
    """Places from one number to another over all frames, in each frame ``step`` beyond those of the one before it."""
    length, parts = len(places), []
    while start < stop:
        frame, first = divmod(start, length)
        behind = min(first + stop - start, length)
        parts.append(places[first:behind] + frame * step)
        start += behind - first
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Reading:
    """How an actor takes one of its streams; places have an entry for each firing of a frame.

    A reader takes words out of the stream's beats, one a clock at most, into a
    buffer of its own.

    Attributes:
        source: the actor that writes the stream.
        words: words of a frame.
        beat_of_word: for each word of a frame, the beat that completes it.
        needed: the last word (from 0) that each firing waits for; -1 where it waits for none.
        released: words of the frame, counted from its start, that no firing after this one reads, ascending;
            negative where the buffer is kept for padding that comes first.
        room: words that the reader's own buffer holds; 0 where firings take words straight from the stream, so
            that they stand there until one has.
    """

    source: str
    words: int
    beat_of_word: Places
    needed: Places
    released: Places
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
        spread: whether it is scheduled as slowly as the slowest actor lets it be, for in bursts it would only fill the
            stream behind it, which holds it back without harm.
    """

    name: str
    readings: tuple[Reading, ...]
    clocks: np.ndarray
    writes: np.ndarray
    latency: int
    spread: bool = False

    @property
    def clocks_per_frame(self) -> int:
        """Clocks of a frame if the actor never waits."""
        return int(self.clocks.sum())

    @property
    def beats_per_frame(self) -> int:
        """Beats of a frame that go out."""
        return int(np.count_nonzero(self.writes))


@dataclass(frozen=True)
class Actors(Collection[Actor]):
    """Actors that are made one after the other, anew whenever they are gone through, so that one is held at a time."""

    makers: Sequence[Callable[[], Actor]]

    def __len__(self) -> int:
        return len(self.makers)

    def __iter__(self) -> Iterator[Actor]:
        return (make() for make in self.makers)

    def __contains__(self, actor: object) -> bool:
        return any(each is actor for each in self)
