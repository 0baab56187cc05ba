"""Bits that go one after the other, the ones that save most for what they harm first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from quantunet_hls.core.errors import QuantUNetError

__all__ = ["Choice", "Move", "Point", "Step", "ToleranceError", "descend", "last_within", "steps_of"]

#: What decides a network: types, or widths.
Choice = TypeVar("Choice")

#: Harm below this share of the mask's pixels is measured as noise.
_NOISE = 2e-4
#: A bit less of the same numbers is about four times the squared error of the bit before.
_GROWTH = 4.0
#: A bit that is measured again leads with this share of the next one's ratio, which may be out of date.
_LEAD = 0.6


class ToleranceError(QuantUNetError):
    """No types keep the accuracy that was asked for; says what was reached and where it lies."""


class Move(Protocol[Choice]):
    """One bit less in one place, of whatever kind the choices are."""

    @property
    def layer(self) -> str:
        """Of the network."""

    @property
    def part(self) -> str:
        """ "weight", or what of its activations."""

    def __call__(self, choice: Choice) -> Choice:
        """The choice after it."""


@dataclass(frozen=True)
class Point:
    """What a choice costs and what it does.

    Attributes:
        cost: by the cost model.
        dice: against the truth, 0 to 1.
        disagreement: 1 - Dice against the masks of the network that the search started from.
    """

    cost: float
    dice: float
    disagreement: float


@dataclass(frozen=True)
class Step(Generic[Choice]):
    """A point on the way down.

    Attributes:
        choice: all types.
        point: what it does.
        move: what led here, None at the start.
    """

    choice: Choice
    point: Point
    move: Move[Choice] | None


def steps_of(steps: Sequence[Step[Choice]]) -> list[dict[str, Any]]:
    """The way down as plain values."""
    return [{"move": {"layer": step.move.layer, "part": step.move.part} if step.move else None, **vars(step.point)}
            for step in steps]


def descend(start: Choice, moves: Callable[[Choice], Sequence[Move[Choice]]], evaluate: Callable[[Choice], Point],
            enough: Callable[[Point], bool],
            progress: Callable[[Step[Choice]], None] = lambda step: None) -> list[Step[Choice]]:
    """Take bits away until ``enough`` or none is left; returns every step.

    Each bit's harm is measured once from the start. Then the one with the best ratio of saved cost to harm is
    measured again where the search stands, taken if it still leads, and put back with its new ratio if not.
    """
    steps = [Step(start, evaluate(start), None)]
    progress(steps[0])
    waiting: list[tuple[float, int, str, bool]] = []
    count = 0

    def tried(layer: str, weight: bool) -> tuple[float, Step[Choice]] | None:
        here = steps[-1]
        for move in moves(here.choice):
            if (move.layer, move.part == "weight") == (layer, weight):
                choice = move(here.choice)
                after = Step(choice, evaluate(choice), move)
                saved = here.point.cost - after.point.cost
                return saved / max(after.point.disagreement - here.point.disagreement, _NOISE), after
        return None

    def put(ratio: float, layer: str, weight: bool) -> None:
        nonlocal count
        count += 1
        heapq.heappush(waiting, (-ratio, count, layer, weight))

    for move in moves(start):
        found = tried(move.layer, move.part == "weight")
        assert found is not None
        put(found[0], move.layer, move.part == "weight")
    while waiting and not enough(steps[-1].point):
        _, _, layer, weight = heapq.heappop(waiting)
        found = tried(layer, weight)
        if found is None or found[0] <= 0:
            continue
        ratio, step = found
        if waiting and ratio < _LEAD * -waiting[0][0]:
            put(ratio, layer, weight)
            continue
        steps.append(step)
        progress(step)
        put(ratio / _GROWTH, layer, weight)
    return steps


def last_within(count: int, good: Callable[[int], bool]) -> int:
    """The last of 0, 1, ... count - 1 that is good, by halving; 0 is taken to be so, and that harm only grows."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        if good(middle):
            low = middle
        else:
            high = middle - 1
    return low
