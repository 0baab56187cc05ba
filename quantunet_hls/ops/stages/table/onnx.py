"""Functions between two quantizers: for each number that comes the code that the QONNX graph gives in exact arithmetic.

Behind sums, where numbers are too many for a table, a monotone function makes a step function of them with its
quantizer, which is fitted as that of any quantizer is (:mod:`quantunet_hls.ingest.passes.fit_scales`).

Every entry is proven: bounds of the real number are brought together until the quantizer makes one code of both. A
rational number is its own bounds, so ties are decided, too; where an irrational one stays undecided to 240 digits, the
function is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.bounds import UnboundedError
from quantunet_hls.ops.qonnx.constants import constant_is_finite, line_of_constant
from quantunet_hls.ops.qonnx.curves import curves_of, written_down
from quantunet_hls.ops.qonnx.functions import grid_of, leaves_of, of_one_value, straight
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, constant, consumers, only, set_attribute
from quantunet_hls.ops.qonnx.node_kinds import OWN, NodeKind, OnnxNodes, kind_of
from quantunet_hls.ops.qonnx.quantizers import is_shift, quant_type, quantizers_of
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.qonnx.values import Line
from quantunet_hls.ops.stages.table.functions import DIRECTIONS, FUNCTIONS
from quantunet_hls.types.fixed import covering, parse_type

__all__ = ["FACET", "MAX_TABLE_BITS", "behind_sums", "between_quantizers", "why_no_table"]

#: Widest number that is looked up: a table of it fits a few memory blocks.
MAX_TABLE_BITS = 12


def between_quantizers(model: ModelWrapper, quantizer: NodeProto) -> NodeProto | None:
    """A table in the place of a quantizer and of what stands before it; None where that is no matter of a table.

    It reads what the function reads, and writes what the quantizer writes.
    """
    function = of_one_value(model, quantizer)
    if function is None or not function.needs_table:
        return None
    grid, written = grid_of(model, function.source), grid_of(model, quantizer.output[0])
    if grid is None or grid.size > 1 << MAX_TABLE_BITS or written is None:
        return None
    (steps,) = quantizers_of(model, quantizer)
    try:
        entries = [function.level(model, grid.step * number, steps) for number in range(grid.low, grid.high + 1)]
    except UnboundedError:
        return None
    kind = quant_type(model, quantizer) if is_shift(model, quantizer) else covering(
        written.low, written.high, _fraction(written.step))
    last = function.nodes[-1]
    return helper.make_node(
        "Table", [function.source], [quantizer.output[0]], name=last.name, domain=OWN, first=grid.low,
        fraction=_fraction(grid.step), given_step=float(grid.step), step=float(written.step), entries=entries,
        result=str(kind), probabilities=int(kind_of(last).gate(last)))


def behind_sums(model: ModelWrapper, quantizer: NodeProto) -> NodeProto | None:
    """A curve in the place of a quantizer and of what stands before it; None where that is not known to be monotone.

    It reads what the first node behind sums or joins reads, and writes what the quantizer writes.
    """
    function = straight(model, quantizer)
    if function is None or not function.needs_table or any(
            rule(model, quantizer) is not None for rule in kind_of(quantizer).rules):
        return None
    grid = grid_of(model, function.source)
    if grid is not None and grid.size <= 1 << MAX_TABLE_BITS:
        # A table would have each of its values, so one of them can't be computed.
        return None
    try:
        direction = function.direction(model)
    except UnboundedError:
        return None
    last = function.nodes[-1]
    return helper.make_node("Curve", [function.source], [quantizer.output[0]], name=last.name, domain=OWN,
                            function=written_down(model, function), probabilities=int(kind_of(last).gate(last))
                            ) if direction else None


def _fraction(step: Fraction) -> int:
    """Fraction bits of a power of two; 0 for another step, of which hardware has whole numbers."""
    fraction = step.denominator.bit_length() - step.numerator.bit_length()
    return fraction if Fraction(2) ** -fraction == step else 0


def _looked_up(node: NodeProto, line: Line) -> tuple[NodeProto, Fraction] | None:
    """The table for numbers of which each stands for so many of the file's, and the step of what it gives."""
    own = Fraction(attribute(node, "given_step")) / line.factor if line.factor else Fraction(0)
    if line.offset or own <= 0 or Fraction(2) ** -_fraction(own) != own:
        return None
    placed = NodeProto()
    placed.CopyFrom(node)
    set_attribute(placed, "fraction", _fraction(own))
    step = Fraction(attribute(node, "step"))
    return placed, step * Fraction(2) ** parse_type(attribute(node, "result")).fraction


def why_no_table(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule of nodes that nothing but a table computes: they must be part of one."""
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, f"{node.op_type} can be built only as a table from one quantizer to the "
                                 f"next, and {rule}", remedy)

    reader, quantizers = _readers(model, node)
    if reader is not None:
        return illegal(f"{reader} its result before it is quantized", "put a quantizer behind it")
    if quantizers and all(_replaced(model, quantizer) for quantizer in quantizers):
        return None
    leaves, _ = leaves_of(model, node.output[0])
    if len(leaves) != 1 and sum(constant(model, name) is None for name in node.input) > 1:
        return illegal("it joins several images", "join them by Add, Mul or Concat")
    if len(leaves) != 1:
        return illegal(f"it depends on {len(leaves)} tensors, {', '.join(sorted(leaves))}",
                       "put a quantizer behind what joins them")
    grid = grid_of(model, leaves[0])
    in_front = f"put a quantizer of at most {MAX_TABLE_BITS} bits in front of it"
    if grid is None:
        return illegal(f"no quantizer has rounded {leaves[0]!r}, which it reads", in_front)
    if grid.size > 1 << MAX_TABLE_BITS:
        return illegal(f"what it reads takes {grid.size} values", in_front)
    return illegal("it has no value that can be computed at some of the numbers that come",
                   "use powers of 0, 1, 2 ..., divide by nothing that can be 0, or put a quantizer of smaller values "
                   "in front of an exponential")


def _replaced(model: ModelWrapper, quantizer: NodeProto) -> bool:
    return (between_quantizers(model, quantizer) or behind_sums(model, quantizer)) is not None


def _readers(model: ModelWrapper, node: NodeProto) -> tuple[str | None, list[NodeProto]]:
    """Who reads a value before it is quantized, as the beginning of a sentence, and the quantizers that it reaches."""
    left, quantizers = [node.output[0]], []
    while left:
        name = left.pop()
        if name == only(model, "output"):
            return "the network hands out", []
        for reader in consumers(model, name):
            if reader.op_type in QUANT_OPS:
                quantizers.append(reader)
            elif reader.output[0] in leaves_of(model, reader.output[0])[1]:
                left.append(reader.output[0])
            else:
                return f"{reader.name!r} reads", []
    return None, quantizers


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    entries, kind = np.array(attribute(node, "entries"), np.int64), parse_type(attribute(node, "result"))
    steps = np.ldexp(inputs[0], attribute(node, "fraction")).astype(np.int64)
    return np.ldexp(entries[steps - attribute(node, "first")].astype(np.float64), -kind.fraction)


def _ranges(_model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """The least and the largest entry between both ends of what comes, channel by channel."""
    entries, kind = np.array(attribute(node, "entries"), np.int64), parse_type(attribute(node, "result"))
    (given,), first = inputs, attribute(node, "first")
    if given.exponent < -attribute(node, "fraction"):
        raise IllegalGraphError(node.name, "what it reads has other values than the quantizer in front of it gives",
                                "put a quantizer straight in front of it")
    # A pooling in between knows its input's type alone, which may have more numbers than the quantizer gives.
    steps = given.at(-attribute(node, "fraction"))
    places = [np.clip(end - first, 0, len(entries) - 1) for end in (steps.low, steps.high)]
    ends = [[extreme(entries[low: high + 1]) for low, high in zip(*places, strict=True)]
            for extreme in (np.min, np.max)]
    return Range(np.array(ends[0]), np.array(ends[1]), kind.exponent), LayerTypes(kind)


def _has_a_constant_or_a_table(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule of what is a line where one of both is a constant; else nothing but a table computes it."""
    if any(constant(model, name) is not None for name in node.input):
        return constant_is_finite(model, node)
    return why_no_table(model, node)


def _says_probabilities(node: NodeProto) -> bool:
    return bool(attribute(node, "probabilities"))


def _real(op_type: str) -> NodeKind:
    run, bounds = FUNCTIONS[op_type]
    two = op_type in ("Sub", "Div", "Min", "Max")
    line = op_type in ("Sub", "Div")
    return NodeKind(op_type, run, rules=(_has_a_constant_or_a_table if line else why_no_table,), real=True, joins=two,
                    roles=("operand",), bounds=bounds, steps=line_of_constant if line else None, on_sums=line,
                    alone=lambda _node: False, monotone=DIRECTIONS.get(op_type, lambda _node, _constants: 0),
                    # Of its two forms, the one that is no more than 0.5 where what it reads is no more than 0.
                    gate=lambda node: op_type == "HardSigmoid" and attribute(node, "beta", 0.5) == 0.5)


def _run_curve(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """In double precision, by fractions; of one quantizer for all channels."""
    (curve,) = curves_of(attribute(node, "function"))
    distinct, places = np.unique(inputs[0], return_inverse=True)
    levels = np.array([curve.level(Fraction(float(value))) for value in distinct])
    return levels[places].reshape(inputs[0].shape) * float(curve.scale)


#: What a table and a curve stand for, and these themselves.
FACET = OnnxNodes((
    *(_real(op_type) for op_type in FUNCTIONS),
    NodeKind("Table", _run, _ranges, domains=(OWN,), admitted=False, looked_up=_looked_up,
             gate=_says_probabilities),
    NodeKind("Curve", _run_curve, domains=(OWN,), admitted=False, gate=_says_probabilities,
             curved=lambda node: curves_of(attribute(node, "function"))),
))
