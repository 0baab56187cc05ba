"""The typed network as data: layers of integers, with nothing left of the tool that they were read from.

A layer computes integers from the integers of its sources, and then passes them
through its stages, one after the other. A number is its integer code times
``2**-fraction`` of its type. Each kind of layer has a room of its own
(:mod:`quantunet_hls.ops.table`); this is what they have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.shape import Shape, Sides
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType

__all__ = ["Layer", "TypedNetwork"]


@dataclass(frozen=True, eq=False)
class Layer:
    """Common to all layers.

    Attributes:
        kind: name of its room.
        name: hls4ml's name.
        sources: names of the layers whose results it reads.
        shape: of its result.
        stages: what each of its values passes through, in order; one at least.
    """

    kind: ClassVar[str]

    name: str
    sources: tuple[str, ...]
    shape: Shape
    stages: tuple[Stage, ...]

    #: Whether more stages can follow its own.
    takes_stages: ClassVar[bool] = False
    #: Whether its stages are all that it has.
    only_stages: ClassVar[bool] = False

    @property
    def type(self) -> FixedType:
        """Of its result's values."""
        return self.stages[-1].type

    @property
    def meaning(self) -> Meaning | None:
        """What its values say; None where they say what those do that it reads."""
        return next((stage.meaning for stage in reversed(self.stages) if stage.meaning is not None), Meaning.SCORES)

    def with_zeros(self, sides: Sides) -> Layer | None:
        """The same layer with so many more zeros around what it reads, where it can put them there itself."""
        return None

    def without_zeros(self, source: Layer) -> tuple[Layer, Sides] | None:
        """A layer that does nothing but put zeros around its source: what is left of it without, and the zeros."""
        return None


@dataclass(frozen=True, eq=False)
class TypedNetwork:
    """A network whose every value is decided.

    Attributes:
        layers: each after its sources; the first is the one where images enter.
        output: name of the layer whose result is the network's.
        channels_first: the network hands its result out with the channels first; the layer has them last.
    """

    layers: tuple[Layer, ...]
    output: str
    channels_first: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """Layers by name."""
        return {layer.name: layer for layer in self.layers}

    @property
    def input(self) -> Layer:
        """The layer where images enter."""
        return self.layers[0]

    def readers(self, name: str) -> tuple[Layer, ...]:
        """Layers that read this one's result."""
        return tuple(layer for layer in self.layers if name in layer.sources)
