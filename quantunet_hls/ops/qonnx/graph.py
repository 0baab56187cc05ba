"""Small questions that the passes ask of a QONNX graph."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

__all__ = ["CHANNELS_LAST", "QUANT_DOMAINS", "QUANT_OPS", "IndexedModel", "LinkedModel", "add_constant", "attribute",
           "constant", "constant_shape", "consumers", "copy_of", "drop_unused", "free_name", "is_constant", "linked",
           "needed_for", "only", "remove_attribute", "replace_nodes", "set_attribute", "shape_of"]

#: Domain in which qonnx and hls4ml look for nodes that work on (batch, height, width, channels).
CHANNELS_LAST = "qonnx.custom_op.channels_last"

#: Domains of QONNX's operators other than those, as files of all ages spell them.
QUANT_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")

#: Op types that quantize a tensor to integers times a scale.
QUANT_OPS = ("Quant", "IntQuant")


class _Places:
    """Where each name stands in one of a graph's lists; looked up anew whenever the list has another length."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._length = -1

    def find(self, entries: Sequence[Any], name: str) -> Any:
        """The first entry of that name, None where there is none."""
        if len(entries) != self._length:
            self._read(entries)
        place = self._places.get(name)
        if place is not None and entries[place].name != name:
            self._read(entries)
            place = self._places.get(name)
        return None if place is None else entries[place]

    def _read(self, entries: Sequence[Any]) -> None:
        self._length = len(entries)
        self._places = {entry.name: self._length - 1 - place for place, entry in enumerate(reversed(entries))}

    def put(self, entries: Any, entry: Any) -> None:
        """In the place of the entry of the same name, or behind all others."""
        old = self.find(entries, entry.name)
        if old is not None:
            old.CopyFrom(entry)
            return
        entries.append(entry)
        self._places[entry.name], self._length = self._length, self._length + 1


class IndexedModel(ModelWrapper):
    """qonnx's wrapper with tables of constants and shapes, where the original searches the graph at every question.

    Whoever renames a constant in place wraps the graph anew.
    """

    def __init__(self, proto: ModelProto):
        # The shape of a constant is its own; qonnx would write it down beside it, searching the graph for each.
        super().__init__(proto, fix_missing_initializer_valueinfo=False)
        self._constants, self._infos = _Places(), _Places()

    def get_initializer(self, tensor_name: str, return_dtype: bool = False) -> Any:
        """Value of a constant, None for another tensor; with its type, the pair of both."""
        entry = self._constants.find(self.graph.initializer, tensor_name)
        value = None if entry is None else numpy_helper.to_array(entry)
        return (value, None if entry is None else entry.data_type) if return_dtype else value

    def constant_shape(self, tensor_name: str) -> tuple[int, ...] | None:
        """Shape of a constant, None for another tensor."""
        entry = self._constants.find(self.graph.initializer, tensor_name)
        return None if entry is None else tuple(entry.dims)

    def set_initializer(self, tensor_name: str, tensor_value: np.ndarray) -> None:
        """Set or replace a constant."""
        entry = numpy_helper.from_array(np.asarray(tensor_value), tensor_name)
        self._constants.put(self.graph.initializer, entry)
        self.set_tensor_shape(tensor_name, entry.dims, entry.data_type)

    def get_tensor_valueinfo(self, tensor_name: str) -> ValueInfoProto | None:
        """What is written down of a tensor."""
        for info in (*self.graph.input, *self.graph.output):
            if info.name == tensor_name:
                return info
        return self._infos.find(self.graph.value_info, tensor_name)

    def get_tensor_shape(self, tensor_name: str, fix_missing_init_shape: bool = False) -> list[int] | None:
        """Shape of a tensor, None where it is not known; 0 for a size that is left open."""
        info = self.get_tensor_valueinfo(tensor_name)
        if info is not None:
            return [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        entry = self._constants.find(self.graph.initializer, tensor_name)
        if entry is None:
            return None
        if fix_missing_init_shape:
            self.set_tensor_shape(tensor_name, entry.dims, entry.data_type)
        return list(entry.dims)

    def set_tensor_shape(self, tensor_name: str, tensor_shape: Sequence[int], dtype: int | None = None) -> None:
        """Write a tensor's shape down; without a type it keeps the one it has, float32 at first."""
        old = self.get_tensor_valueinfo(tensor_name)
        kind = dtype if dtype is not None else TensorProto.FLOAT if old is None else old.type.tensor_type.elem_type
        info = helper.make_tensor_value_info(tensor_name, kind, list(tensor_shape))
        if old is None:
            self._infos.put(self.graph.value_info, info)
        else:
            old.CopyFrom(info)

    def __deepcopy__(self, memo: dict[int, Any]) -> IndexedModel:
        return IndexedModel(copy.deepcopy(self.model, memo))


class LinkedModel(IndexedModel):
    """A graph that stays as it is, with tables of who writes and who reads each tensor."""

    @cached_property
    def _writers(self) -> dict[str, NodeProto]:
        # The first of several writers, as a search finds it.
        return {name: node for node in reversed(self.graph.node) for name in node.output}

    @cached_property
    def _readers(self) -> dict[str, list[NodeProto]]:
        readers = defaultdict(list)
        for node in self.graph.node:
            for name in node.input:
                readers[name].append(node)
        return dict(readers)

    def find_producer(self, tensor_name: str) -> NodeProto | None:
        """The node that writes a tensor."""
        return self._writers.get(tensor_name)

    def find_consumers(self, tensor_name: str) -> list[NodeProto]:
        """Nodes that read a tensor, in graph order; one that reads it twice stands twice."""
        return list(self._readers.get(tensor_name, ()))


def copy_of(model: ModelWrapper) -> IndexedModel:
    """A deep copy, so that a pass never changes what it was given."""
    return IndexedModel(copy.deepcopy(model.model))


def linked(model: ModelWrapper) -> LinkedModel:
    """The same graph, not a copy, for a reader of many links; nobody changes its nodes meanwhile."""
    return model if isinstance(model, LinkedModel) else LinkedModel(model.model)


def needed_for(nodes: Iterable[NodeProto], results: Iterable[str]) -> list[NodeProto]:
    """Those of the nodes that tensors of these names depend on, in the same order."""
    nodes = list(nodes)
    writers = defaultdict(list)
    for place, node in enumerate(nodes):
        for name in node.output:
            writers[name].append(place)
    open_names, needed = list(results), set()
    while open_names:
        for place in writers.pop(open_names.pop(), ()):
            if place not in needed:
                needed.add(place)
                open_names.extend(nodes[place].input)
    return [node for place, node in enumerate(nodes) if place in needed]


def replace_nodes(model: ModelWrapper, nodes: Iterable[NodeProto]) -> None:
    """These nodes in the place of all that the graph has, in one go: taking one out of it searches it."""
    nodes = list(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def drop_unused(model: ModelWrapper) -> None:
    """Constants that no node reads go, and what is written down beside the graph, which nobody asked for."""
    used = {name for node in model.graph.node for name in node.input}
    for entries in (model.graph.initializer, model.graph.value_info):
        produced = {name for node in model.graph.node for name in node.output}
        kept = [entry for entry in entries if entry.name in used or entry.name in produced]
        del entries[:]
        entries.extend(kept)
    del model.graph.quantization_annotation[:]


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """Value of a node's attribute as a plain Python value; texts are decoded."""
    for entry in node.attribute:
        if entry.name == name:
            value = helper.get_attribute_value(entry)
            if isinstance(value, bytes):
                return value.decode(errors="replace")
            return list(value) if not isinstance(value, (int, float, str)) else value
    return default


def set_attribute(node: NodeProto, name: str, value: Any) -> None:
    """Set or replace a node's attribute."""
    for index, entry in enumerate(node.attribute):
        if entry.name == name:
            del node.attribute[index]
            break
    node.attribute.append(helper.make_attribute(name, value))


def remove_attribute(node: NodeProto, name: str) -> None:
    """Take a node's attribute away, where it has it."""
    for entry in [entry for entry in node.attribute if entry.name == name]:
        node.attribute.remove(entry)


def add_constant(model: ModelWrapper, wanted: str, value: np.ndarray) -> str:
    """A new constant, under that name or, where it is taken, one like it; gives the name."""
    name = free_name(model, wanted)
    model.set_initializer(name, value)
    return name


def free_name(model: ModelWrapper, wanted: str) -> str:
    """A name for a new tensor: that one or, where it is taken, one like it.

    Shapes must have been inferred: by them the names of tensors are known.
    """
    name, count = wanted, 0
    while is_constant(model, name) or model.get_tensor_valueinfo(name) is not None:
        count += 1
        name = f"{wanted}{count}"
    return name


def is_constant(model: ModelWrapper, tensor: str) -> bool:
    """Whether the tensor is an initializer."""
    return constant_shape(model, tensor) is not None


def constant_shape(model: ModelWrapper, tensor: str) -> tuple[int, ...] | None:
    """An initializer's shape, None for a tensor that is computed."""
    if isinstance(model, IndexedModel):
        return model.constant_shape(tensor)
    value = model.get_initializer(tensor)
    return None if value is None else np.shape(value)


def constant(model: ModelWrapper, tensor: str) -> np.ndarray | None:
    """An initializer's value as an array, None for a tensor that is computed."""
    value = model.get_initializer(tensor)
    return None if value is None else np.asarray(value)


def consumers(model: ModelWrapper, tensor: str) -> list[NodeProto]:
    """Nodes that read a tensor, in graph order; one that reads it twice stands twice."""
    found: list[NodeProto] = model.find_consumers(tensor)
    return found


def shape_of(model: ModelWrapper, tensor: str) -> tuple[int, ...]:
    """Static shape of a tensor."""
    shape = model.get_tensor_shape(tensor)
    assert shape is not None, f"shape of {tensor} was not inferred"
    return tuple(shape)


def only(model: ModelWrapper, side: str) -> str:
    """Name of the graph's one ``"input"`` or ``"output"`` tensor."""
    tensors = model.graph.input if side == "input" else model.graph.output
    (tensor,) = tensors
    return str(tensor.name)
