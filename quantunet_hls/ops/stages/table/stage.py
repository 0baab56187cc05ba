"""Any function of a value of few bits: its result looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["Table"]


@dataclass(frozen=True)
class Table(Stage):
    """For each number of few bits the code that it becomes.

    Attributes:
        type: of the entries.
        first: the lowest number that can come, in steps of ``2**-fraction``.
        fraction: fraction bits of what is looked up; all numbers that come are multiples of its step.
        entries: codes of ``type`` for the numbers from the first on, one a step.
        meaning: what the entries say.
    """

    kind: ClassVar[str] = "table"

    type: FixedType
    first: int
    fraction: int
    entries: tuple[int, ...]
    meaning: Meaning | None = field(default=Meaning.SCORES)  # type: ignore[misc]

    @property
    def index(self) -> FixedType:
        """The narrowest type that holds all that is looked up."""
        return covering(self.first, self.first + len(self.entries) - 1, self.fraction)

    @property
    def by_bits(self) -> tuple[int, ...]:
        """The entries by the bits of what is looked up, as a number without sign; 0 where none is looked up."""
        words = [0] * (1 << self.index.width)
        for place, entry in enumerate(self.entries, self.first):
            words[place % len(words)] = entry
        return tuple(words)

    def apply(self, codes: Integers, source: FixedType) -> Integers:
        """Codes of ``source`` as codes of ``type``."""
        places = source.fraction - self.fraction
        steps = codes >> places if places >= 0 else codes << -places
        return np.array(self.entries, np.int64)[steps - self.first]
