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

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from quantunet_hls.folding.actors import Actor
from quantunet_hls.folding.firings import fired

__all__ = ["LEAST_DEPTH", "SPARE", "fifo_depths", "last_beats"]

#: Beats that every FIFO holds at least: fewer would halve the rate of a stream.
LEAST_DEPTH = 2

#: Beats beyond what the schedule says: latencies are known to a few clocks, not to the clock.
SPARE = 2

#: Frames that are scheduled beyond those that fill the pipeline.
STEADY_FRAMES = 2

#: Beats whose waiting is counted at a time.
_BLOCK = 1 << 18


def last_beats(actors: Collection[Actor]) -> np.ndarray:
    """The clock of every beat of the last actor, from the first frame until the pipeline has been full for two frames.

    Args:
        actors: each behind those that it reads; the first is the input, whose beats come evenly. They may be made anew
            whenever they are gone through.

    Raises:
        ConfigurationError: an actor whose own buffer can't hold what it waits for.
    """
    plan = _planned(actors)
    return _run(actors, plan, plan.pace).last


def fifo_depths(actors: Collection[Actor]) -> dict[str, int]:
    """Beats that each stream's FIFO must hold, by ``"source->reader"``, two at least.

    Args, errors: as for :func:`last_beats`.
    """
    plan = _planned(actors)
    depths: dict[str, int] = {}
    # A reader that lags in the schedule lets another one of its source run ahead, which without a FIFO before it
    # it can't. With a beat at a time the streams hold what dependencies alone make them hold, so nothing can block.
    for pace in (plan.pace, plan.settled):
        for edge, waiting in _run(actors, plan, pace).waiting.items():
            wanted = LEAST_DEPTH if waiting <= LEAST_DEPTH else waiting + SPARE
            depths[edge] = max(depths.get(edge, LEAST_DEPTH), wanted)
    return depths


@dataclass(frozen=True)
class _Plan:
    """What has to be known of all actors before one is scheduled.

    Attributes:
        pace: clocks a frame of the slowest actor.
        settled: clocks a frame in which each beat of the input has all the time that anything of it can take.
        slowdowns: for each actor how many times slower it is than it could be, none slower than the slowest.
        readers: of each actor's stream.
    """

    pace: int
    settled: int
    slowdowns: tuple[int, ...]
    readers: Counter[str]


def _planned(actors: Collection[Actor]) -> _Plan:
    clocks, latencies, spread, firings = [], 0, [], []
    readers: Counter[str] = Counter()
    for actor in actors:
        clocks.append(actor.clocks_per_frame)
        latencies += actor.latency
        spread.append(actor.spread)
        firings.append(len(actor.clocks))
        readers.update(reading.source for reading in actor.readings)
    pace = max(clocks)
    slowdowns = tuple(pace // own if slow else 1 for own, slow in zip(clocks, spread, strict=True))
    settled = (sum(own * slow for own, slow in zip(clocks, slowdowns, strict=True)) + latencies) * firings[0]
    return _Plan(pace, settled, slowdowns, readers)


@dataclass
class _Schedule:
    """What is seen of a schedule while the actors are gone through.

    Attributes:
        waiting: beats that stand in each stream at most, by ``"source->reader"``.
        first: the clock at which the last actor to begin puts out its first beat.
        last: the clock of every beat of the actor that came last.
    """

    waiting: dict[str, int] = field(default_factory=dict)
    first: int = 0
    last: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def _run(actors: Collection[Actor], plan: _Plan, pace: int) -> _Schedule:
    """Until the pipeline has been full for two frames; the input's beats come evenly, a frame in ``pace`` clocks."""
    frames = 1 + STEADY_FRAMES
    while True:
        found = _scheduled(actors, plan, pace, frames)
        # Until the first beat comes out at the end, streams go on filling.
        filled = -(-found.first // pace)
        if filled + STEADY_FRAMES <= frames:
            return found
        frames = filled + STEADY_FRAMES


def _scheduled(actors: Collection[Actor], plan: _Plan, pace: int, frames: int) -> _Schedule:
    found = _Schedule()
    # The beats of each stream, for as long as somebody is to read them.
    beats: dict[str, np.ndarray] = {}
    readers = plan.readers.copy()
    for actor, slowdown in zip(actors, plan.slowdowns, strict=True):
        if actor.readings:
            sources = [beats[reading.source] for reading in actor.readings]
            ends, gone = fired(actor, slowdown, sources, frames)
            for reading, source, left in zip(actor.readings, sources, gone, strict=True):
                edge = f"{reading.source}->{actor.name}"
                found.waiting[edge] = max(found.waiting.get(edge, 0), _largest_wait(source, left))
            readers.subtract(reading.source for reading in actor.readings)
            beats = {name: times for name, times in beats.items() if readers[name]}
        else:
            ends = _evenly(len(actor.clocks), pace, frames)
        found.last = beats[actor.name] = _beats(actor, ends, frames)
        found.first = max(found.first, int(found.last[0]))
    return found


def _evenly(firings: int, pace: int, frames: int) -> np.ndarray:
    of_frame = (np.arange(firings) * pace) // firings
    return np.concatenate([of_frame + frame * pace for frame in range(frames)])


def _beats(actor: Actor, ends: np.ndarray, frames: int) -> np.ndarray:
    if not actor.writes.all():
        ends = ends[np.tile(actor.writes, frames)]
    ends += actor.latency
    return ends


def _largest_wait(beats: np.ndarray, gone: np.ndarray) -> int:
    """Beats that stand in a stream, at most, from the clocks at which they come and go."""
    most = 0
    for start in range(0, len(beats), _BLOCK):
        part = beats[start:start + _BLOCK]
        before = np.searchsorted(gone, part, side="left")
        most = max(most, int((np.arange(start + 1, start + len(part) + 1) - before).max()))
    return most
