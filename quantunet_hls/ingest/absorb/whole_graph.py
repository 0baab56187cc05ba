"""A graph of whole numbers under construction, and what every kind of node needs of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.axes import layouts_of
from quantunet_hls.ingest.scales import Held, Plan
from quantunet_hls.ops.qonnx.graph import copy_of, linked, only, shape_of
from quantunet_hls.ops.qonnx.node_kinds import TRANSPOSE
from quantunet_hls.ops.qonnx.values import IDENTITY, Chain, Line
from quantunet_hls.ops.stages.requantize.steps import Quantizer

__all__ = ["WholeGraph", "line_of", "needs_quantizer"]


class WholeGraph:
    """Made of a graph whose nodes are taken in order.

    Attributes:
        given: that graph.
        model: the one that is made; its tensors and constants, for its nodes come last.
        axes: of each tensor of the image the axis of channels.
        nodes: made so far, some of which nobody may read.
        plans: of those that are still to be fitted.
        port: the quantizers of the image's channels, where their levels come in.
        whole: whether weights have changed that hold the file's own numbers.
        held: what each tensor taken so far is in hardware.
    """

    def __init__(self, model: ModelWrapper):
        self.given = linked(model)
        self.model = copy_of(model)
        self.axes = {name: layout[1] for name, layout in layouts_of(self.given).items()}
        self.nodes: list[NodeProto] = []
        self.plans: list[Plan] = []
        self.port: tuple[Quantizer, ...] | None = None
        self.whole = False
        image = only(model, "input")
        self.held = {image: self.own(image)}

    def own(self, tensor: str) -> Held:
        """A tensor that hardware has as the file has it."""
        return Held(tensor, (IDENTITY,) * self.channels(tensor))

    def channels(self, tensor: str) -> int:
        """How many an image of the given graph has."""
        return shape_of(self.given, tensor)[self.axes[tensor]]

    def is_image(self, tensor: str) -> bool:
        """Whether it is the image behind nothing but Transposes."""
        producer = self.given.find_producer(tensor)
        while producer is not None and producer.op_type == TRANSPOSE.op_type:
            tensor = producer.input[0]
            producer = self.given.find_producer(tensor)
        return tensor == only(self.given, "input")

    def writer(self, tensor: str) -> NodeProto:
        """The node of the given graph that a sum comes from."""
        node = self.given.find_producer(tensor)
        assert node is not None, "nobody adds the image"
        return node

    def settled(self, held: Held) -> Held:
        """With the nodes that hardware computes as they stand in the graph.

        Raises:
            IllegalGraphError: a sum of different scales, which is no number of hardware's.
        """
        if held.addends:
            raise IllegalGraphError(self.writer(held.tensor).name, "it adds numbers of different scales, and no "
                                    "quantizer follows", "put one straight behind it, or share one between both")
        if not held.plain:
            return held
        for node in held.plain:
            if not any(node.output[0] in placed.output for placed in self.nodes):
                self.nodes.append(node)
        return self.own(held.plain[-1].output[0])

    def emitted(self, node: NodeProto, held: Held) -> Held:
        """The node as it stands, which gives the file's own numbers."""
        self.nodes.append(self.reading(node, [held.tensor]))
        return self.own(node.output[0])

    def reading(self, node: NodeProto, images: Sequence[str]) -> NodeProto:
        """A copy of a node that reads these images."""
        placed, left = NodeProto(), list(images)
        placed.CopyFrom(node)
        for index, name in enumerate(node.input):
            if name in self.held and left:
                placed.input[index] = left.pop(0)
        return placed

    def placed(self, node: NodeProto, images: Sequence[str], result: str) -> None:
        """The node between these tensors."""
        placed = self.reading(node, images)
        if result != node.output[0]:
            placed.name = f"{node.name}_{len(self.nodes)}"
            self.model.set_tensor_shape(result, list(shape_of(self.given, node.output[0])), TensorProto.FLOAT)
        placed.output[0] = result
        self.nodes.append(placed)

    def fitted(self, name: str, source: str, result: str, plan: Plan) -> None:
        """A node that is fitted as soon as it is known which numbers come."""
        if self.model.get_tensor_shape(result) is None:
            self.model.set_tensor_shape(result, list(shape_of(self.model, source)), TensorProto.FLOAT)
        self.nodes.append(helper.make_node("Requantize", [source], [result], name=name, plan=len(self.plans)))
        self.plans.append(plan)

    def weights(self, node: NodeProto, values: np.ndarray) -> str:
        """Name of a constant that a node has instead of its weights."""
        name, self.whole = f"{node.output[0]}_whole", True
        self.model.set_initializer(name, values.astype(np.float32))
        return name


def line_of(node: NodeProto, chain: Chain) -> Line:
    """What numbers stand for that a node computes with.

    Raises:
        IllegalGraphError: no linear function of them.
    """
    if chain.line is None:
        raise needs_quantizer(node, "it reads values behind an activation without a quantizer")
    return chain.line


def needs_quantizer(node: NodeProto, rule: str, what: str = "a quantizer") -> IllegalGraphError:
    """For a rule that a quantizer in front of the node mends."""
    return IllegalGraphError(node.name, rule, f"put {what} in front of it")
