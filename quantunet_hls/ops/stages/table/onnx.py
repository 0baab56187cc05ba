"""Functions between two quantizers: for each number that comes the code that the QONNX graph gives in exact arithmetic.

Every entry is proven: bounds of the real number are brought together until the quantizer makes one code of both. A
rational number is its own bounds, so ties are decided, too; where an irrational one stays undecided to 240 digits, the
function is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.bounds import UnboundedError
from quantunet_hls.ops.qonnx.functions import Function, grid_of, leaves_of, of_one_value
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, consumers, only
from quantunet_hls.ops.qonnx.node_kinds import OWN, NodeKind, OnnxNodes, kind_of
from quantunet_hls.ops.qonnx.quantizers import quant_type
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed
from quantunet_hls.ops.stages.table.functions import FUNCTIONS
from quantunet_hls.types.fixed import FixedType, parse_type

__all__ = ["FACET", "MAX_TABLE_BITS", "between_quantizers", "why_no_table"]

#: Widest number that is looked up: a table of it fits a few memory blocks.
MAX_TABLE_BITS = 12

#: Decimal digits that are tried, one after the other, until a number lies on one side of each step of the quantizer.
_DIGITS = (30, 60, 120, 240)


def between_quantizers(model: ModelWrapper, quantizer: NodeProto) -> NodeProto | None:
    """A table in the place of a quantizer and of what stands before it; None where that is no matter of a table.

    It reads what the function reads, and writes what the quantizer writes.
    """
    function = of_one_value(model, quantizer)
    if function is None or not function.needs_table:
        return None
    grid = grid_of(model, function.source)
    written = grid_of(model, quantizer.output[0])
    if grid is None or grid.size > 1 << MAX_TABLE_BITS or written is None or not all(
            _is_power_of_two(each.step) for each in (grid, written)):
        return None
    kind = quant_type(model, quantizer)
    try:
        entries = [_code(model, function, grid.step * number, kind) for number in range(grid.low, grid.high + 1)]
    except UnboundedError:
        return None
    last = function.nodes[-1]
    return helper.make_node(
        "Table", [function.source], [quantizer.output[0]], name=last.name, domain=OWN, first=grid.low,
        fraction=_fraction(grid.step), entries=entries, result=str(kind), probabilities=int(kind_of(last).gate(last)))


def _code(model: ModelWrapper, function: Function, number: Fraction, kind: FixedType) -> int:
    """What the quantizer makes of the function's value at a number.

    Raises:
        UnboundedError: it can't be told.
    """
    for digits in _DIGITS:
        value = function.value(model, number, digits)
        low, high = (_quantized(end, kind) for end in (value.low, value.high))
        if low == high:
            return low
    raise UnboundedError(f"the value at {float(number):g}, which is too near to a step of the quantizer")


def _quantized(value: Fraction, kind: FixedType) -> int:
    steps = value * Fraction(2) ** kind.fraction
    # Python rounds halves to even, as QONNX's ROUND does.
    code = math.floor(steps) if kind.rounding == "TRN" else round(steps)
    return min(max(code, kind.lowest), kind.high)


def _fraction(step: Fraction) -> int:
    """Fraction bits of a power of two."""
    return step.denominator.bit_length() - step.numerator.bit_length()


def _is_power_of_two(number: Fraction) -> bool:
    return number > 0 and Fraction(2) ** -_fraction(number) == number


def why_no_table(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule of nodes that nothing but a table computes: they must be part of one."""
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, f"{node.op_type} can be built only as a table from one quantizer to the "
                                 f"next, and {rule}", remedy)

    reader, quantizers = _readers(model, node)
    if reader is not None:
        return illegal(f"{reader} its result before it is quantized", "put a quantizer behind it")
    leaves, _ = leaves_of(model, node.output[0])
    if len(leaves) != 1:
        return illegal(f"it depends on {len(leaves)} tensors, {', '.join(sorted(leaves))}",
                       "put a quantizer behind what joins them")
    grid = grid_of(model, leaves[0])
    in_front = f"put a quantizer of at most {MAX_TABLE_BITS} bits in front of it"
    if grid is None:
        return illegal(f"no quantizer has rounded {leaves[0]!r}, which it reads", in_front)
    if grid.size > 1 << MAX_TABLE_BITS:
        return illegal(f"what it reads takes {grid.size} values", in_front)
    if all(between_quantizers(model, quantizer) is not None for quantizer in quantizers):
        return None
    return illegal("its value can't be computed for all numbers that come",
                   "give the quantizer in front of it a smaller range")


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
    steps = given.at(-attribute(node, "fraction")) if given.exponent >= -attribute(node, "fraction") else None
    if steps is None or steps.low.min() < first or steps.high.max() >= first + len(entries):
        raise IllegalGraphError(node.name, "what it reads has other values than the quantizer in front of it gives",
                                "put a quantizer straight in front of it")
    ends = [[extreme(entries[low - first: high - first + 1]) for low, high in zip(steps.low, steps.high, strict=True)]
            for extreme in (np.min, np.max)]
    return Range(np.array(ends[0]), np.array(ends[1]), kind.exponent), LayerTypes(kind)


def _real(op_type: str) -> NodeKind:
    run, bounds = FUNCTIONS[op_type]
    two = op_type in ("Sub", "Div", "Min", "Max")
    return NodeKind(op_type, run, rules=(why_no_table,), real=True, joins=two, roles=("operand",), bounds=bounds,
                    # Of its two forms, the one that is no more than 0.5 where what it reads is no more than 0.
                    gate=lambda node: op_type == "HardSigmoid" and attribute(node, "beta", 0.5) == 0.5)


#: What a table stands for, and the table itself.
FACET = OnnxNodes((
    *(_real(op_type) for op_type in FUNCTIONS),
    NodeKind("Table", _run, _ranges, domains=(OWN,), admitted=False, tabulated=True,
             gate=lambda node: bool(attribute(node, "probabilities"))),
))
