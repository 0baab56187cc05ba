"""The stream graph: what is built, as data, between the typed network and the Verilog.

Every layer turns streams of pixels into one stream of pixels. A stream's pixels
come row by row, top left first, frame after frame without a gap, and a pixel
comes as ``channels / lanes`` beats of ``lanes`` channels each, channel 0 first
and in the lowest bits.

Layers hold integer codes only; scales live in the :class:`FixedType` of each
stream. What a layer is made of stands in its operator's room, in the module
``stream``; here is what all of them have in common.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import lcm
from typing import Any, ClassVar, Self

import numpy as np

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.folding.actors import Actor, Actors, Parts, Places, Reading, every, in_order
from quantunet_hls.ops.digest import digest
from quantunet_hls.ops.feed import Feed
from quantunet_hls.ops.loaded import LoadedMemory, LoadedTable
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import MULTIPLICATION, THRESHOLDS, Stage, reduced
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["PREFETCH", "SHALLOW_FIFO", "Staged", "StreamGraph", "StreamLayer", "divisors"]

#: Up to this many beats a FIFO lives in flip-flops and LUT memory with an unregistered read.
SHALLOW_FIFO = 32

#: Words that a unit without a line buffer takes in ahead: its pipeline's registers.
PREFETCH = 2


@dataclass(frozen=True, eq=False)
class StreamLayer(ABC):
    """Common to all layers.

    Attributes:
        room: of its operator: the package of this name in :mod:`quantunet_hls.ops`.
        kind: what reports call it.
        in_turn: whether it takes its sources in turn, a beat a clock, so that one with fewer lanes would hold it up.
        uneven: whether it reads beats and then none for long, without a buffer that would even that out.
        folded_in: what a folding chooses of it, in whole numbers.
        name: a letter, then letters, digits and underscores; the Verilog module's name.
        sources: names of the layers whose streams come in.
        shape: of the stream that goes out.
        type: of every channel that goes out.
        lanes: channels a beat that go out.
    """

    room: ClassVar[str]
    kind: ClassVar[str]
    in_turn: ClassVar[bool] = False
    uneven: ClassVar[bool] = False
    folded_in: ClassVar[tuple[str, ...]] = ("lanes",)

    name: str
    sources: tuple[str, ...]
    shape: Shape
    type: FixedType
    lanes: int = field(default=1, kw_only=True)

    @property
    def title(self) -> str:
        """What reports say that it is."""
        return self.kind

    @property
    def class_count(self) -> int:
        """How many classes the values are indices of; 0 where they are none."""
        return 0

    @property
    def cycles(self) -> int:
        """Clock cycles that a frame takes when the layer never waits."""
        return self.shape.pixels * self.shape.channels // self.lanes

    @property
    def macs(self) -> int:
        """Multiplications of a frame."""
        return 0

    @property
    def mac_units(self) -> int:
        """Multipliers that work side by side."""
        return 0

    @property
    def hardware(self) -> Self:
        """The layer as its module is made: without what is loaded into it at start-up."""
        return self

    @property
    def memories(self) -> tuple[LoadedMemory, ...]:
        """Memories that are filled at start-up, in that order."""
        return ()

    @property
    def contents(self) -> tuple[LoadedTable, ...]:
        """What they are filled with."""
        return ()

    @property
    def feed(self) -> Feed | None:
        """What it reads from external memory while it computes."""
        return None

    @property
    def fed(self) -> np.ndarray:
        """What lies there, of a layer with a feed (beats, 32-bit words)."""
        raise NotImplementedError

    @property
    def feedings(self) -> int:
        """Times in a frame that it reads all of that."""
        return 0

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return self.lanes

    def lanes_from(self, place: int) -> int:
        """Channels a beat that come in from one of its sources, by its place among them."""
        return self.input_lanes

    @property
    def beats(self) -> int:
        """Beats of a frame that go out."""
        return self.shape.pixels * self.shape.channels // self.lanes

    def check(self) -> None:
        """Refuse what has no hardware.

        Raises:
            IllegalGraphError: says what, and what there is.
        """
        if self.shape.channels % self.lanes:
            raise IllegalGraphError(self.name, f"{self.lanes} lanes do not divide its {self.shape.channels} channels",
                                    "choose a divisor")

    @abstractmethod
    def computed(self, sources: Sequence[Integers]) -> Integers:
        """Codes (frames, height, width, channels) that go out, from those that come in; numpy on integers."""

    @abstractmethod
    def actor(self, sources: Sequence[StreamLayer]) -> Actor:
        """What it reads and writes, and when, between these layers."""

    # Lowering.

    @property
    def burst(self) -> int:
        """Pixels that a reader's line buffer has to hold beyond one window, so that neither waits for the other."""
        return 2

    def joined(self, stages: Sequence[Stage]) -> StreamLayer | None:
        """The layer with more stages behind its own, where it can have any."""
        return None

    # Folding.

    def foldings(self) -> list[Self]:
        """The layer with all lanes, and with all else that a folding chooses."""
        return [replace(self, lanes=count) for count in divisors(self.shape.channels)]

    @property
    def bulk(self) -> float:
        """LUTs beside the multipliers, roughly, to compare foldings with as many of these."""
        return float(self.lanes)

    def folding(self) -> dict[str, int | str]:
        """What a folding chose of it, as it stands in a file."""
        return {name: getattr(self, name) for name in self.folded_in}

    def folded_as(self, values: Mapping[str, object], operands: tuple[int, int]) -> Self:
        """The layer folded as a file says.

        Args:
            values: of the names that :meth:`folding` has.
            operands: bits of the operands of the part's multiplier blocks.

        Raises:
            ConfigurationError: another value than one that it can have.
        """
        counts: Any = {name: _whole_number(values[name], self.name) for name in self.folded_in}
        return replace(self, **counts)

    # Other widths.

    def passing(self, sources: Sequence[StreamLayer]) -> StreamLayer:
        """The layer with the type of what it passes on.

        Raises:
            IllegalGraphError: it does not just pass on what it reads.
        """
        raise IllegalGraphError(self.name, f"what widths cost is not known behind a layer of kind {self.kind!r}",
                                "leave it out, or train without a board")

    # What the operators' actors share.

    def _one_clock(self, readings: tuple[Reading, ...], firings: int) -> Actor:
        """A firing a beat, a clock each."""
        return Actor(self.name, readings, every(1, firings), every(True, firings), 3)

    def _in_order(self, source: StreamLayer, firings: int, place: int = 0) -> Reading:
        """A reading of a word at every firing."""
        return self._reading(source, in_order(firings), in_order(firings, 1), PREFETCH, place)

    def _reading(self, source: StreamLayer, needed: Places, released: Places, room: int, place: int = 0) -> Reading:
        """A reading of words of as many channels as it takes, behind a width adapter where the source has others."""
        lanes = self.lanes_from(place)
        words = source.shape.pixels * source.shape.channels // lanes
        # The adapter first collects a whole multiple of both widths, where the source's does not hold one.
        common = lcm(source.lanes, lanes)

        def beats(first: int, behind: int) -> np.ndarray:
            last_channel = np.arange(first + 1, behind + 1) * lanes
            if common > source.lanes:
                last_channel = -(-last_channel // common) * common
            return (last_channel - 1) // source.lanes

        return Reading(source.name, words, Parts(words, 1, beats), needed, released, room)


class Staged(StreamLayer):
    """A layer whose results pass through stages before they go out.

    Attributes:
        stages: what happens to each result, in order; the last one's type goes out.
    """

    stages: tuple[Stage, ...]

    @property
    @abstractmethod
    def unstaged(self) -> FixedType:
        """Type of what the first stage gets."""

    def joined(self, stages: Sequence[Stage]) -> Self:
        """The layer with more stages behind its own; a cast that changes nothing any more goes."""
        before = self.stages[-2].type if len(self.stages) > 1 else self.unstaged
        changed: Any = {"stages": (*self.stages[:-1], *reduced(before, (self.stages[-1], *stages)))}
        return replace(self, type=stages[-1].type, **changed)

    # What makes levels of sums.

    @property
    def forms(self) -> tuple[str, ...]:
        """The form of each stage that has one of several that give the same."""
        return tuple(stage.form for stage in self.stages if stage.form)

    def in_forms(self, forms: Sequence[str]) -> Self:
        """The layer whose stages have these forms.

        Raises:
            ConfigurationError: another number of them, or one that gives something else; says what there is.
        """
        if len(forms) != len(self.forms):
            raise ConfigurationError(f"Layer {self.name!r} makes levels {len(self.forms)} times, and {len(forms)} "
                                     f"forms are given; it has {', '.join(self.forms)}.")
        left, stages, source = list(forms), list[Stage](), self.unstaged
        for stage in self.stages:
            wanted = left.pop(0) if stage.form else None
            made = stage.in_form(wanted, source) if wanted is not None else stage
            if made is None:
                possible = [form for form in (MULTIPLICATION, THRESHOLDS) if stage.in_form(form, source)]
                raise ConfigurationError(f"Layer {self.name!r} can't make its levels by {wanted!r}; it can by "
                                         f"{', '.join(possible)}.")
            stages.append(made)
            source = stage.type
        changed: Any = {"stages": tuple(stages)}
        return self if changed["stages"] == self.stages else replace(self, **changed)

    def folding(self) -> dict[str, int | str]:
        """What a folding chose of it, the forms of its stages included."""
        return {**super().folding(), **({"requantizer": ", ".join(self.forms)} if self.forms else {})}

    def folded_as(self, values: Mapping[str, object], operands: tuple[int, int]) -> Self:
        """The layer folded as a file says, with the forms that it names."""
        folded = super().folded_as(values, operands)
        return folded.in_forms(str(values["requantizer"]).split(", ")) if self.forms else folded


def divisors(number: int) -> list[int]:
    """All of them, ascending."""
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def _whole_number(value: object, where: str) -> int:
    """A number of a folding's file.

    Raises:
        ConfigurationError: something else; says where.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"In the folding {where!r} has {value!r} where a whole number from 1 on belongs.")
    return value


@dataclass(frozen=True, eq=False)
class StreamGraph:
    """Layers in an order in which every source comes before what reads it, and the depth of every FIFO.

    Attributes:
        name: of the design and of its top module.
        layers: the first is the input, where frames come in, the last is the output.
        fifo_depths: beats (of the source's lanes) that an edge holds, by ``"source->reader"``.
    """

    name: str
    layers: tuple[StreamLayer, ...]
    fifo_depths: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: set[str] = set()
        for layer in self.layers:
            if layer.name in known:
                raise ConfigurationError(f"Two layers are named {layer.name!r}; rename one.")
            missing = [name for name in layer.sources if name not in known]
            if missing:
                raise ConfigurationError(f"Layer {layer.name!r} reads {missing[0]!r}, which comes after it.")
            known.add(layer.name)
            layer.check()
        unknown = set(self.fifo_depths) - {edge for edge, _, _ in self.edges}
        if unknown:
            raise ConfigurationError(f"There is no stream {sorted(unknown)[0]!r} to give a depth to.")

    def __getitem__(self, name: str) -> StreamLayer:
        return next(layer for layer in self.layers if layer.name == name)

    def sources_of(self, layer: StreamLayer) -> list[StreamLayer]:
        """The layers whose streams it reads."""
        by_name = {each.name: each for each in self.layers}
        return [by_name[name] for name in layer.sources]

    @property
    def edges(self) -> tuple[tuple[str, StreamLayer, StreamLayer], ...]:
        """Every stream between two layers as (``"source->reader"``, source, reader)."""
        by_name = {layer.name: layer for layer in self.layers}
        return tuple((f"{name}->{layer.name}", by_name[name], layer) for layer in self.layers
                     for name in layer.sources)

    @property
    def input(self) -> StreamLayer:
        """The layer where frames come in."""
        return self.layers[0]

    @property
    def inner(self) -> tuple[StreamLayer, ...]:
        """The layers that compute: all but the input."""
        return self.layers[1:]

    @property
    def output(self) -> StreamLayer:
        """The layer whose stream leaves the design."""
        return self.layers[-1]

    @property
    def hardware(self) -> StreamGraph:
        """The graph as its modules are made: without what is loaded into them at start-up."""
        return replace(self, layers=tuple(layer.hardware for layer in self.layers))

    @property
    def loading(self) -> tuple[StreamLayer, ...]:
        """The layers that have memories to be filled at start-up, in the order in which they are."""
        return tuple(layer for layer in self.layers if layer.memories)

    @property
    def feeding(self) -> tuple[StreamLayer, ...]:
        """The layers that read from external memory, in the order in which their weights lie there."""
        return tuple(layer for layer in self.layers if layer.feed)

    @property
    def cycles(self) -> int:
        """Cycles per frame of the slowest layer: what a stream of frames settles to."""
        return max(layer.cycles for layer in self.layers)

    @property
    def actors(self) -> Actors:
        """Every layer as an actor, in the graph's order, for :mod:`quantunet_hls.folding.schedule`."""
        return Actors(tuple(partial(layer.actor, self.sources_of(layer)) for layer in self.layers))

    def with_layers(self, changed: Mapping[str, StreamLayer]) -> StreamGraph:
        """The same graph with some layers replaced."""
        return replace(self, layers=tuple(changed.get(layer.name, layer) for layer in self.layers))

    def digest(self) -> str:
        """Hex SHA-256 of everything that decides the hardware; weights that are loaded don't."""
        return digest(self.hardware)
