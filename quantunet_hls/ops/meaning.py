"""What the values of a network's result say about the pixels."""

from __future__ import annotations

from enum import Enum

__all__ = ["Meaning"]


class Meaning(Enum):
    """What the values of a layer say."""

    #: The larger, the likelier; 0 is undecided where there is one channel.
    SCORES = "scores"
    #: The same between 0 and 1.
    PROBABILITIES = "probabilities"
    #: The index of a class.
    CLASSES = "classes"
