"""``QuantizeLinear`` and ``DequantizeLinear`` (QDQ and QCDQ files) become QONNX's ``Quant``, with the same values.

qonnx's own conversion (``QCDQToQuant``, 1.0.0) does this for one pair of nodes at a time with symmetric codes. It can't
read int4, absent zero points and one ``QuantizeLinear`` with several readers, computes integer weights with a zero
point modulo 256, takes a ``Clip`` of any range for one of a power of two, changes constants that other nodes share, and
rounds ties the other way where a zero point is odd. So it is not used; tests hold this pass to it where it is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest.passes.roundings import Rounding, joined, quantizer, quantizers
from quantunet_hls.ops.qonnx.graph import (
    add_constant,
    constant,
    consumers,
    copy_of,
    drop_unused,
    free_name,
    is_constant,
    linked,
    replace_nodes,
    set_attribute,
    shape_of,
)
from quantunet_hls.ops.qonnx.linear import (
    INTEGERS,
    LINEAR_OPS,
    QDQ_FORM,
    Codes,
    WrongLinearError,
    around_zero,
    codes_of,
)
from quantunet_hls.ops.qonnx.node_kinds import node_kinds
from quantunet_hls.ops.qonnx.weights import MAX_BITS

__all__ = ["WHY", "linear_quantizers"]

#: Attribute of a node that stays because it can't be read: the rule that it breaks, and the remedy.
WHY = "why_it_stays"

#: Steps beyond those of any code.
_FAR = 1 << 40

#: Nodes of no operator that move values and compute nothing.
_REARRANGING = frozenset(("Dropout", "Identity", "Reshape", "Squeeze", "Unsqueeze"))


def linear_quantizers(model: ModelWrapper) -> ModelWrapper:
    """A tidied graph without ``QuantizeLinear`` and ``DequantizeLinear``, but for those that can't be read.

    On constants: weights and biases go through a ``Quant`` that changes nothing, for it says their scale and width.
    Codes that only move between the two are values that do. A quantizer of values that are whole steps of its own
    already, such as behind a MaxPool, goes, and a ReLU of whole steps is a limit of them.
    """
    if not any(node.op_type in LINEAR_OPS for node in model.graph.node):
        return model
    reader = _Reader(copy_of(model))
    for node in model.graph.node:
        reader.take(node)
    return reader.finished()


@dataclass(frozen=True)
class _Held:
    """A tensor of codes of the file.

    Attributes:
        codes: what they stand for; of constants that no node has quantized, only which there can be.
        source: the tensor that they are quantized from; of constants and codes that were moved, their values.
        name: of the node that quantizes.
        integers: the codes themselves, where they are constant.
        quantized: whether a node says what they stand for.
    """

    codes: Codes
    source: str
    name: str
    integers: np.ndarray | None = None
    quantized: bool = True


class _Reader:
    """A graph under construction; the given one's nodes are taken in their order."""

    def __init__(self, model: ModelWrapper):
        self.model, self.given = model, linked(copy_of(model))
        self.nodes: list[NodeProto | Rounding] = []
        #: Tensors that are codes in the file.
        self.held: dict[str, _Held] = {}
        #: Tensors in whose place another stands.
        self.renamed: dict[str, str] = {}
        #: For tensors of whole steps of a scale which.
        self.steps: dict[str, Codes] = {}
        #: What nodes write that stay.
        self.refused: set[str] = set()
        self.outputs = {tensor.name for tensor in model.graph.output}

    def take(self, given: NodeProto) -> None:
        """Read one node whose inputs have been."""
        node = NodeProto()
        node.CopyFrom(given)
        for index, name in enumerate(node.input):
            node.input[index] = self.renamed.get(name, name)
        try:
            if node.op_type == "QuantizeLinear":
                self._quantized(node)
            elif node.op_type == "DequantizeLinear":
                self._dequantized(node)
            elif self._codes_in(node):
                self._with_codes(node)
            else:
                self._kept(node)
        except WrongLinearError as error:
            for index, name in enumerate(node.input):
                node.input[index] = self._values(name)
            set_attribute(node, WHY, [error.rule, error.remedy])
            self.nodes.append(node)
            self.refused.update(node.output)

    def finished(self) -> ModelWrapper:
        """The graph."""
        planned = joined(self.nodes, self.outputs)
        replace_nodes(self.model, [part for node in planned for part in (
            quantizers(self.model, node) if isinstance(node, Rounding) else [node])])
        drop_unused(self.model)
        return self.model

    # The two, and what stands between them.

    def _quantized(self, node: NodeProto) -> None:
        source = node.input[0]
        if node.output[0] in self.outputs:
            raise WrongLinearError("the network's result are codes", "put a DequantizeLinear behind it")
        codes = codes_of(self.model, node, shape_of(self.model, source))
        values, integers = constant(self.model, source), None
        if values is not None:
            if not np.all(np.isfinite(values)):
                raise WrongLinearError("it quantizes constants that are no finite numbers",
                                       "train the network again from a checkpoint before they appeared")
            # In double precision no quotient of two float32 numbers becomes a tie that is none.
            scale = codes.spread(codes.scale, values.ndim).astype(np.float64)
            # Farther out than any code all are limited alike.
            steps = np.clip(np.rint(values / scale), -float(_FAR), float(_FAR)).astype(np.int64)
            integers = np.clip(steps + codes.spread(codes.zero, values.ndim), codes.low, codes.high)
        elif np.unique(codes.zero).size > 1:
            raise WrongLinearError("its zero point differs from channel to channel", "use one zero point a tensor")
        self.held[node.output[0]] = _Held(codes, source, node.name or node.output[0], integers)

    def _dequantized(self, node: NodeProto) -> None:
        source, result = node.input[0], node.output[0]
        if source in self.refused:
            self.renamed[result] = source
            return
        codes = codes_of(self.model, node, shape_of(self.model, source))
        held = self.held.get(source)
        if held is None:
            integers = constant(self.model, source)
            if integers is None:
                raise WrongLinearError("the codes that it reads come from no QuantizeLinear",
                                       "export the network with an image of float32 and a QuantizeLinear behind it")
            held = _Held(codes, source, node.name or result, integers.astype(np.int64))
        elif not held.quantized:
            held = replace(held, codes=replace(codes, low=held.codes.low, high=held.codes.high), name=node.name)
        elif not held.codes.same_values(codes):
            raise WrongLinearError("its scale or its zero point is another than that of the QuantizeLinear before it",
                                   "give both the same")
        if held.integers is not None:
            self._constant(held, result)
        else:
            self._is(node, self._made(source, result))

    def _with_codes(self, node: NodeProto) -> None:
        if node.op_type == "Clip" and node.input[0] in self.held:
            self._clipped(node)
            return
        every = [self.held.get(name) for name in self._images(node)]
        held = [one for one in every if one is not None]
        if (len(held) < len(every) or any(one.integers is not None for one in held)
                or not _moves(node)
                or any(not one.codes.same_values(held[0].codes) or one.codes.axis is not None for one in held)):
            raise WrongLinearError(f"{node.op_type} computes with codes", QDQ_FORM)
        for index, name in enumerate(node.input):
            node.input[index] = self._values(name)
        result = node.output[0]
        node.output[0] = free_name(self.model, f"{result}_values")
        self._kept(node)
        self.held[result] = _Held(_together([one.codes for one in held]), node.output[0], node.name or result)
        self._state(node.output[0], result)

    def _clipped(self, node: NodeProto) -> None:
        held = self.held[node.input[0]]
        ends = []
        for index, end in ((1, held.codes.low), (2, held.codes.high)):
            name = node.input[index] if len(node.input) > index else ""
            value = np.asarray(end) if not name else constant(self.model, name)
            if value is None or value.size != 1:
                raise WrongLinearError("its limits are computed, not constant", "export the network in eval mode")
            if value.dtype.kind == "f":
                raise WrongLinearError("its limits are no codes", "export the network again")
            ends.append(int(value.reshape(())))
        low, high = max(ends[0], held.codes.low), min(ends[1], held.codes.high)
        if low > high:
            raise WrongLinearError("its limits leave nothing between them", "export the network again")
        self.held[node.output[0]] = replace(
            held, codes=replace(held.codes, low=low, high=high),
            integers=None if held.integers is None else np.clip(held.integers, low, high))

    # What they become.

    def _values(self, tensor: str) -> str:
        """The tensor of values for one of codes that are not constant, any other tensor itself."""
        held = self.held.get(tensor)
        if held is None or held.integers is not None:
            return tensor
        return self._made(tensor, free_name(self.model, f"{tensor}_values"))

    def _made(self, tensor: str, result: str) -> str:
        """The tensor of values for one of codes, under that name where it is not there."""
        held = self.held[tensor]
        steps, known = held.codes.around_zero, self.steps.get(held.source)
        if known is not None and steps.same_values(known) and steps.low <= known.low and known.high <= steps.high:
            return held.source
        self._rounded(held.name, held.source, result, steps)
        self.held[tensor] = replace(held, source=result)
        return result

    def _rounded(self, name: str, source: str, result: str, steps: Codes) -> None:
        self.nodes.append(Rounding(name, source, result, steps))
        self.steps[result] = steps
        self._state(result, source)

    def _constant(self, held: _Held, result: str) -> None:
        """The values of constant codes: behind a quantizer for those who ask for one, else as they are."""
        codes, integers = held.codes, held.integers
        assert integers is not None
        steps = integers - codes.spread(codes.zero, integers.ndim)
        window = around_zero(codes.around_zero.low, codes.around_zero.high)
        if window.bits > MAX_BITS:
            # An int32 bias takes as many bits as it needs.
            window = around_zero(int(steps.min(initial=-1)), int(steps.max(initial=0)))
        values = steps.astype(np.float32) * codes.spread(codes.scale, integers.ndim)
        if window.bits > MAX_BITS or not self._weighs(result):
            self.model.set_initializer(result, values)
            return
        name = add_constant(self.model, f"{result}_values", values)
        self.nodes.append(quantizer(self.model, held.name, (name, result), codes, window))

    def _weighs(self, tensor: str) -> bool:
        """Whether it is nothing but weights or biases."""
        readers = consumers(self.given, tensor)
        return bool(readers) and all(
            (kind := node_kinds().get(reader.op_type)) is not None and kind.weighted
            and tensor not in (reader.input[0], *reader.input[3:]) for reader in readers)

    def _is(self, node: NodeProto, tensor: str) -> None:
        """A node's result is a tensor that is there; only the network's has to have its name."""
        result = node.output[0]
        self.renamed[result] = tensor
        if result in self.outputs and tensor != result:
            self.nodes.append(helper.make_node("Identity", [tensor], [result], name=node.name))

    # The rest.

    def _kept(self, node: NodeProto) -> None:
        """A node as it stands; whole steps that it moves stay such, and those that a ReLU leaves are fewer."""
        steps = self.steps.get(node.input[0]) if node.op_type == "Relu" else None
        if steps is not None and steps.low >= 0:
            self._is(node, node.input[0])
            return
        if steps is not None:
            high = max(steps.high, 0)
            # A limit above what there is takes no second quantizer.
            wide = replace(steps, low=0, high=around_zero(0, high).high)
            self._rounded(node.name, node.input[0], node.output[0], wide)
            self.steps[node.output[0]] = replace(steps, low=0, high=high)
            return
        self.nodes.append(node)
        moved = [self.steps.get(name) for name in self._images(node)]
        known = [codes for codes in moved if codes is not None]
        if (_moves(node) and known and len(known) == len(moved) and all(
                codes.same_values(known[0]) and codes.axis is None for codes in known)):
            self.steps[node.output[0]] = _together(known)

    def _images(self, node: NodeProto) -> Iterator[str]:
        """What it reads but for constants, codes among which count as none."""
        return (name for name in node.input if name and (name in self.held or not is_constant(self.model, name)))

    def _codes_in(self, node: NodeProto) -> bool:
        """Whether it reads codes, of constants too."""
        if node.op_type == "Clip" and node.input[0] not in self.held:
            value, kind = self.model.get_initializer(node.input[0], return_dtype=True)
            if value is not None and kind in INTEGERS:
                codes = Codes(np.ones(1, np.float32), np.zeros(1, np.int64), None, *INTEGERS[kind])
                self.held[node.input[0]] = _Held(codes, node.input[0], node.name, value.astype(np.int64), False)
        return any(name in self.held for name in node.input)

    def _state(self, tensor: str, like: str) -> None:
        self.model.set_tensor_shape(tensor, shape_of(self.model, like), TensorProto.FLOAT)


def _moves(node: NodeProto) -> bool:
    """Whether each of its results is one of the values that it reads, so that it does the same to codes."""
    kind = node_kinds().get(node.op_type)
    if kind is None:
        return node.op_type in _REARRANGING
    return not kind.new_values and not kind.zeros and not kind.blends(node)


def _together(every: list[Codes]) -> Codes:
    """All codes that there are among several that stand for the same values."""
    return replace(every[0], low=min(codes.low for codes in every), high=max(codes.high for codes in every))
