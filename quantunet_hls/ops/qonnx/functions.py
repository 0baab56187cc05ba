"""Functions of one value in a QONNX graph: nodes that work value by value, from one tensor to a quantizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.bounds import Bounds, UnboundedError
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, kind_of, node_kinds
from quantunet_hls.ops.qonnx.quantizers import quantizers_of
from quantunet_hls.ops.qonnx.weights import MAX_BITS
from quantunet_hls.ops.stages.requantize.steps import Quantizer

__all__ = ["Function", "Grid", "grid_of", "leaves_of", "of_one_value", "straight"]


#: Decimal digits that are tried, one after the other, until a number lies on one side of each step of the quantizer.
_DIGITS = (30, 60, 120, 240)


@dataclass(frozen=True)
class Grid:
    """The numbers that a quantized tensor can have: whole ones from ``low`` to ``high``, times ``step``."""

    step: Fraction
    low: int
    high: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.high - self.low + 1


@dataclass(frozen=True, eq=False)
class Function:
    """What stands between a tensor and a quantizer.

    Attributes:
        source: the one tensor that all of it depends on.
        nodes: in graph order; one at least, each working value by value.
        quantizer: which reads what the last of them writes.
    """

    source: str
    nodes: tuple[NodeProto, ...]
    quantizer: NodeProto

    @property
    def needs_table(self) -> bool:
        """Whether nothing but a table computes it: a real number comes in between, or its value meets itself."""
        written = {self.source, *(node.output[0] for node in self.nodes)}
        return any(kind_of(node).real or sum(name in written for name in node.input) > 1 for node in self.nodes)

    def value(self, model: ModelWrapper, number: Fraction, digits: int) -> Bounds:
        """What the quantizer reads where the source is this number.

        Raises:
            UnboundedError: no bounds can be given.
        """
        values = {self.source: Bounds.of(number)}
        for node in self.nodes:
            inputs = [values[name] if name in values else _constant(model, name) for name in node.input if name]
            bounds = kind_of(node).bounds
            assert bounds is not None
            values[node.output[0]] = bounds(node, inputs, digits)
        return values[self.quantizer.input[0]]

    def level(self, model: ModelWrapper, number: Fraction, quantizer: Quantizer) -> int:
        """What the quantizer, or one channel's, makes of the value where the source is this number.

        Raises:
            UnboundedError: it can't be told.
        """
        for digits in _DIGITS:
            value = self.value(model, number, digits)
            low, high = quantizer.level(value.low), quantizer.level(value.high)
            if low == high:
                return low
        raise UnboundedError(f"the value at {float(number):g}, which is too near to a step of the quantizer")

    def direction(self, model: ModelWrapper) -> int:
        """Of one :func:`straight`: 1 where it never falls, -1 where it never rises, 0 where neither is known.

        Raises:
            UnboundedError: a constant is no finite number.
        """
        found = 1
        for node in self.nodes:
            values = [constant(model, name) for name in node.input if name]
            found *= kind_of(node).monotone(node, [None if value is None else _exact(value) for value in values])
        return found


def _constant(model: ModelWrapper, name: str) -> Bounds:
    value = constant(model, name)
    assert value is not None
    return Bounds.of(_exact(value))


def _exact(value: np.ndarray) -> Fraction:
    number = float(value.flat[0])
    if not np.isfinite(number):
        raise UnboundedError(f"a constant of {number:g}")
    return Fraction(number)


def of_one_value(model: ModelWrapper, quantizer: NodeProto) -> Function | None:
    """What stands in front of a quantizer, where it depends on one tensor; None where nothing does, or on several."""
    leaves, members = leaves_of(model, quantizer.input[0])
    if len(leaves) != 1 or not members:
        return None
    return Function(leaves[0], tuple(node for node in model.graph.node if node.output[0] in members), quantizer)


def straight(model: ModelWrapper, quantizer: NodeProto) -> Function | None:
    """What stands in front of a quantizer, back to where it joins images or is more than a function of one value."""
    nodes: list[NodeProto] = []
    source = quantizer.input[0]
    while (node := model.find_producer(source)) is not None and _works_value_by_value(model, node):
        images = [name for name in node.input if name and constant(model, name) is None]
        if len(images) > 1:
            break
        nodes.append(node)
        (source,) = images
    return Function(source, tuple(reversed(nodes)), quantizer) if nodes else None


def leaves_of(model: ModelWrapper, tensor: str) -> tuple[list[str], set[str]]:
    """Which tensors one is computed of value by value, and what nodes in between write; itself where by none."""
    leaves: dict[str, None] = {}
    members: set[str] = set()
    left = [tensor]
    while left:
        name = left.pop()
        if name in members or name in leaves:
            continue
        node = model.find_producer(name)
        if node is not None and _works_value_by_value(model, node):
            members.add(name)
            left += [source for source in node.input if source and constant(model, source) is None]
        else:
            leaves[name] = None
    return list(leaves), members


def _works_value_by_value(model: ModelWrapper, node: NodeProto) -> bool:
    kind = _known(node)
    if kind is None or kind.bounds is None:
        return False
    constants = [constant(model, name) for name in node.input if name]
    if not kind.joins and any(value is None for value in constants[1:]):
        return False
    return any(value is None for value in constants) and all(value is None or value.size == 1 for value in constants)


def _known(node: NodeProto) -> NodeKind | None:
    kind = node_kinds().get(node.op_type)
    return kind if kind is not None and kind.is_of_its_domain(node) else None


def grid_of(model: ModelWrapper, tensor: str) -> Grid | None:
    """The numbers of a tensor that a quantizer wrote, or nodes behind it that hand its numbers on; else None."""
    node = model.find_producer(tensor)
    if node is None or (kind := _known(node)) is None:
        return None
    if node.op_type in QUANT_OPS:
        return _quantized(model, node)
    if kind.new_values or kind.blends(node):
        return None
    grids = [grid_of(model, name) for name in node.input if name and constant(model, name) is None]
    known = [grid for grid in grids if grid is not None]
    return _joined(known) if len(known) == len(grids) else None


def _quantized(model: ModelWrapper, node: NodeProto) -> Grid | None:
    numbers = [constant(model, name) for name in node.input[1:]]
    if len(numbers) != 3 or any(number is None or number.size != 1 or not np.isfinite(number).all()
                                for number in numbers):
        return None
    scale, zero, bits = (float(number.flat[0]) for number in numbers if number is not None)
    if scale <= 0 or not 1 <= bits <= MAX_BITS or abs(zero) > 1 << MAX_BITS:
        # The legality check refuses it.
        return None
    (quantizer,) = quantizers_of(model, node)
    return Grid(quantizer.scale, quantizer.low - quantizer.zero, quantizer.high - quantizer.zero)


def _joined(grids: Sequence[Grid]) -> Grid | None:
    """All numbers of several grids, where their steps are multiples of the finest of them."""
    if not grids:
        return None
    finest = min(grid.step for grid in grids)
    factors = [grid.step / finest for grid in grids]
    if any(factor.denominator != 1 for factor in factors):
        return None
    return Grid(finest, min(grid.low * factor.numerator for grid, factor in zip(grids, factors, strict=True)),
                max(grid.high * factor.numerator for grid, factor in zip(grids, factors, strict=True)))
