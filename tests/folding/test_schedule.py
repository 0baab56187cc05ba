"""The schedule's FIFO depths against a naive simulation, clock by clock, of the same actors."""

import tracemalloc
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.folding import firings
from quantunet_hls.folding.actors import Actor, Parts, Reading, every, in_order, over_frames
from quantunet_hls.folding.schedule import LEAST_DEPTH, fifo_depths, last_beats
from tests.folding import whole_arrays


def constant(length, value):
    return np.full(length, value, np.int64)


def feeder(beats):
    return Actor("image", (), constant(beats, 1), np.ones(beats, bool), 1)


def passing(name, source, beats, clocks=1, latency=1, delay=0, room=2):
    """A beat in, a beat out, ``delay`` beats late within each frame."""
    numbers = np.arange(beats)
    needed = np.minimum(numbers + delay, beats - 1)
    reading = Reading(source, beats, numbers, needed, numbers + 1, room + delay)
    return Actor(name, (reading,), constant(beats, clocks), np.ones(beats, bool), latency)


def joining(name, sources, beats):
    numbers = np.arange(beats)
    readings = tuple(Reading(source, beats, numbers, numbers, numbers + 1, 2) for source in sources)
    return Actor(name, readings, constant(beats, 1), np.ones(beats, bool), 1)


@dataclass
class _State:
    """One actor while it is simulated."""

    actor: Actor
    firing: int = 0
    left: int = -1
    taken: list = field(default_factory=list)
    underway: deque = field(default_factory=deque)


def simulate(actors, depths, frames, limit=20_000):
    """Clocks of the last beat of each frame when everything goes as soon as it can; None where it stands still."""
    fifos = {edge: deque() for edge in depths}
    readers = {actor.name: [] for actor in actors}
    for actor in actors:
        for reading in actor.readings:
            readers[reading.source].append(f"{reading.source}->{actor.name}")
    states = [_State(actor, taken=[0] * len(actor.readings)) for actor in actors]
    ends, beats_out = [], 0
    last = actors[-1]
    per_frame = int(last.writes.sum())
    for clock in range(limit):
        for state in states:
            actor = state.actor
            firings = len(actor.clocks)
            # Beats under way come to the FIFOs of all readers at once, when there is room in each.
            if state.underway and state.underway[0] <= clock and all(
                    len(fifos[edge]) < depths[edge] for edge in readers[actor.name]):
                state.underway.popleft()
                for edge in readers[actor.name]:
                    fifos[edge].append(clock)
                if actor is last:
                    beats_out += 1
                    if beats_out % per_frame == 0:
                        ends.append(clock)
                        if len(ends) == frames:
                            return ends
            frame, number = divmod(state.firing, firings)
            for index, reading in enumerate(actor.readings):
                queue = fifos[f"{reading.source}->{actor.name}"]
                base = (reading.released[number - 1] + frame * reading.words if number else
                        reading.released[-1] + (frame - 1) * reading.words)
                if state.taken[index] < base + reading.room and queue and queue[0] < clock:
                    queue.popleft()
                    state.taken[index] += 1
            # What no window of its last frame needs is read none the less, for others to come by.
            if state.firing == frames * firings:
                continue
            if state.left < 0:
                state.left = int(actor.clocks[number])
            ready = all(reading.needed[number] < 0
                        or state.taken[index] > reading.needed[number] + frame * reading.words
                        for index, reading in enumerate(actor.readings))
            # Beats wait in the actor only as long as its own registers hold them.
            if len(state.underway) < actor.latency + 1 and (state.left > 1 or ready):
                state.left -= 1
                if state.left == 0:
                    state.left = -1
                    state.firing += 1
                    if actor.writes[number]:
                        state.underway.append(clock + actor.latency)
    return None


@st.composite
def diamonds(draw):
    """An image that goes two ways of different length and speed and comes together again."""
    beats = draw(st.integers(4, 20))
    actors = [feeder(beats)]
    ends = []
    for way in ("short", "long"):
        source = "image"
        for index in range(draw(st.integers(0 if way == "short" else 1, 3))):
            name = f"{way}{index}"
            actors.append(passing(name, source, beats, draw(st.integers(1, 4)), draw(st.integers(1, 6)),
                                  draw(st.integers(0, beats // 2))))
            source = name
        ends.append(source)
    actors.append(joining("end", ends, beats))
    return actors


@given(diamonds())
def test_with_these_depths_no_frame_takes_longer_than_the_slowest_actor(actors):
    depths = fifo_depths(actors)
    frames = 6
    ends = simulate(actors, depths, frames)
    assert ends is not None, "it stands still"
    pace = max(actor.clocks_per_frame for actor in actors)
    # The last frames: the pipeline is full, and the slowest actor alone decides.
    assert ends[-1] - ends[-3] <= 2 * pace + 1


def test_a_skip_holds_what_comes_while_the_long_way_waits():
    beats, delay = 32, 12
    actors = [feeder(beats), passing("slow", "image", beats, clocks=3, delay=delay), joining("end", ["image", "slow"],
                                                                                            beats)]
    depth = fifo_depths(actors)["image->end"]
    # A beat comes every three clocks; the long way's first comes out `delay` beats late.
    assert delay - 2 <= depth <= delay + 6
    starved = dict(fifo_depths(actors)) | {"image->end": delay - 4}
    assert simulate(actors, starved, 3) is None or simulate(actors, starved, 6)[-1] > 6 * 3 * beats + 60


def test_a_stream_that_nobody_has_to_wait_for_gets_the_least_depth():
    actors = [feeder(10), passing("a", "image", 10), passing("b", "a", 10)]
    assert fifo_depths(actors) == {"image->a": LEAST_DEPTH, "a->b": LEAST_DEPTH}


@pytest.mark.parametrize("room", [0, 8])
def test_what_firings_take_straight_from_the_stream_stands_there(room):
    # Four words one after the other, then nothing for 35 clocks; a word comes every ten.
    one = [True] * 4 + [False] * 35
    reads = np.array(one * 2)
    needed = np.where(reads, np.cumsum(reads) - 1, -1)
    spread = Actor("spread", (Reading("slow", 8, np.arange(8), needed, np.cumsum(reads), room),),
                   constant(len(reads), 1), np.ones(len(reads), bool), 1)
    depth = fifo_depths([feeder(8), passing("slow", "image", 8, clocks=10), spread])["slow->spread"]
    if room:
        assert depth == LEAST_DEPTH
    else:
        assert 3 <= depth <= 5


def test_beats_come_in_order_and_never_faster_than_the_actor_fires():
    slow = passing("slow", "image", 8, clocks=5, latency=4)
    times = last_beats([feeder(8), slow])
    assert len(times) % 8 == 0
    assert (np.diff(times) >= 5).all()
    # One beat of the image a pace of the slowest, from the beginning.
    assert times[:3].tolist() == [9, 14, 19]


@given(diamonds(), st.sampled_from((1, 3, 7, 64)))
def test_in_blocks_of_any_size_it_is_the_schedule_of_whole_arrays(actors, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(firings, "BLOCK", block)
        assert fifo_depths(actors) == whole_arrays.fifo_depths(actors)
        assert last_beats(actors).tolist() == whole_arrays.last_beats(actors).tolist()


def chain(length, beats):
    """Actors that say of each beat what they do only when asked."""
    names = ["image", *(f"a{number}" for number in range(length))]
    each = in_order(beats)
    readings = [(), *((Reading(source, beats, each, each, in_order(beats, 1), 2),) for source in names[:-1])]
    return [Actor(name, reading, every(1, beats), every(True, beats), 3)
            for name, reading in zip(names, readings, strict=True)]


def test_memory_is_that_of_the_streams_in_use():
    peaks = []
    for length in (3, 12):
        tracemalloc.start()
        fifo_depths(chain(length, 30_000))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_parts_are_worked_out_for_what_is_asked():
    asked = []

    def made(first, behind):
        asked.append((first, behind))
        return np.arange(first, behind)[:, None] * 10 + np.arange(3)

    parts = Parts(4, 3, made)
    assert len(parts) == 12
    assert parts[:].tolist() == [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]
    assert parts[4:8].tolist() == [11, 12, 20, 21]
    assert parts[-1:].tolist() == [32]
    assert asked[1:] == [(1, 3), (3, 4)]
    assert over_frames(parts, 10, 14, 100).tolist() == [31, 32, 100, 101]


def test_a_buffer_that_can_never_hold_what_a_firing_waits_for_is_refused():
    numbers = np.arange(8)
    starving = Actor("starving", (Reading("image", 8, numbers, np.full(8, 7), numbers + 1, 2),), constant(8, 1),
                     np.ones(8, bool), 1)
    with pytest.raises(ConfigurationError, match="'starving'"):
        fifo_depths([feeder(8), starving])


def picking(name, source, beats, row, below, clocks):
    """A window over ``below + 1`` rows at every beat of every other row, ``row`` beats long; ``clocks`` for each."""
    first = np.concatenate([np.arange(row) + pair for pair in range(0, beats, 2 * row)])
    reading = Reading(source, beats, np.arange(beats), first + below * row, np.append(first[1:], beats),
                      below * row + 3)
    return Actor(name, (reading,), constant(len(first), clocks), np.ones(len(first), bool), 1)


def test_a_branch_that_lags_keeps_none_of_its_fork_waiting_for_good():
    """It has no FIFO before it, so it can't lag as the schedule has it; and the other branch needs the next row."""
    row, beats = 24, 96
    actors = [feeder(beats), passing("fork", "image", beats), picking("slow", "fork", beats, row, 0, clocks=2),
              picking("late", "fork", beats, row, 1, clocks=1), joining("sum", ("slow", "late"), beats // 2)]
    depths = fifo_depths(actors)
    assert depths["slow->sum"] >= row
    tight = {edge: depth if edge.endswith("->sum") else LEAST_DEPTH for edge, depth in depths.items()}
    assert simulate(actors, tight, 4) is not None
    # It stands still where the FIFO is as shallow as the lag would let it be.
    assert simulate(actors, tight | {"slow->sum": row // 2}, 4) is None
