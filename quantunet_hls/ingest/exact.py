"""A legal graph in exact arithmetic, whatever its scales: what "the same" means where they are no powers of two.

A tensor holds whole numbers, and for each channel what the file's number is that one of
them stands for: a fraction. Every number that occurs is looked at by itself, so nothing
here knows of thresholds, of lines that are fitted to them, or of ranges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.axes import layouts_of
from quantunet_hls.ingest.limits import check_run
from quantunet_hls.ingest.whole_weights import common_measure, whole_weights
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, linked, only
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import levels_of, quantizers_of
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.ops.qonnx.values import Chain, Line, Step, scaled
from quantunet_hls.ops.stages.requantize.steps import Rounding
from quantunet_hls.types.fixed import Integers

__all__ = ["ExactTensor", "run_exact"]

T = TypeVar("T")


class Meaning(Protocol):
    """What whole numbers stand for: a :class:`Chain` of steps, or a table."""

    @property
    def line(self) -> Line | None:
        """The line that it is, if it is one."""

    def value(self, number: Fraction) -> Fraction:
        """The file's number."""

    def then(self, step: Step) -> Meaning:
        """With one step more."""


@dataclass(frozen=True)
class Looked:
    """What each of some whole numbers stands for."""

    numbers: Mapping[Fraction, Fraction]
    line: Line | None = None

    def value(self, number: Fraction) -> Fraction:
        """The file's number."""
        return self.numbers[number]

    def then(self, step: Step) -> Looked:
        """With one step more."""
        return Looked({whole: step.value(number) for whole, number in self.numbers.items()})


@dataclass(frozen=True, eq=False)
class ExactTensor:
    """Numbers of the file.

    Attributes:
        whole: integers, the images on the first axis.
        axis: of the channels.
        meanings: for each channel what its integers stand for.
    """

    whole: Integers
    axis: int
    meanings: tuple[Meaning, ...]

    def channel(self, index: int) -> Integers:
        """The integers of a channel."""
        return np.asarray(self.whole.take(index, self.axis), np.int64)

    @property
    def lines(self) -> list[Line]:
        """The line of each channel of a :meth:`linear` tensor."""
        return [line for meaning in self.meanings if (line := meaning.line) is not None]

    def linear(self, node: NodeProto) -> ExactTensor:
        """The same numbers, of which all are whole multiples of one step where not every channel has a line.

        So are those that hardware has by a ReLU, say, straight behind sums or levels.

        Raises:
            IllegalGraphError: their step is too fine; names the node that needs them.
        """
        if all(meaning.line is not None for meaning in self.meanings):
            return self
        channels = [_distinct(self.channel(index)) for index in range(len(self.meanings))]
        values = [[meaning.value(Fraction(int(each))) for each in distinct]
                  for meaning, (distinct, _) in zip(self.meanings, channels, strict=True)]
        # One step for all, or where scales differ one a channel.
        steps = [_step_of([value for channel in values for value in channel])] * len(values)
        if steps[0] is None:
            steps = [_step_of(channel) for channel in values]
        if None in steps:
            raise IllegalGraphError(node.name, "it reads values behind an activation without a quantizer",
                                    "put a quantizer in front of it")
        held = [step for step in steps if step is not None]
        parts = [np.array([int(value / step) for value in channel], np.int64)[places]
                 for step, channel, (_, places) in zip(held, values, channels, strict=True)]
        return ExactTensor(np.stack(parts, self.axis), self.axis, tuple(map(scaled, held)))

    def other_levels(self, values: np.ndarray) -> int:
        """Of a quantizer's tensor: in how many places a float network's values are nearest to another level."""
        scales = [Fraction(1) if meaning.line is None else meaning.line.factor for meaning in self.meanings]
        levels = np.stack([np.rint(values.take(index, self.axis) / float(scale)) for index, scale in enumerate(scales)],
                          self.axis)
        return int(np.count_nonzero(levels != self.whole))

    def differing(self, numbers: np.ndarray, chains: Sequence[Chain]) -> int:
        """In how many places other numbers, in the same order of axes, stand for something else, by their chains."""
        count = 0
        for index, (meaning, chain) in enumerate(zip(self.meanings, chains, strict=True)):
            pairs = np.stack([self.channel(index).astype(np.float64).reshape(-1),
                              numbers.take(index, self.axis).reshape(-1)])
            distinct, times = np.unique(pairs, axis=1, return_counts=True)
            count += sum(int(each) for (whole, number), each in zip(distinct.T, times, strict=True)
                         if meaning.value(Fraction(whole)) != chain.value(Fraction(number)))
        return count


def run_exact(model: ModelWrapper, images: np.ndarray) -> dict[str, ExactTensor]:
    """Every tensor behind the image's quantizer, but for real numbers, which no executor has exactly.

    Args:
        model: legal, in its own layout, with explicit attributes.
        images: in that layout.

    Raises:
        ConfigurationError: the tensors of so many images are too large together.
    """
    check_run(model, len(images))
    return _Run(linked(model), images).run()


class _Run:
    def __init__(self, model: ModelWrapper, images: np.ndarray):
        self.model = model
        self.pictures = {only(model, "input"): np.asarray(images, dtype=np.float32)}
        self.axes = {name: layout[1] for name, layout in layouts_of(model).items()}
        self.tensors: dict[str, ExactTensor] = {}

    def run(self) -> dict[str, ExactTensor]:
        """All tensors, in order."""
        for node in self.model.graph.node:
            parts = [self.tensors[name] for name in node.input if name in self.tensors]
            if node.input[0] in self.pictures:
                self._enter(node)
            elif parts and (computed := self._computed(node, parts)) is not None:
                self.tensors[node.output[0]] = computed
        return self.tensors

    def _enter(self, node: NodeProto) -> None:
        """The image's quantizer, or a Transpose in front of it."""
        picture, axis = self.pictures[node.input[0]], self.axes[node.input[0]]
        if node.op_type not in QUANT_OPS:
            self.pictures[node.output[0]] = kind_of(node).run(node, [picture])
            return
        quantizers = _for_all(quantizers_of(self.model, node), picture.shape[axis])
        parts = [levels_of(np.asarray(picture.take(index, axis)), np.array(float(quantizer.scale)), quantizer)
                 for index, quantizer in enumerate(quantizers)]
        self.tensors[node.output[0]] = ExactTensor(np.stack(parts, axis), axis,
                                                   tuple(scaled(quantizer.scale) for quantizer in quantizers))

    def _computed(self, node: NodeProto, parts: list[ExactTensor]) -> ExactTensor | None:
        """What a node makes of its images; None of a real number."""
        kind, given = kind_of(node), parts[0]
        steps = None if kind.steps is None else kind.steps(self.model, node, given.axis)
        if node.op_type in QUANT_OPS or kind.curved is not None:
            return self._quantized(node, given)
        if steps is not None:
            meanings = tuple(meaning.then(step) for meaning, step in zip(
                given.meanings, _for_all(steps, len(given.meanings)), strict=True))
            return ExactTensor(given.whole, given.axis, meanings)
        if kind.real:
            return None
        if kind.weighted:
            return self._convolved(node, given)
        if kind.looked_up is not None:
            return self._looked_up(node, given)
        if kind.product:
            return _multiplied(node, parts)
        if kind.joins:
            return _added(parts) if kind.new_values else _concatenated(parts)
        if kind.largest:
            return self._largest(node, given)
        if kind.divisor is not None:
            return self._linear(node, given, Fraction(1, kind.divisor(self.model, node)))
        if kind.classes:
            return self._classes(node, given)
        if kind.zeros:
            given = _with_zero(given)
        return self._linear(node, given, Fraction(1)) if not kind.new_values else self._fixed_point(node, given)

    def _fixed_point(self, node: NodeProto, given: ExactTensor) -> ExactTensor:
        """Of numbers of types, in double precision, which holds them all."""
        given, shape = given.linear(node), [1] * given.whole.ndim
        shape[given.axis] = -1
        factors = np.array([float(line.factor) for line in given.lines]).reshape(shape)
        constants = [np.asarray(constant(self.model, name)) for name in node.input[1:]]
        whole, exponent = to_steps(kind_of(node).run(node, [given.whole * factors, *constants]))
        axis = self.axes[node.output[0]]
        return ExactTensor(whole, axis, (scaled(Fraction(2) ** exponent),) * whole.shape[axis])

    def _looked_up(self, node: NodeProto, given: ExactTensor) -> ExactTensor:
        """A table's entries, for the numbers of one scale that all channels have."""
        given = given.linear(node)
        line, looked_up = given.lines[0], kind_of(node).looked_up
        assert looked_up is not None
        found = looked_up(node, line)
        assert found is not None, "whoever absorbs scales refuses other numbers"
        table, factor = found
        whole, exponent = to_steps(kind_of(node).run(table, [given.whole.astype(np.float64)]))
        return ExactTensor(whole, given.axis, (scaled(factor * Fraction(2) ** exponent),) * whole.shape[given.axis])

    def _quantized(self, node: NodeProto, given: ExactTensor) -> ExactTensor:
        curved = kind_of(node).curved
        each: Sequence[Rounding] = quantizers_of(self.model, node) if curved is None else curved(node)
        quantizers = _for_all(each, len(given.meanings))
        parts = []
        for index, (meaning, quantizer) in enumerate(zip(given.meanings, quantizers, strict=True)):
            distinct, places = _distinct(given.channel(index))
            levels = np.array([quantizer.level(meaning.value(Fraction(int(x)))) for x in distinct], np.int64)
            parts.append(levels[places])
        return ExactTensor(np.stack(parts, given.axis), given.axis,
                           tuple(scaled(quantizer.scale) for quantizer in quantizers))

    def _convolved(self, node: NodeProto, given: ExactTensor) -> ExactTensor:
        given = given.linear(node)
        found = whole_weights(self.model, node, given.lines)
        weights, exponent = to_steps(found.weights)
        whole = self._whole(node, given.whole, [weights.astype(np.float64)])
        step = Fraction(2) ** exponent
        return ExactTensor(whole, self.axes[node.output[0]],
                           tuple(scaled(line.factor * step, line.offset) for line in found.lines))

    def _largest(self, node: NodeProto, given: ExactTensor) -> ExactTensor:
        """By their order, in which nothing but larger and smaller counts."""
        parts, tables = [], []
        for index, meaning in enumerate(given.meanings):
            distinct, places = _distinct(given.channel(index))
            values = [meaning.value(Fraction(int(each))) for each in distinct]
            order = sorted(set(values))
            ranks = {value: rank for rank, value in enumerate(order)}
            parts.append(np.array([ranks[value] for value in values], np.int64)[places])
            tables.append(Looked({Fraction(rank): value for rank, value in enumerate(order)}))
        largest = self._whole(node, np.stack(parts, given.axis))
        meanings: list[Meaning] = []
        wholes = []
        for index, (meaning, table) in enumerate(zip(given.meanings, tables, strict=True)):
            line, ranks_of = meaning.line, largest.take(index, given.axis)
            if line is None or not line.factor:
                meanings.append(table)
                wholes.append(ranks_of)
                continue
            # Back to the numbers that they were.
            numbers = np.array([int((value - line.offset) / line.factor) for value in table.numbers.values()])
            meanings.append(meaning)
            wholes.append(numbers[ranks_of])
        return ExactTensor(np.stack(wholes, given.axis), given.axis, tuple(meanings))

    def _linear(self, node: NodeProto, given: ExactTensor, multiple: Fraction) -> ExactTensor:
        """What moves values or sums them: a whole multiple of its result comes of whole numbers."""
        given = given if multiple == 1 else given.linear(node)
        origins_of = kind_of(node).origins
        if origins_of is not None and origins_of(self.model, node, given.axis) is None:
            given = _of_one_table(given)
        whole = self._whole(node, given.whole, times=1 / multiple)
        axis, meanings = self.axes[node.output[0]], given.meanings
        if multiple != 1:
            meanings = tuple(scaled(line.factor * multiple, line.offset) for line in given.lines)
        if origins_of is not None:
            origins = origins_of(self.model, node, given.axis) or (0,) * whole.shape[axis]
            meanings = tuple(meanings[origin or 0] for origin in origins)
        return ExactTensor(whole, axis, meanings)

    def _classes(self, node: NodeProto, given: ExactTensor) -> ExactTensor:
        """Of values in their order over all channels, and of the limit that they are compared with."""
        limit = constant(self.model, node.input[1]) if len(node.input) > 1 else None
        limits = set() if limit is None else {Fraction(float(limit.flat[0]))}
        values = []
        for index, meaning in enumerate(given.meanings):
            distinct, places = _distinct(given.channel(index))
            values.append(([meaning.value(Fraction(int(each))) for each in distinct], places))
        ranks = {value: rank for rank, value in enumerate(sorted({
            *limits, *(value for channel, _ in values for value in channel)}))}
        whole = np.stack([np.array([ranks[value] for value in channel], np.int64)[places]
                          for channel, places in values], given.axis)
        found = self._whole(node, whole, [np.array([ranks[each]]) for each in limits])
        return ExactTensor(found, self.axes[node.output[0]], (Chain(),))

    def _whole(self, node: NodeProto, whole: Integers, constants: Sequence[np.ndarray] | None = None,
               times: Fraction = Fraction(1)) -> Integers:
        """What the node makes of whole numbers, times what makes that whole again; with its own constants or others."""
        if constants is None:
            own = (constant(self.model, name) for name in node.input[1:])
            constants = [np.asarray(each) for each in own if each is not None]
        numbers = kind_of(node).run(node, [whole.astype(np.float64), *constants])
        return np.rint(numbers * float(times)).astype(np.int64)


def _for_all(each: Sequence[T], channels: int) -> list[T]:
    """One for every channel, where there is one for all."""
    return list(each) * channels if len(each) == 1 else list(each)


def _step_of(values: Sequence[Fraction]) -> Fraction | None:
    """Of which all of them are whole multiples; None where these are beyond what is counted with exactly."""
    beside = [value for value in values if value]
    step = common_measure(beside) if beside else Fraction(1)
    return None if max(map(abs, beside), default=0) >= step * 2**53 else step


def _distinct(channel: Integers) -> tuple[Integers, Integers]:
    """The integers that occur, and where, in the channel's shape."""
    distinct, places = np.unique(channel, return_inverse=True)
    return distinct, places.reshape(channel.shape)


def _with_zero(given: ExactTensor) -> ExactTensor:
    """The same with integers of which 0 stands for 0: places in a table, where it stands for something else now."""
    parts: list[Integers] = []
    meanings: list[Meaning] = []
    for index, meaning in enumerate(given.meanings):
        channel, found = given.channel(index), meaning
        if meaning.line is None or meaning.line.offset:
            distinct, places = _distinct(channel)
            numbers = {Fraction(place): meaning.value(Fraction(int(each))) for place, each in enumerate(distinct, 1)}
            channel, found = places + 1, Looked(numbers | {Fraction(0): Fraction(0)})
        parts.append(channel)
        meanings.append(found)
    return ExactTensor(np.stack(parts, given.axis), given.axis, tuple(meanings))


def _of_one_table(given: ExactTensor) -> ExactTensor:
    """The same with one meaning for all channels, between which values are to be moved."""
    if all(meaning == given.meanings[0] for meaning in given.meanings):
        return given
    channels = [_distinct(given.channel(index)) for index in range(len(given.meanings))]
    values = [[meaning.value(Fraction(int(each))) for each in distinct]
              for meaning, (distinct, _) in zip(given.meanings, channels, strict=True)]
    ranks = {value: rank for rank, value in enumerate(sorted({value for channel in values for value in channel}))}
    parts = [np.array([ranks[value] for value in channel], np.int64)[places]
             for channel, (_, places) in zip(values, channels, strict=True)]
    table = Looked({Fraction(rank): value for value, rank in ranks.items()})
    return ExactTensor(np.stack(parts, given.axis), given.axis, (table,) * len(given.meanings))


def _concatenated(parts: Sequence[ExactTensor]) -> ExactTensor:
    axis = parts[0].axis
    return ExactTensor(np.concatenate([part.whole for part in parts], axis), axis,
                       tuple(meaning for part in parts for meaning in part.meanings))


def _multiplied(node: NodeProto, parts: Sequence[ExactTensor]) -> ExactTensor:
    """Products, of one channel with each of the other's; what is no scale alone is refused before."""
    one, other = (part.linear(node) for part in parts)
    whole, channels = one.whole * other.whole, max(len(part.meanings) for part in parts)
    lines = [part.lines * (channels // len(part.meanings)) for part in (one, other)]
    assert not any(line.offset for each in lines for line in each)
    return ExactTensor(whole, one.axis, tuple(scaled(a.factor * b.factor) for a, b in zip(*lines, strict=True)))


def _added(parts: Sequence[ExactTensor]) -> ExactTensor:
    """Pairs of numbers, each with its sum; of one scale the sums of the numbers themselves."""
    one, other = parts
    wholes: list[Integers] = []
    meanings: list[Meaning] = []
    for index, pair in enumerate(zip(one.meanings, other.meanings, strict=True)):
        left, right = one.channel(index), other.channel(index)
        lines = [meaning.line for meaning in pair]
        if lines[0] is not None and lines[1] is not None and lines[0].factor == lines[1].factor:
            wholes.append(left + right)
            meanings.append(scaled(lines[0].factor, lines[0].offset + lines[1].offset))
            continue
        pairs, places = np.unique(np.stack([left.reshape(-1), right.reshape(-1)]), axis=1, return_inverse=True)
        wholes.append(places.reshape(left.shape).astype(np.int64))
        meanings.append(Looked({Fraction(number): sum((meaning.value(Fraction(int(each))) for meaning, each in zip(
            pair, column, strict=True)), Fraction(0)) for number, column in enumerate(pairs.T)}))
    return ExactTensor(np.stack(wholes, one.axis), one.axis, tuple(meanings))
