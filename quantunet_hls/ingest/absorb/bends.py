"""Activations without a quantizer behind them, on hardware's own numbers.

Where a number stands for itself times a scale, its ReLU is the scale times the ReLU of what hardware holds, and a limit
of the file is one of hardware's numbers where it lies on their grid. So ReLU, LeakyReLU by a shift, and limits can
stand behind a quantizer of any scale, or behind sums, in front of what computes with numbers of a scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf

import numpy as np
from onnx import NodeProto, TensorProto, helper

from quantunet_hls.ingest.absorb.whole_graph import WholeGraph, line_of
from quantunet_hls.ingest.scales import Held
from quantunet_hls.ingest.whole_weights import power_of_two
from quantunet_hls.ops.qonnx.functions import grid_of
from quantunet_hls.ops.qonnx.graph import shape_of
from quantunet_hls.ops.qonnx.values import Bend, Chain, Clamp, Line, scaled

__all__ = ["as_lines", "lines_read"]

#: Beyond it no limit is a number that anybody clips to.
_FAR = 1 << 60


@dataclass(frozen=True)
class _Bent:
    """A line of hardware's numbers that have been bent.

    Attributes:
        steps: what has become of the numbers, in order: limits, and slopes below 0.
        line: from there to the file's numbers.
    """

    steps: tuple[Clamp | Bend, ...]
    line: Line

    def then(self, step: object) -> _Bent | None:
        """With one step more of the file's; None where hardware's numbers have none like it."""
        factor, offset = self.line.factor, self.line.offset
        if isinstance(step, Line):
            return replace(self, line=Line(factor * step.factor, offset * step.factor + step.offset))
        if isinstance(step, Bend) and step.below == 0:
            step = Clamp(Fraction(0), None)
        if isinstance(step, Bend):
            slope = power_of_two(step.below)
            held = slope is not None and slope <= 0 and factor > 0 and not offset
            return replace(self, steps=(*self.steps, step) if slope else self.steps) if held else None
        if not isinstance(step, Clamp) or not factor:
            return None
        ends = [None if end is None else (end - offset) / factor for end in (step.low, step.high)]
        return replace(self, steps=(*self.steps, Clamp(*(ends if factor > 0 else ends[::-1]))))

    def of_numbers(self, ends: tuple[Fraction, Fraction] | None) -> _Bent | None:
        """Without limits that no number passes of those that hardware holds; None where one is left off their grid."""
        kept: list[Clamp | Bend] = []
        for step in self.steps:
            if isinstance(step, Clamp):
                if ends is not None:
                    step = Clamp(None if step.low is not None and step.low <= ends[0] else step.low,
                                 None if step.high is not None and step.high >= ends[1] else step.high)
                if not all(_is_a_number(end) for end in (step.low, step.high) if end is not None):
                    return None
            if ends is not None:
                ends = step.value(ends[0]), step.value(ends[1])
            kept += [] if step == Clamp(None, None) else [step]
        return replace(self, steps=tuple(kept))


def lines_read(graph: WholeGraph, node: NodeProto, held: Held) -> tuple[Held, list[Line]]:
    """What a node reads that computes with numbers of a scale, and these, for each channel.

    Raises:
        IllegalGraphError: hardware has no such numbers in front of the next quantizer.
    """
    held = as_lines(graph, graph.read(node, held))
    return held, [line_of(node, chain) for chain in held.chains]


def as_lines(graph: WholeGraph, held: Held) -> Held:
    """The same by nodes more that bend hardware's numbers, where chains of lines are then left; else as it was."""
    if all(chain.line is not None for chain in held.chains) or held.waiting or held.addends:
        return held
    ends = _ends(graph, held)
    found = [_bent(chain, ends) for chain in held.chains]
    if None in found or len({each.steps for each in found if each is not None}) > 1:
        return held
    bent = [each for each in found if each is not None]
    name = held.tensor
    for step in bent[0].steps:
        name = _placed(graph, name, step)
    return Held(name, tuple(scaled(each.line.factor, each.line.offset) for each in bent), (), None)


def _placed(graph: WholeGraph, source: str, step: Clamp | Bend) -> str:
    """What a node more makes of hardware's numbers."""
    if isinstance(step, Bend):
        node = helper.make_node("LeakyRelu", [source], [""], alpha=float(step.below))
    else:
        node = helper.make_node("Clip", [source], [""], min=-inf if step.low is None else float(step.low),
                                max=inf if step.high is None else float(step.high))
    for placed in graph.nodes:
        if (placed.op_type, placed.input, placed.attribute) == (node.op_type, node.input, node.attribute):
            # Another reader's.
            return str(placed.output[0])
    node.name = node.output[0] = f"{source}_bent{len(graph.nodes)}"
    graph.model.set_tensor_shape(node.name, list(shape_of(graph.model, source)), TensorProto.FLOAT)
    graph.nodes.append(node)
    return str(node.name)


def _bent(chain: Chain, ends: tuple[Fraction, Fraction] | None) -> _Bent | None:
    """A chain as a line of hardware's numbers that have been bent."""
    found: _Bent | None = _Bent((), Line(Fraction(1)))
    for step in chain.steps:
        found = None if found is None else found.then(step)
    return None if found is None else found.of_numbers(ends)


def _is_a_number(end: Fraction) -> bool:
    """Whether a file's attribute holds it."""
    return abs(end) < _FAR and Fraction(float(np.float32(float(end)))) == end


def _ends(graph: WholeGraph, held: Held) -> tuple[Fraction, Fraction] | None:
    """The least and the largest number that hardware holds of what a quantizer wrote; None where that is not known."""
    own = graph.held.get(held.tensor)
    if own is None or own.tensor != held.tensor:
        return None
    grid, lines = grid_of(graph.given, held.tensor), {chain.line for chain in own.chains}
    line = lines.pop()
    if grid is None or lines or line is None or line.factor <= 0 or line.offset:
        return None
    step = grid.step / line.factor
    return step * grid.low, step * grid.high
