"""Which values each tensor can take, by proof: interval arithmetic on the actual weights.

The proofs of the single operators stand in their rooms. Every tensor of a legal
graph holds integers times a power of two. For each channel the smallest and the
largest integer are carried through the graph, from the quantizer behind the input
port on. Nothing is sampled, so the types that :func:`infer_types` derives from the
ranges can't overflow for any image.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import consumers, linked, only, shape_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import quant_type
from quantunet_hls.ops.qonnx.ranges import MAX_WIDTH, LayerTypes, Range, all_values
from quantunet_hls.types.fixed import FixedType

__all__ = ["GraphTypes", "RangeProof", "infer_types"]


@dataclass(frozen=True)
class GraphTypes:
    """Types of a whole graph.

    Attributes:
        image: type of the input port, that of the first quantizer.
        layers: by node name.
        ranges: by tensor name; what the types were derived from.
    """

    image: FixedType
    layers: dict[str, LayerTypes]
    ranges: dict[str, Range]


def infer_types(model: ModelWrapper) -> GraphTypes:
    """A type for every tensor, weight and accumulator of a legal channels-last graph.

    Quantizers keep the type they were trained with. Everything else gets the
    narrowest type that holds each value it can take, poolings each that the type of
    their input can, for they bring values into their accumulator one by one. So does the accumulator of
    a convolution, although a partial sum may lie beyond it: it wraps, sums
    modulo 2**width do not depend on the order of the additions, and the last
    one is in range, so it is what it would be in a wider accumulator.

    Raises:
        IllegalGraphError: a layer's values need more bits than can be counted with exactly.
    """
    model = linked(model)
    proof = RangeProof(model)
    for node in model.graph.node:
        proof.take(node)
    return GraphTypes(proof.port, proof.layers, proof.ranges)


class RangeProof:
    """The proof under way: nodes are taken in order.

    Attributes:
        port: type of the input port.
        ranges: by tensor name, of what has been taken.
        layers: types by node name, likewise.
    """

    def __init__(self, model: ModelWrapper):
        self._model = model
        image = only(model, "input")
        (first,) = consumers(model, image)
        self.port = quant_type(model, first)
        self.ranges = {image: all_values(self.port, shape_of(model, image)[-1])}
        self.layers: dict[str, LayerTypes] = {}
        self._written = {image: self.port}

    def given(self, node: NodeProto) -> list[Range]:
        """What can come to a node whose images have been taken."""
        data, anything = [name for name in node.input if name in self.ranges], kind_of(node).any_input
        return [all_values(self._written[name], len(self.ranges[name].low)) if anything else self.ranges[name]
                for name in data]

    def take(self, node: NodeProto) -> None:
        """Prove one node.

        Raises:
            IllegalGraphError: its values need more bits than can be counted with exactly.
        """
        kind = kind_of(node)
        assert kind.ranges is not None, node.op_type
        try:
            result, types = kind.ranges(self._model, node, self.given(node))
            if max(each.width for each in vars(types).values() if each is not None) > MAX_WIDTH:
                raise OverflowError
        except OverflowError as error:
            raise IllegalGraphError(node.name, f"its values need more than {MAX_WIDTH} bits",
                                    "quantize its input, or bring the scales of its inputs closer together") from error
        if kind.copies:
            # Copies its input and has no arithmetic to narrow it, so hls4ml's kernel takes one type for both.
            types = LayerTypes(self._written[next(name for name in node.input if name in self.ranges)])
        self.ranges[node.output[0]] = result
        self._written[node.output[0]] = types.result
        self.layers[node.name] = types
