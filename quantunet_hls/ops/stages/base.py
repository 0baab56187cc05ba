"""What all stages have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from quantunet_hls.ops.loaded import LoadedTable, NumberWidths
from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["MULTIPLICATION", "THRESHOLDS", "Stage", "apply_stages", "reduced", "retyped"]

#: What makes levels of sums, as foldings and reports call it.
MULTIPLICATION, THRESHOLDS = "multiplication", "thresholds"

S = TypeVar("S", bound="Stage")


class Stage(ABC):
    """A step behind a layer's sums, value by value: a frozen dataclass.

    Attributes:
        kind: name of its room.
        type: of what it gives.
        meaning: of its values; None where they say what those do that it gets.
    """

    kind: ClassVar[str]
    meaning: ClassVar[Meaning | None] = Meaning.SCORES
    type: FixedType

    def keeps(self, source: FixedType) -> bool:
        """Whether it changes no value of a type."""
        return False

    @property
    def keeps_order(self) -> bool:
        """Whether of two numbers the larger one never becomes the smaller one."""
        return False

    def deferred(self, following: Stage) -> tuple[Stage, ...]:
        """It and the stage behind it: as they are, or others that together give the same and take less hardware."""
        return (self, following)

    # What makes levels of sums: one of several forms that give the same.

    @property
    def channels(self) -> int:
        """For how many channels there are numbers of their own; 1 where they hold for all."""
        return 1

    @property
    def form(self) -> str | None:
        """The form that it has; None where there are no several."""
        return None

    def in_form(self, form: str, source: FixedType) -> Stage | None:
        """What gives the same for values of a type in another form; None where nothing does."""
        return self if form == self.form else None

    # Numbers that are loaded at start-up.

    def widths(self, source: FixedType) -> NumberWidths | None:
        """Of the numbers that training gives it, for values of a type; None where it has none that can be loaded."""
        return None

    def loaded_as(self, widths: NumberWidths, source: FixedType, channels: int) -> Stage:
        """The stage with numbers that are loaded, of such widths, for values of a type in so many channels.

        Raises:
            ConfigurationError: its numbers are finer.
        """
        raise NotImplementedError

    def tables(self, lanes: int) -> tuple[LoadedTable, ...]:
        """Of so many lanes what is loaded."""
        return ()

    @property
    def hardware(self) -> Stage:
        """The stage without what is loaded."""
        return self

    @abstractmethod
    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""


def apply_stages(codes: Integers, source: FixedType, stages: Sequence[Stage]) -> Integers:
    """Codes of ``source`` behind all stages, in order."""
    for stage in stages:
        codes, source = stage.apply(codes, source), stage.type
    return codes


def retyped(stage: S, type_: FixedType) -> S:
    """The same stage into another type."""
    # Every stage is a dataclass; the base is none, for each has its members in an order of its own.
    return replace(stage, type=type_)  # type: ignore[type-var]


def reduced(source: FixedType, stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The same stages for values of a type without those, other than the last, that change none.

    Those that take less hardware in another order come in that.
    """
    kept: list[Stage] = []
    for stage in stages:
        if kept and kept[-1].keeps(kept[-2].type if len(kept) > 1 else source):
            kept.pop()
        kept += kept.pop().deferred(stage) if kept else (stage,)
    return tuple(kept)
