"""Scales of any kind leave the graph: hardware holds whole numbers, and every quantizer is a step function of them.

Weights become the integers that their quantizers make of them. What stands behind an
integer accumulator up to the next quantizer (scales, biases, batch normalization,
constants, slopes) is gathered in a chain for every channel, exactly, and becomes one
node ``Requantize`` with the quantizer. What only moves values stays where it is; where
it picks the largest of values that fall as hardware's numbers rise, the quantizer
behind it moves in front.

A part of a network in which all scales are powers of two comes out as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError, together
from quantunet_hls.ingest.axes import layouts_of
from quantunet_hls.ingest.scales import Held, Levels, Ordered, Plan, Scales, SumLevels, Weighing, is_identity
from quantunet_hls.ingest.whole_weights import power_of_two, whole_weights
from quantunet_hls.ops.qonnx.graph import (
    QUANT_OPS,
    attribute,
    constant,
    consumers,
    copy_of,
    linked,
    only,
    replace_nodes,
    set_attribute,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import is_shift, joint_quantizers_of, limited_by, quantizers_of
from quantunet_hls.ops.qonnx.values import IDENTITY, Chain, Line, Step, scaled
from quantunet_hls.ops.stages.requantize.steps import Quantizer
from quantunet_hls.types.fixed import covering

__all__ = ["Absorbed", "absorb_scales"]

#: What a sigmoid's table tells apart: steps of its index, and what lies beyond has the index of the end.
_INDEX = Quantizer(Fraction(1, 64), 0, -512, 511)


@dataclass(frozen=True)
class Absorbed:
    """A graph of whole numbers.

    Attributes:
        model: in the file's layout; the very graph that was given where all of it stays as it was.
        plans: of the nodes that are still to be fitted, by number.
        scales: what its numbers mean.
    """

    model: ModelWrapper
    plans: tuple[Plan, ...] = ()
    scales: Scales = field(default_factory=Scales)


def absorb_scales(model: ModelWrapper, output: str) -> Absorbed:
    """The graph in whole numbers, and what its numbers mean.

    Args:
        model: legal, with explicit attributes.
        output: "mask" where the class of each pixel is to be found behind the result.

    Raises:
        IllegalGraphError: scales meet that no quantizer brings together; names the nodes and where to put one.
    """
    absorbing = _Absorbing(model, output)
    broken = []
    for node in model.graph.node:
        try:
            absorbing.take(node)
        except IllegalGraphError as error:
            broken.append(error)
            absorbing.take_as_mended(node)
    if broken:
        raise together(broken)
    return absorbing.finished()


class _Absorbing:
    """A graph under construction; the nodes of the one that was given are taken in order."""

    def __init__(self, model: ModelWrapper, output: str):
        self.given = linked(model)
        self.model = copy_of(model)
        self.axes = {name: layout[1] for name, layout in layouts_of(self.given).items()}
        self.nodes: list[NodeProto] = []
        self.plans: list[Plan] = []
        self.port: tuple[Quantizer, ...] | None = None
        self.output = output
        #: Whether weights have changed that hold the file's own numbers.
        self.whole = False
        image = only(model, "input")
        self.held = {image: self._own(image)}

    # One node.

    def take(self, node: NodeProto) -> None:
        """A node whose images have been taken."""
        images = [name for name in node.input if name in self.held]
        kind = kind_of(node)
        if not images:
            # Quantizers of constants; the one that nobody reads any more goes in the end.
            self.nodes.append(node)
            return
        held = self.held[images[0]]
        steps = None if kind.steps is None else kind.steps(self.given, node, self.axes[images[0]])
        if node.op_type in QUANT_OPS:
            found = self._quantized(node, held)
        elif steps is not None:
            found = self._bent(node, held, steps)
        elif not kind.alone(node) or (kind.joins and len(images) < len(node.input)):
            raise IllegalGraphError(node.name, f"{node.op_type} is built only of numbers for each channel, or for all",
                                    "use one number a channel")
        elif kind.weighted:
            found = self._convolved(node, held)
        elif kind.looked_up is not None:
            found = self._looked_up(node, held)
        elif kind.joins:
            found = self._joined(node, [self.held[name] for name in images])
        elif not kind.new_values and not kind.blends(node):
            found = self._moved(node, held)
        elif kind.classes or kind.real:
            found = self._ended(node, held)
        elif kind.summed is not None:
            found = self._summed(node, held)
        else:
            found = self._as_file(node, held)
        self.held[node.output[0]] = found

    def take_as_mended(self, node: NodeProto) -> None:
        """A node that can't be built, as if it could and had a power-of-two quantizer behind it."""
        self.held[node.output[0]] = self._own(node.output[0])

    def _quantized(self, node: NodeProto, held: Held) -> Held:
        if limited_by(self.given, node) is not None:
            # The one behind is built as both.
            return held
        own, quantizers = quantizers_of(self.given, node), joint_quantizers_of(self.given, node)
        shift = is_shift(self.given, node) and quantizers == own and len(set(own)) == 1
        quantizers = quantizers * len(held.chains) if len(quantizers) == 1 else quantizers
        if shift and held.is_file and not held.waiting:
            return self._emitted(node, self._settled(held))
        if self._is_image(held.tensor):
            return self._entered(node, held, quantizers)
        power = _common_power(quantizers)
        moved = f"{node.output[0]}_levels" if held.waiting else node.output[0]
        if held.addends:
            self._weighed(node, held, moved, (tuple(quantizers), -(power or 0)))
        else:
            self._fitted(node.name, held.tensor, moved, Levels(held.chains, tuple(quantizers), -(power or 0)))
        for place, waiting in enumerate(held.waiting, 1):
            last = place == len(held.waiting)
            result = node.output[0] if last else f"{node.output[0]}_moved{place}"
            self._placed(waiting, [moved], result)
            moved = result
        if power is not None:
            return Held(node.output[0], (IDENTITY,) * len(held.chains))
        return Held(node.output[0], tuple(scaled(quantizer.scale) for quantizer in quantizers))

    def _weighed(self, node: NodeProto, held: Held, result: str, levels: tuple[tuple[Quantizer, ...], int]) -> None:
        """Both operands of a sum times whole numbers, the sum of these, and its levels."""
        name, behind = held.tensor, len(self.plans) + 2
        weighed = [f"{result}_{side}" for side in ("left", "right")]
        for side, tensor, addend in zip(("left", "right"), weighed, held.addends, strict=True):
            self._fitted(f"{node.name}_{side}", addend.tensor, tensor, Weighing(behind))
        total = f"{result}_sum"
        self.model.set_tensor_shape(total, list(shape_of(self.model, weighed[0])), TensorProto.FLOAT)
        adding = NodeProto()
        adding.CopyFrom(self._writer(name))
        # By the same node, under a name of its own: several quantizers may stand behind it.
        adding.name, adding.input[:], adding.output[:] = f"{adding.name}_{len(self.plans)}", weighed, [total]
        self.nodes.append(adding)
        lines = [tuple(self._line(node, chain) for chain in addend.chains) for addend in held.addends]
        self._fitted(node.name, total, result, SumLevels((lines[0], lines[1]), held.chains, *levels))

    def _writer(self, tensor: str) -> NodeProto:
        node = self.given.find_producer(tensor)
        assert node is not None, "nobody adds the image"
        return node

    def _entered(self, node: NodeProto, held: Held, quantizers: Sequence[Quantizer]) -> Held:
        """The image's own quantizer: its levels come in."""
        self.port = tuple(quantizers)
        kind = covering(min(quantizer.low - quantizer.zero for quantizer in quantizers),
                        max(quantizer.high - quantizer.zero for quantizer in quantizers))
        passing = NodeProto()
        passing.CopyFrom(node)
        for index, value in ((1, 1.0), (2, 0.0), (3, float(kind.width))):
            passing.input[index] = f"{node.output[0]}_{('scale', 'zero', 'bits')[index - 1]}"
            self.model.set_initializer(passing.input[index], np.array(value, dtype=np.float32))
        for name, mode in (("signed", int(kind.signed)), ("narrow", 0), ("rounding_mode", "ROUND")):
            set_attribute(passing, name, mode)
        passing.input[0] = held.tensor
        self.nodes.append(passing)
        return Held(node.output[0], tuple(scaled(quantizer.scale) for quantizer in quantizers))

    def _bent(self, node: NodeProto, held: Held, steps: Sequence[Step]) -> Held:
        """A function of one value: a step more in every channel's chain."""
        each = list(steps) * len(held.chains) if len(steps) == 1 else list(steps)
        if any(kind_of(waiting).zeros for waiting in held.waiting) and any(step.value(Fraction(0)) for step in each):
            raise IllegalGraphError(node.name, f"it makes other numbers of the zeros that {held.waiting[-1].name!r} "
                                    "puts", "put a quantizer between the two")
        if held.waiting and not all(step.rises for step in each):
            raise IllegalGraphError(node.name, f"it turns the order of values round behind {held.waiting[-1].name!r}",
                                    "put a quantizer between the two")
        chains = tuple(chain.then(step) for chain, step in zip(held.chains, each, strict=True))
        # What joins two images has no hardware for an image and a constant.
        alone = kind_of(node).alone(node) and not (
            kind_of(node).joins and any(constant(self.given, name) is not None for name in node.input))
        plain = (*held.plain, node) if held.is_file and held.plain is not None and alone else None
        return replace(held, chains=chains, plain=plain)

    def _moved(self, node: NodeProto, held: Held) -> Held:
        """Values that move, channels in their order."""
        held = held if held.addends else self._settled(held)
        channels = self._channels(node.output[0])
        if channels != len(held.chains):
            if len(set(held.chains)) > 1:
                raise IllegalGraphError(node.name, "it moves values between channels of different scales",
                                        "put a quantizer with one scale in front of it")
            held = replace(held, chains=held.chains[:1] * channels)
        kind = kind_of(node)
        if held.waiting or held.addends or (kind.largest and not all(chain.rises for chain in held.chains)) or (
                # Hardware's 0 has to be the file's; behind the quantizer it is.
                kind.zeros and any(chain.value(Fraction(0)) for chain in held.chains)):
            return replace(held, waiting=(*held.waiting, node), plain=None)
        self._placed(node, [held.tensor], node.output[0])
        return replace(held, tensor=node.output[0], plain=() if is_identity(held.chains) else None)

    def _joined(self, node: NodeProto, parts: Sequence[Held]) -> Held:
        """Channels one after the other, or sums."""
        parts = [self._settled(part) for part in parts]
        for name, part in zip(node.input, parts, strict=True):
            if part.waiting:
                raise IllegalGraphError(node.name, f"its input {name!r} is not quantized", "put a quantizer there")
        chains = tuple(chain for part in parts for chain in part.chains)
        if kind_of(node).product:
            chains = self._multiplied(node, parts)
        elif kind_of(node).new_values:
            each = self._added(node, parts)
            if each is None:
                return Held(node.output[0], (IDENTITY,) * len(parts[0].chains), (), None, tuple(parts))
            chains = each
        self._placed(node, [part.tensor for part in parts], node.output[0])
        return Held(node.output[0], chains, (), () if is_identity(chains) else None)

    def _added(self, node: NodeProto, parts: Sequence[Held]) -> tuple[Chain, ...] | None:
        """What sums stand for; None where the scales of their numbers differ."""
        found = []
        for chains in zip(*(part.chains for part in parts), strict=True):
            lines = [self._line(node, chain) for chain in chains]
            if len({line.factor for line in lines}) > 1:
                return None
            found.append(scaled(lines[0].factor, sum((line.offset for line in lines), Fraction(0))))
        return tuple(found)

    def _multiplied(self, node: NodeProto, parts: Sequence[Held]) -> tuple[Chain, ...]:
        """Products of numbers of any scales; a single channel goes with each of the other's."""
        channels, found = max(len(part.chains) for part in parts), []
        for chains in zip(*(part.chains * (channels // len(part.chains)) for part in parts), strict=True):
            lines = [self._line(node, chain) for chain in chains]
            if any(line.offset for line in lines):
                raise self._needs_quantizer(node, "it multiplies numbers of which none stands for 0")
            found.append(scaled(lines[0].factor * lines[1].factor))
        return tuple(found)

    def _looked_up(self, node: NodeProto, held: Held) -> Held:
        """A table, which takes and gives numbers of any scale."""
        held, looked_up = self._settled(held), kind_of(node).looked_up
        lines = {self._line(node, chain) for chain in held.chains}
        assert looked_up is not None
        found = looked_up(node, lines.pop()) if len(lines) == 1 and not held.waiting else None
        if found is None:
            raise self._needs_quantizer(node, "it reads other numbers than its table has")
        table, factor = found
        self.nodes.append(self._reading(table, [held.tensor]))
        return Held(node.output[0], (scaled(factor),) * self._channels(node.output[0]))

    def _summed(self, node: NodeProto, held: Held) -> Held:
        """Linear functions of the image, such as means."""
        held, kind = self._settled(held), kind_of(node)
        readers = consumers(self.given, node.output[0])
        if is_identity(held.chains) and all(reader.op_type in QUANT_OPS and is_shift(self.given, reader)
                                            for reader in readers):
            return self._emitted(node, held)
        lines = [self._line(node, chain) for chain in held.chains]
        if any(line.offset for line in lines) and any(attribute(node, "pads", [0])):
            raise self._needs_quantizer(node, "it pads numbers of which none stands for 0")
        assert kind.summed is not None
        node_in = self._reading(node, [held.tensor])
        whole = kind.summed(self.model, node_in)
        nodes, multiple = ([node_in], 1) if whole is None else whole
        self.nodes += nodes
        chains = tuple(scaled(line.factor / multiple, line.offset) for line in lines)
        return Held(node.output[0], chains, (), () if is_identity(chains) else None)

    def _convolved(self, node: NodeProto, held: Held) -> Held:
        """Sums of products of whole numbers; scales and bias go on."""
        held = self._settled(held)
        lines = [self._line(node, chain) for chain in held.chains]
        found = whole_weights(self.given, node, lines)
        placed = self._reading(node, [held.tensor])
        if found.changed:
            placed.input[1] = self._constant(node, found.weights)
        self.nodes.append(placed)
        if found.is_file:
            return Held(node.output[0], (IDENTITY,) * len(found.lines))
        del placed.input[2:]
        return Held(node.output[0], tuple(scaled(line.factor, line.offset) for line in found.lines), (), None)

    def _ended(self, node: NodeProto, held: Held) -> Held:
        """Classes and sigmoids at the end."""
        if kind_of(node).real:
            held = self._settled(held)
            if is_identity(held.chains):
                return self._emitted(node, held)
            index = f"{node.output[0]}_index"
            self._fitted(f"{node.name}_index", held.tensor, index, Levels(held.chains, (_INDEX,) * len(held.chains), 6))
            return self._emitted(node, Held(index, (IDENTITY,) * len(held.chains)))
        limit = constant(self.given, node.input[1]) if len(node.input) > 1 else None
        held = self._ordered(node, held, None if limit is None else Fraction(float(limit.flat[0])))
        placed = self._reading(node, [held.tensor])
        if limit is not None and held.plain is None:
            placed.input[1] = f"{node.output[0]}_limit"
            self.model.set_initializer(placed.input[1], np.zeros(1, dtype=np.float32))
        self.nodes.append(placed)
        return Held(node.output[0], (IDENTITY,))

    def _ordered(self, node: NodeProto, held: Held, limit: Fraction | None) -> Held:
        """Numbers in the order of the file's; those of a single channel exceed 0 where the file's exceed the limit."""
        held = self._settled(held)
        if is_identity(held.chains):
            return held
        if not all(self._line(node, chain).factor for chain in held.chains):
            raise self._needs_quantizer(node, "a channel that it compares is the same for all images")
        ordered = f"{node.output[0]}_order"
        self._fitted(f"{node.name}_order", held.tensor, ordered, Ordered(held.chains, limit))
        return Held(ordered, held.chains, (), None)

    def _as_file(self, node: NodeProto, held: Held) -> Held:
        """A node that knows of no scales."""
        held = self._settled(held)
        if not is_identity(held.chains):
            raise self._needs_quantizer(node, f"{node.op_type} reads numbers of a scale that is no power of two",
                                        "a power-of-two quantizer")
        return self._emitted(node, held)

    # What they share.

    def _own(self, tensor: str) -> Held:
        return Held(tensor, (IDENTITY,) * self._channels(tensor))

    def _channels(self, tensor: str) -> int:
        return shape_of(self.given, tensor)[self.axes[tensor]]

    def _is_image(self, tensor: str) -> bool:
        """Whether it is the image behind nothing but Transposes."""
        producer = self.given.find_producer(tensor)
        while producer is not None and producer.op_type == "Transpose":
            tensor = producer.input[0]
            producer = self.given.find_producer(tensor)
        return tensor == only(self.given, "input")

    def _settled(self, held: Held) -> Held:
        """With the nodes that hardware computes as they stand in the graph.

        Raises:
            IllegalGraphError: a sum of different scales, which is no number of hardware's.
        """
        if held.addends:
            raise IllegalGraphError(self._writer(held.tensor).name, "it adds numbers of different scales, and no "
                                    "quantizer follows", "put one straight behind it, or share one between both")
        if not held.plain:
            return held
        for node in held.plain:
            if not any(node.output[0] in placed.output for placed in self.nodes):
                self.nodes.append(node)
        return self._own(held.plain[-1].output[0])

    def _emitted(self, node: NodeProto, held: Held) -> Held:
        """The node as it stands, which gives the file's own numbers."""
        self.nodes.append(self._reading(node, [held.tensor]))
        return self._own(node.output[0])

    def _reading(self, node: NodeProto, images: Sequence[str]) -> NodeProto:
        """A copy of a node that reads these images."""
        placed, left = NodeProto(), list(images)
        placed.CopyFrom(node)
        for index, name in enumerate(node.input):
            if name in self.held and left:
                placed.input[index] = left.pop(0)
        return placed

    def _placed(self, node: NodeProto, images: Sequence[str], result: str) -> None:
        """The node between these tensors."""
        placed = self._reading(node, images)
        if result != node.output[0]:
            placed.name = f"{node.name}_{len(self.nodes)}"
            self.model.set_tensor_shape(result, list(shape_of(self.given, node.output[0])), TensorProto.FLOAT)
        placed.output[0] = result
        self.nodes.append(placed)

    def _fitted(self, name: str, source: str, result: str, plan: Plan) -> None:
        """A node that is fitted as soon as it is known which numbers come."""
        if self.model.get_tensor_shape(result) is None:
            self.model.set_tensor_shape(result, list(shape_of(self.model, source)), TensorProto.FLOAT)
        self.nodes.append(helper.make_node("Requantize", [source], [result], name=name, plan=len(self.plans)))
        self.plans.append(plan)

    def _constant(self, node: NodeProto, values: np.ndarray) -> str:
        name, self.whole = f"{node.output[0]}_whole", True
        self.model.set_initializer(name, values.astype(np.float32))
        return name

    def _line(self, node: NodeProto, chain: Chain) -> Line:
        if chain.line is None:
            raise self._needs_quantizer(node, "it reads values behind an activation without a quantizer")
        return chain.line

    @staticmethod
    def _needs_quantizer(node: NodeProto, rule: str, what: str = "a quantizer") -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, f"put {what} in front of it")

    # The end.

    def finished(self) -> Absorbed:
        """The graph and what its numbers mean."""
        result = only(self.given, "output")
        held, last = self._settled(self.held[result]), self.given.find_producer(result)
        assert last is not None, "the legality check wants a layer"
        if held.waiting or any(chain.line is None for chain in held.chains):
            raise IllegalGraphError(last.name, "the network ends in an activation without a quantizer",
                                    "put one behind it")
        if self.output == "mask" and not kind_of(last).classes:
            held = self._ordered(last, held, Fraction(0) if len(held.chains) == 1 else None)
        tensors = {name: part.chains for name, part in self.held.items()
                   if part.tensor == name and not is_identity(part.chains)}
        nodes = _read_nodes(self.nodes, held.tensor)
        if len(nodes) == len(self.given.graph.node) and not (self.plans or self.port or tensors or self.whole):
            return Absorbed(self.given)
        if held.tensor != result:
            shape, former = shape_of(self.model, held.tensor), shape_of(self.given, result)
            del self.model.graph.output[:]
            if any(result in node.output for node in nodes):
                self.model.set_tensor_shape(result, list(former), TensorProto.FLOAT)
            self.model.graph.output.append(helper.make_tensor_value_info(held.tensor, TensorProto.FLOAT, shape))
        replace_nodes(self.model, nodes)
        # Classes are classes, whatever the numbers behind them.
        output = None if is_identity(held.chains) or self.output == "mask" else held.chains
        return Absorbed(self.model, tuple(self.plans), Scales(self.port, tensors, output, whole=True))


def _read_nodes(nodes: Sequence[NodeProto], result: str) -> list[NodeProto]:
    """Those on whose results the graph's depends."""
    read, kept = {result}, []
    for node in reversed(nodes):
        if not read.isdisjoint(node.output):
            read.update(node.input)
            kept.append(node)
    return kept[::-1]


def _common_power(quantizers: Sequence[Quantizer]) -> int | None:
    """The power of two that is the scale of them all; None where there is none."""
    scales = {quantizer.scale for quantizer in quantizers}
    return power_of_two(scales.pop()) if len(scales) == 1 else None
