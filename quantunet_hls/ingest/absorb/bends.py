"""Activations without a quantizer behind them, on hardware's own numbers.

Where a number stands for itself times a scale, its ReLU is the scale times the ReLU of what hardware holds, and a limit
of the file is one of hardware's numbers where it lies on their grid. So a ReLU or a limit can stand behind a quantizer
of any scale, or behind sums, in front of what computes with numbers of one scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf

import numpy as np
from onnx import NodeProto, TensorProto, helper

from quantunet_hls.ingest.absorb.whole_graph import WholeGraph, line_of
from quantunet_hls.ingest.scales import Held
from quantunet_hls.ops.qonnx.functions import grid_of
from quantunet_hls.ops.qonnx.graph import shape_of
from quantunet_hls.ops.qonnx.values import Bend, Chain, Clamp, Line, scaled

__all__ = ["as_lines", "lines_read"]

#: Beyond it no limit is a number that anybody clips to.
_FAR = 1 << 60


@dataclass(frozen=True)
class _Limits:
    """Numbers that are no less and no more than that, and the line from there to the file's."""

    low: Fraction | None
    high: Fraction | None
    line: Line

    def bent(self, below: Fraction) -> _Limits | None:
        """With values below zero times a factor."""
        if below == 1:
            return self
        return self.clamped(Fraction(0), None) if below == 0 else None

    def clamped(self, low: Fraction | None, high: Fraction | None) -> _Limits | None:
        """With limits for what the line gives."""
        factor, offset = self.line.factor, self.line.offset
        if not factor:
            return None
        ends = [None if end is None else (end - offset) / factor for end in (low, high)]
        low, high = ends if factor > 0 else ends[::-1]
        least = low if self.low is None or (low is not None and low > self.low) else self.low
        most = high if self.high is None or (high is not None and high < self.high) else self.high
        return None if least is not None and most is not None and least > most else _Limits(least, most, self.line)


def lines_read(graph: WholeGraph, node: NodeProto, held: Held) -> tuple[Held, list[Line]]:
    """What a node reads that computes with numbers of a scale, and these, for each channel.

    Raises:
        IllegalGraphError: hardware has no such numbers in front of the next quantizer.
    """
    held = as_lines(graph, graph.read(node, held))
    return held, [line_of(node, chain) for chain in held.chains]


def as_lines(graph: WholeGraph, held: Held) -> Held:
    """The same by a node more that limits hardware's numbers, where chains of lines are then left; else as it was."""
    if all(chain.line is not None for chain in held.chains) or held.waiting or held.addends:
        return held
    ends = _ends(graph, held)
    found = [_limited(chain, ends) for chain in held.chains]
    limits = {None if each is None else (each.low, each.high) for each in found}
    if len(limits) > 1 or None in limits:
        return held
    ((low, high),) = limits
    name = f"{held.tensor}_limited{len(graph.nodes)}"
    graph.model.set_tensor_shape(name, list(shape_of(graph.model, held.tensor)), TensorProto.FLOAT)
    graph.nodes.append(helper.make_node("Clip", [held.tensor], [name], name=name, min=-inf if low is None else float(
        low), max=inf if high is None else float(high)))
    return Held(name, tuple(scaled(each.line.factor, each.line.offset) for each in found if each), (), None)


def _limited(chain: Chain, ends: tuple[Fraction, Fraction] | None) -> _Limits | None:
    """A chain as limits of hardware's numbers, which reach from one end to another, and a line; None for another."""
    found: _Limits | None = _Limits(None, None, Line(Fraction(1)))
    for step in chain.steps:
        if found is None:
            return None
        if isinstance(step, Line):
            before = found.line
            found = _Limits(found.low, found.high, Line(before.factor * step.factor,
                                                        before.offset * step.factor + step.offset))
        elif isinstance(step, Bend):
            found = found.bent(step.below)
        elif isinstance(step, Clamp):
            found = found.clamped(step.low, step.high)
        else:
            return None
    if found is None:
        return None
    low, high = found.low, found.high
    if ends is not None:
        # A limit beyond all numbers that come need not lie on their grid.
        low = None if low is not None and low <= ends[0] else low
        high = None if high is not None and high >= ends[1] else high
    held = all(end is None or _is_a_number(end) for end in (low, high))
    return _Limits(low, high, found.line) if held else None


def _is_a_number(end: Fraction) -> bool:
    """Whether a file's attribute holds it."""
    return abs(end) < _FAR and Fraction(float(np.float32(float(end)))) == end


def _ends(graph: WholeGraph, held: Held) -> tuple[Fraction, Fraction] | None:
    """The least and the largest number that hardware holds of what a quantizer wrote; None where that is not known."""
    grid = grid_of(graph.given, held.tensor) if held.tensor in graph.axes else None
    begun = {chain.steps[:1] for chain in held.chains}
    if grid is None or len(begun) > 1:
        return None
    first = next(iter(begun.pop()), None)
    # Where the chains begin with no line, hardware holds the file's own numbers.
    step = grid.step / first.factor if isinstance(first, Line) else grid.step
    return step * grid.low, step * grid.high
