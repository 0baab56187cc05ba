"""The schedule written down as it is defined, over arrays of all firings of all frames: memory without measure.

What :mod:`quantunet_hls.folding.schedule` finds in blocks must be the same, clock for clock.
"""

import numpy as np

from quantunet_hls.folding.schedule import LEAST_DEPTH, SPARE, STEADY_FRAMES


def fifo_depths(actors):
    """Beats that each stream's FIFO must hold, by ``"source->reader"``."""
    pace = max(actor.clocks_per_frame for actor in actors)
    slower = [pace // actor.clocks_per_frame if actor.spread else 1 for actor in actors]
    settled = sum(actor.clocks_per_frame * factor + actor.latency
                  for actor, factor in zip(actors, slower, strict=True)) * len(actors[0].clocks)
    depths = {}
    for clocks in (pace, settled):
        times, frames = _run(actors, slower, clocks)
        for actor in actors:
            for reading in actor.readings:
                beats, firings = times[reading.source][0], times[actor.name][1]
                entered = _entered(reading, beats, frames, firings)
                left = entered if reading.room else firings[_first_beyond(
                    _tiled(reading.released, reading.words, frames), np.arange(len(entered)))]
                of_word = _tiled(reading.beat_of_word, len(beats) // frames, frames)
                last_word = np.searchsorted(of_word, np.arange(len(beats)), side="right") - 1
                gone = np.searchsorted(left[last_word], beats, side="left")
                waiting = int((np.arange(1, len(beats) + 1) - gone).max())
                edge = f"{reading.source}->{actor.name}"
                depths[edge] = max(depths.get(edge, LEAST_DEPTH),
                                   LEAST_DEPTH if waiting <= LEAST_DEPTH else waiting + SPARE)
    return depths


def last_beats(actors):
    """The clocks of the last actor's beats at the pace of the slowest."""
    pace = max(actor.clocks_per_frame for actor in actors)
    slower = [pace // actor.clocks_per_frame if actor.spread else 1 for actor in actors]
    return _run(actors, slower, pace)[0][actors[-1].name][0]


def _run(actors, slower, pace):
    frames = 1 + STEADY_FRAMES
    while True:
        times = _scheduled(actors, slower, pace, frames)
        filled = -(-int(max(beats[0] for beats, _ in times.values())) // pace)
        if filled + STEADY_FRAMES <= frames:
            return times, frames
        frames = filled + STEADY_FRAMES


def _scheduled(actors, slower, pace, frames):
    times = {}
    for actor, factor in zip(actors, slower, strict=True):
        firings = len(actor.clocks)
        ends = _tiled(np.arange(firings) * pace // firings, pace, frames)
        if actor.readings:
            ends = _fired(actor, np.tile(actor.clocks * factor, frames), times, frames)
        times[actor.name] = ends[np.tile(actor.writes, frames)] + actor.latency, ends
    return times


def _fired(actor, clocks, times, frames):
    """From buffers without end on, the times of words and of firings grow until they agree."""
    ends = None
    while True:
        ready = np.zeros(len(clocks), np.int64)
        for reading in actor.readings:
            entered = np.append(_entered(reading, times[reading.source][0], frames, ends), 0)
            needed = _tiled(reading.needed, reading.words, frames)
            needed[np.tile(reading.needed[:], frames) < 0] = -1
            ready = np.maximum(ready, entered[needed])
        before, ends = ends, _finish(ready, clocks)
        if before is not None and np.array_equal(before, ends):
            return ends


def _entered(reading, beats, frames, ends):
    """The clock at which each word is in the buffer: one a clock, behind its beat, when there is room."""
    word = np.arange(frames * reading.words)
    possible = beats[_tiled(reading.beat_of_word, len(beats) // frames, frames)]
    if ends is not None and reading.room:
        released = _tiled(reading.released, reading.words, frames)
        opened = ends[_first_beyond(released, word - reading.room)]
        at_first = word - reading.room < reading.released[:][-1] - reading.words
        possible = np.maximum(possible, np.where(at_first, 0, opened))
    return _finish(possible, np.ones(len(word), np.int64))


def _first_beyond(released, words):
    return np.minimum(np.searchsorted(released, words, side="right"), len(released) - 1)


def _finish(ready, clocks):
    worked = np.cumsum(clocks)
    return np.maximum.accumulate(np.maximum(ready + 1 - worked, 0)) + worked


def _tiled(places, step, frames):
    return np.concatenate([places[:] + frame * step for frame in range(frames)])
