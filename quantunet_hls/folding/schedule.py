"""When every beat of a stream graph moves, and how deep each FIFO must be for that.

The graph is a network of actors that fire one after the other: a firing waits
for its inputs, takes its clocks and may put out one beat. With an input that
comes evenly, one frame in the clocks that the slowest actor needs, and FIFOs
without end, the time of every firing follows from

    finish[n] = max(finish[n - 1] + clocks[n], arrival of the last beat it needs + 1)

(max-plus algebra; Baccelli et al., "Synchronization and Linearity", 1992). The
largest number of beats that wait between two actors in this schedule is a
depth with which it can be kept. An actor that starts whenever it can, as
hardware does, is never later than in any schedule that can be kept: so with
these depths no frame takes longer than the slowest actor's clocks, and nothing
can block, however fast the input comes.

Nothing here knows how an actor is built; the operators' facets describe theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from quantunet_hls.core.errors import ConfigurationError

__all__ = ["LEAST_DEPTH", "SPARE", "Actor", "Reading", "fifo_depths", "schedule"]

#: Beats that every FIFO holds at least: fewer would halve the rate of a stream.
LEAST_DEPTH = 2

#: Beats beyond what the schedule says: latencies are known to a few clocks, not to the clock.
SPARE = 2

#: Times that buffers and firings are brought to agree; they do within a few.
ROUNDS = 200

#: Frames that are scheduled beyond those that fill the pipeline.
STEADY_FRAMES = 2


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


def schedule(actors: Sequence[Actor]) -> dict[str, np.ndarray]:
    """The clock of every beat, by actor, from the first frame until the pipeline has been full for two frames.

    Args:
        actors: each behind those that it reads; the first is the input, whose beats come evenly.

    Raises:
        ConfigurationError: an actor whose own buffer can't hold what it waits for.
    """
    pace = max(actor.clocks_per_frame for actor in actors)
    return {name: times.beats for name, times in _run(_spread(actors, pace), pace).items()}


def fifo_depths(actors: Sequence[Actor]) -> dict[str, int]:
    """Beats that each stream's FIFO must hold, by ``"source->reader"``, two at least.

    Args, errors: as for :func:`schedule`.
    """
    pace = max(actor.clocks_per_frame for actor in actors)
    actors = _spread(actors, pace)
    # A reader that lags in the schedule lets another one of its source run ahead, which without a FIFO before it
    # it can't. With a beat at a time the streams hold what dependencies alone make them hold, so nothing can block.
    settled = sum(actor.clocks_per_frame + actor.latency for actor in actors) * len(actors[0].clocks)
    depths: dict[str, int] = {}
    for times in (_run(actors, pace), _run(actors, settled)):
        for edge, depth in _depths(actors, times).items():
            depths[edge] = max(depths.get(edge, LEAST_DEPTH), depth)
    return depths


def _spread(actors: Sequence[Actor], pace: int) -> list[Actor]:
    """The actors, some of them slower, none slower than the slowest."""
    return [replace(actor, clocks=actor.clocks * (pace // actor.clocks_per_frame)) if actor.spread else actor
            for actor in actors]


def _depths(actors: Sequence[Actor], times: Mapping[str, _Times]) -> dict[str, int]:
    depths: dict[str, int] = {}
    for actor in actors:
        for reading in actor.readings:
            source = times[reading.source]
            entered = _entered(reading, source, times[actor.name].firings)
            left = entered if reading.room else _released(reading, source, times[actor.name].firings)
            waiting = _largest_wait(reading, source, left)
            wanted = LEAST_DEPTH if waiting <= LEAST_DEPTH else waiting + SPARE
            edge = f"{reading.source}->{actor.name}"
            depths[edge] = max(depths.get(edge, LEAST_DEPTH), wanted)
    return depths


@dataclass(frozen=True, eq=False)
class _Times:
    """Clocks of an actor's beats and of its firings' ends, over some frames."""

    beats: np.ndarray
    firings: np.ndarray
    frames: int


def _run(actors: Sequence[Actor], pace: int) -> Mapping[str, _Times]:
    """Until the pipeline has been full for two frames; the input's beats come evenly, a frame in ``pace`` clocks."""
    frames = 1 + STEADY_FRAMES
    while True:
        times = _scheduled(actors, pace, frames)
        # Until the first beat comes out at the end, streams go on filling.
        filled = -(-int(max(each.beats[0] for each in times.values())) // pace)
        if filled + STEADY_FRAMES <= frames:
            return times
        frames = filled + STEADY_FRAMES


def _scheduled(actors: Sequence[Actor], pace: int, frames: int) -> Mapping[str, _Times]:
    times: dict[str, _Times] = {}
    for actor in actors:
        if actor.readings:
            finished = _fired(actor, [times[reading.source] for reading in actor.readings], frames)
        else:
            firings = len(actor.clocks)
            finished = _later_frames((np.arange(firings) * pace) // firings, pace, frames)
        times[actor.name] = _Times(finished[np.tile(actor.writes, frames)] + actor.latency, finished, frames)
    return times


def _fired(actor: Actor, sources: Sequence[_Times], frames: int) -> np.ndarray:
    """The clock at which each firing ends.

    Words enter the readers' buffers when firings have made room, and firings wait for words: from buffers
    without end on, both times grow until they agree.
    """
    clocks = np.tile(actor.clocks, frames)
    finished: np.ndarray | None = None
    for _ in range(ROUNDS):
        ready = np.zeros(len(clocks), np.int64)
        for reading, source in zip(actor.readings, sources, strict=True):
            # Word -1, for a firing that waits for none, is there from the beginning.
            entered = np.concatenate([[0], _entered(reading, source, finished)])
            ready = np.maximum(ready, entered[1 + _repeated(reading.needed, reading.words, frames)])
        before, finished = finished, _finish(ready, clocks)
        if before is not None and np.array_equal(before, finished):
            return finished
    raise ConfigurationError(f"Layer {actor.name!r} can't be fed at the pace of the slowest layer, because its own "
                             "buffer is too small for it; fold it less, or give it more lanes.")


def _finish(ready: np.ndarray, clocks: np.ndarray) -> np.ndarray:
    worked = np.cumsum(clocks)
    ends: np.ndarray = np.maximum.accumulate(np.maximum(ready + 1 - worked, 0)) + worked
    return ends


def _entered(reading: Reading, source: _Times, finished: np.ndarray | None) -> np.ndarray:
    """The clock at which each word is in the reader's buffer: one a clock, behind its beat, when there is room.

    Args:
        finished: ends of the reader's firings; None for a buffer without end.
    """
    word = np.arange(source.frames * reading.words)
    possible = source.beats[_beat_of_word(reading, source)]
    if finished is not None and reading.room:
        released = _later_frames(reading.released, reading.words, source.frames)
        opener = np.searchsorted(released, word - reading.room, side="right")
        there_at_first = word - reading.room < reading.released[-1] - reading.words
        opened = finished[np.minimum(opener, len(finished) - 1)]
        possible = np.maximum(possible, np.where(there_at_first, 0, opened))
    return _finish(possible, np.ones(len(word), np.int64))


def _released(reading: Reading, source: _Times, finished: np.ndarray) -> np.ndarray:
    """The clock at which each word has been read for the last time."""
    released = _later_frames(reading.released, reading.words, source.frames)
    reader = np.searchsorted(released, np.arange(source.frames * reading.words), side="right")
    return finished[np.minimum(reader, len(finished) - 1)]


def _largest_wait(reading: Reading, source: _Times, left: np.ndarray) -> int:
    """Beats that stand in the stream, at most; ``left`` is the clock at which each word leaves it."""
    # A beat leaves the FIFO with its last word.
    beats = np.arange(len(source.beats))
    last_word = np.searchsorted(_beat_of_word(reading, source), beats, side="right") - 1
    gone = np.searchsorted(left[last_word], source.beats, side="left")
    return int((beats + 1 - gone).max())


def _beat_of_word(reading: Reading, source: _Times) -> np.ndarray:
    return _later_frames(reading.beat_of_word, len(source.beats) // source.frames, source.frames)


def _repeated(places: np.ndarray, frame: int, frames: int) -> np.ndarray:
    """Places in a frame as places in all frames; -1, for none, stays."""
    return np.where(np.tile(places, frames) < 0, -1, _later_frames(places, frame, frames))


def _later_frames(places: np.ndarray, frame: int, frames: int) -> np.ndarray:
    return np.concatenate([places + number * frame for number in range(frames)])
