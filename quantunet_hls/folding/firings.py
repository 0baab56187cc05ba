"""When each firing of one actor ends, and when the beats that it reads leave their streams.

Firings are followed in blocks, in their order. A firing waits for words, and words come into the reader's buffer when
firings have made room: only within a block do these two have to be brought to agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.folding.actors import Actor, Reading, over_frames

__all__ = ["fired"]

#: Firings of a block.
BLOCK = 1 << 16

#: Times that buffers and firings of a block are brought to agree; they do within a few.
ROUNDS = 200


def fired(actor: Actor, slowdown: int, sources: Sequence[np.ndarray], frames: int
          ) -> tuple[np.ndarray, list[np.ndarray]]:
    """The clock at which each firing ends, and for each reading the clock at which each beat leaves its stream.

    Args:
        actor: with readings.
        slowdown: that its firings take so many times their clocks.
        sources: for each reading the clocks of its source's beats, over all frames.
        frames: that are followed.

    Raises:
        ConfigurationError: the actor's own buffer can't hold what it waits for.
    """
    total = len(actor.clocks) * frames
    ends = np.zeros(total, np.int64)
    buffers = [_Buffer(actor, reading, source, frames) for reading, source in zip(actor.readings, sources, strict=True)]
    last = 0
    for start in range(0, total, BLOCK):
        stop = min(start + BLOCK, total)
        worked = np.cumsum(over_frames(actor.clocks, start, stop, 0)) * slowdown
        for buffer in buffers:
            buffer.take(start, stop, ends)
        _agree(actor, buffers, worked, ends[start:stop], last)
        for buffer in buffers:
            buffer.settle(ends)
        last = int(ends[stop - 1])
    return ends, [buffer.emptied(ends) for buffer in buffers]


def _agree(actor: Actor, buffers: Sequence[_Buffer], worked: np.ndarray, ends: np.ndarray, last: int) -> None:
    """Fill in the ends of a block's firings, from ``worked``, the clocks of those up to each of them.

    From buffers without end on, the times of words and of firings grow until they agree.
    """
    for _ in range(ROUNDS):
        ready = buffers[0].ready(ends)
        for buffer in buffers[1:]:
            np.maximum(ready, buffer.ready(ends), out=ready)
        ready += 1
        before = ends.copy()
        _one_after_another(ready, worked, last, ends)
        if not any(buffer.waits_within for buffer in buffers) or np.array_equal(before, ends):
            return
    raise _too_small(actor)


def _too_small(actor: Actor) -> ConfigurationError:
    return ConfigurationError(f"Layer {actor.name!r} can't be fed at the pace of the slowest layer, because its own "
                              "buffer is too small for it; fold it less, or give it more lanes.")


def _one_after_another(least: np.ndarray, worked: np.ndarray, last: int, out: np.ndarray) -> None:
    """Ends of what is done one after the other, none before its ``least``, all behind ``last``; the first two change.

    ``worked`` has the clocks of those up to each of them.
    """
    np.subtract(least, worked, out=least)
    np.maximum.accumulate(least, out=least)
    np.maximum(least, last, out=least)
    np.add(least, worked, out=out)


def _waited_for(reading: Reading, start: int, stop: int) -> np.ndarray:
    """The last word that each firing waits for, over all frames; -1, for none, stays."""
    needed = over_frames(reading.needed, start, stop, reading.words)
    # Of the first frame this needs no second look.
    if stop > len(reading.needed) or needed.min() < 0:
        needed[over_frames(reading.needed, start, stop, 0) < 0] = -1
    return needed


class _Buffer:
    """One reader's buffer, while its actor fires."""

    def __init__(self, actor: Actor, reading: Reading, beats: np.ndarray, frames: int):
        self._actor, self._reading, self._beats = actor, reading, beats
        self._per_frame = len(beats) // frames
        self._words = reading.words * frames
        #: Words that are in it or were, the clock at which the last of them came, and the firing that made room for it.
        self._known, self._last, self._opener = 0, 0, 0
        #: Words that no firing of the blocks so far leaves in it.
        self._left = 0
        #: Words that there is room for at first.
        self._at_first = int(reading.released[-1:][0]) - reading.words + reading.room
        self._gone = np.zeros(len(beats), np.int64)
        self._last_left = 0

    def take(self, start: int, stop: int, ends: np.ndarray) -> None:
        """Get ready for a block of firings; ``ends`` has those of all firings before it."""
        reading = self._reading
        needed = _waited_for(reading, start, stop)
        # What a firing before this block has waited for holds up none of it.
        self._needed = np.maximum(needed - self._known + 1, 0)
        self._start, self._stop = start, stop
        self._prepare(self._known + int(self._needed.max()), ends)

    @property
    def waits_within(self) -> bool:
        """Whether words of the block come when firings of the block have made room."""
        return self._within < len(self._possible)

    def ready(self, ends: np.ndarray) -> np.ndarray:
        """The clock at which each firing has its words, with these ends of the block's firings."""
        entered = np.empty(len(self._possible) + 1, np.int64)
        # Word -1, for a firing that waits for none, is there from the beginning.
        entered[0] = 0
        self._enter(ends, entered[1:])
        result: np.ndarray = entered[self._needed]
        return result

    def settle(self, ends: np.ndarray) -> None:
        """Keep what the block has come to, its firings' ends among ``ends``."""
        self._keep(ends[self._start:self._stop])
        if not self._reading.room:
            self._leave(ends)

    def emptied(self, ends: np.ndarray) -> np.ndarray:
        """The clock at which each beat is gone, when all firings are over; what is left over leaves then."""
        self._start = self._stop = len(ends)
        while self._reading.room and self._known < self._words:
            self._prepare(min(self._known + BLOCK, self._words), ends)
            self._keep(ends[:0])
        if not self._reading.room and self._left < self._words:
            self._note(self._left, np.full(self._words - self._left, ends[-1]))
        # A beat that completes no word leaves with the word before it; before the first word there is none.
        first = int(self._reading.beat_of_word[:1][0])
        np.maximum.accumulate(self._gone, out=self._gone)
        self._gone[:first] = self._last_left
        return self._gone

    def _prepare(self, behind: int, ends: np.ndarray) -> None:
        """When the words up to ``behind`` may come, from their beats and the firings before the block."""
        reading = self._reading
        self._beat = over_frames(reading.beat_of_word, self._known, behind, self._per_frame)
        self._possible = self._beats[self._beat]
        self._within = len(self._possible)
        if not reading.room or behind <= self._known:
            return
        opener = self._openers(behind)
        first = min(max(self._at_first - self._known, 0), len(opener))
        before = max(first, int(np.searchsorted(opener, self._start)))
        np.maximum(self._possible[first:before], ends[opener[first:before]], out=self._possible[first:before])
        self._within, self._ready_with = before, opener[before:] - self._start
        self._opener = int(opener[-1])

    def _openers(self, behind: int) -> np.ndarray:
        """The firing that makes room for each word from the first that is not known; the last one at the very end."""
        reading, firings = self._reading, len(self._actor.clocks)
        released = over_frames(reading.released, self._opener, self._stop, reading.words)
        words = np.arange(self._known - reading.room, behind - reading.room)
        opener = self._opener + np.searchsorted(released, words, side="right")
        at_end = self._stop == firings * (len(self._beats) // self._per_frame)
        if at_end:
            return np.minimum(opener, self._stop - 1)
        if opener[-1] >= self._stop and words[-1] + reading.room >= self._at_first:
            raise _too_small(self._actor)
        return opener

    def _enter(self, ends: np.ndarray, out: np.ndarray) -> None:
        possible = self._possible.copy()
        if self.waits_within:
            np.maximum(possible[self._within:], ends[self._ready_with], out=possible[self._within:])
        possible += 1
        _one_after_another(possible, np.arange(1, len(possible) + 1), self._last, out)

    def _keep(self, ends: np.ndarray) -> None:
        if not len(self._possible):
            return
        entered = np.empty(len(self._possible), np.int64)
        self._enter(ends, entered)
        if self._reading.room:
            self._note(self._known, entered)
        self._known, self._last = self._known + len(entered), int(entered[-1])

    def _leave(self, ends: np.ndarray) -> None:
        """Words straight from the stream leave it when a firing has read them for the last time."""
        released = over_frames(self._reading.released, self._start, self._stop, self._reading.words)
        behind = max(int(released[-1]), self._left)
        reader = self._start + np.searchsorted(released, np.arange(self._left, behind), side="right")
        self._note(self._left, ends[reader])
        self._left = behind

    def _note(self, first: int, times: np.ndarray) -> None:
        """Words from ``first`` on leave the stream at these clocks; a beat leaves it with its last word."""
        if len(times):
            beat = over_frames(self._reading.beat_of_word, first, first + len(times), self._per_frame)
            self._gone[beat] = times
            self._last_left = int(times[-1])
