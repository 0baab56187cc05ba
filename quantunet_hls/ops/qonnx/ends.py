"""What can stand only at a network's end: the rule for it, and steps on the way to its one form."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import consumers, only
from quantunet_hls.ops.qonnx.node_kinds import TRANSPOSE, Rule

__all__ = ["at_the_end", "bypass_source", "lone_source", "state_result"]


def at_the_end(passing: Collection[str] = ()) -> Rule:
    """The rule that nothing follows a node but Transposes and nodes of these op types."""
    passing = (TRANSPOSE.op_type, *passing)

    def rule(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
        end = node
        while len(readers := consumers(model, end.output[0])) == 1 and readers[0].op_type in passing:
            end = readers[0]
        if readers or end.output[0] != only(model, "output"):
            return IllegalGraphError(node.name, f"{node.op_type} can be built only at the network's end",
                                     "use ReLU inside the network")
        return None
    return rule


def lone_source(model: ModelWrapper, node: NodeProto) -> NodeProto | None:
    """The node that writes its first input, where nothing else reads that."""
    source: NodeProto | None = model.find_producer(node.input[0])
    return source if source is not None and len(consumers(model, source.output[0])) == 1 else None


def bypass_source(model: ModelWrapper, node: NodeProto, source: NodeProto) -> None:
    """The node reads what its source reads, and the source goes."""
    node.input[0] = source.input[0]
    model.graph.node.remove(source)


def state_result(model: ModelWrapper, node: NodeProto, shape: Sequence[int], kind: int) -> None:
    """The shape and ONNX type of its result, as ONNX has them, so that the graph can be read again."""
    model.set_tensor_shape(node.output[0], shape, kind)
