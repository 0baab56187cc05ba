"""Operators that no network may have: what is said of their nodes, and those that onnx is never shown."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import NodeProto

from quantunet_hls.core.errors import IllegalGraphError, together
from quantunet_hls.ingest.passes.fold_constants import FOLDABLE
from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, QUANT_OPS
from quantunet_hls.ops.qonnx.linear import LINEAR_OPS
from quantunet_hls.ops.qonnx.node_kinds import STANDARD, TRANSPOSE, node_kinds
from quantunet_hls.ops.qonnx.refused import REFUSED, Refusal

__all__ = ["check_operators", "unsupported"]

#: Those that onnx 1.21 ends the process for, where their inputs and attributes contradict each other.
_ENDS_THE_PROCESS = frozenset(("MaxRoiPool", "MaxUnpool"))
#: Functions of numbers one by one, which the legality check refuses by what is in front of them and behind.
_ONE_BY_ONE = frozenset((
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Cos", "Cosh", "IsInf", "IsNaN", "Shrink", "Sin",
    "Sinh", "Tan", "ThresholdedRelu", "Xor",
))


def check_operators(nodes: Iterable[NodeProto]) -> None:
    """Refuse operators that nobody has looked at what onnx's shape inference does for malformed nodes of.

    Raises:
        IllegalGraphError: there are some; names the nodes.
    """
    known = (node_kinds().keys() | REFUSED.keys() | FOLDABLE | _ONE_BY_ONE | set(LINEAR_OPS)) - _ENDS_THE_PROCESS
    broken = [unsupported(node) for node in nodes if node.domain in STANDARD and node.op_type not in known]
    if broken:
        raise together(broken)


def unsupported(node: NodeProto) -> IllegalGraphError:
    """What to say of a node of an operator that can't be built."""
    known = {name: kind for name, kind in node_kinds().items() if kind.admitted}
    name = node.name or node.output[0]
    if node.op_type in known:
        owner = "QONNX" if known[node.op_type].domains == QUANT_DOMAINS else "ONNX"
        return IllegalGraphError(name, f"operator {node.op_type} of the domain {node.domain!r} is not ONNX's or "
                                 "QONNX's own", f"use that of {owner}")
    built = sorted(set(known) - {TRANSPOSE.op_type, *QUANT_OPS})
    refusal = REFUSED.get(node.op_type, Refusal("can't be built exactly in hardware",
                                                f"replace it by one of {', '.join(built)}"))
    return IllegalGraphError(name, f"operator {node.op_type} {refusal.rule}", refusal.remedy)
