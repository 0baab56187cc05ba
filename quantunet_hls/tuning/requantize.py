"""Other quantizers in a QONNX graph: what a choice of types does to the network itself.

A choice of precision is written into the graph, so that whatever reads graphs
(ingest, C-simulation, RTL, reports) sees one network and nothing else has to
know that it was tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest import HardwareGraph, ingest
from quantunet_hls.ingest.whole_weights import power_of_two
from quantunet_hls.ops.qonnx.filters import filters_of, weights_of
from quantunet_hls.ops.qonnx.graph import (
    QUANT_OPS,
    attribute,
    constant,
    consumers,
    copy_of,
    only,
    set_attribute,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import quantizers_of
from quantunet_hls.types import FixedType

__all__ = ["Constants", "Levels", "Requantized", "origin_of", "requantize", "requantize_hardware", "scales_of",
           "stored_constants"]

_DOMAIN = "qonnx.custom_op.general"


@dataclass(frozen=True, eq=False)
class Constants:
    """Weights or biases of a layer, and the type that they are quantized to.

    Attributes:
        type: rounding is to nearest even and beyond its ends it saturates, whatever modes it names.
        values: (filters, rows, columns, channels) or (filters); None for those of the graph, from before
            they were quantized where it has these.
    """

    type: FixedType
    values: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Requantized:
    """What is to change, by the names of the hardware graph's nodes.

    Attributes:
        activations: type of a quantizer.
        weights: of a convolution.
        biases: of a convolution.
        levels: type of a quantizer that keeps its scale, if that is no power of two.
    """

    activations: Mapping[str, FixedType] = field(default_factory=dict)
    weights: Mapping[str, Constants] = field(default_factory=dict)
    biases: Mapping[str, Constants] = field(default_factory=dict)
    levels: Mapping[str, FixedType] = field(default_factory=dict)


def requantize(graph: HardwareGraph, changes: Requantized) -> ModelWrapper:
    """The network in its own layout with other quantizers; :func:`quantunet_hls.ingest.ingest` takes it.

    Names and order of all nodes stay, so that the hardware graph of the result has the same names too.
    """
    model = copy_of(graph.original)
    for name, kind in changes.activations.items():
        _set_quantizer(model, _node(model, origin_of(graph, name)), kind)
    for name, kind in changes.levels.items():
        _set_levels(model, _node(model, origin_of(graph, name)), kind)
    for index, table in ((1, changes.weights), (2, changes.biases)):
        for name, constants in table.items():
            _set_constants(model, _node(model, origin_of(graph, name)), index, constants)
    return model


def requantize_hardware(graph: HardwareGraph, changes: Requantized) -> HardwareGraph:
    """The hardware graph of :func:`requantize`, made in a fraction of the time; its original stays the old one.

    Weights and biases must be given with their values. Where quantizers have become part of tables, all is made anew.
    """
    if changes.activations and any(kind_of(node).tabulated for node in graph.model.graph.node):
        return replace(ingest(requantize(graph, changes)), original=graph.original)
    model = copy_of(graph.model)
    nodes = {str(node.name): node for node in model.graph.node}
    for name, kind in changes.activations.items():
        _set_quantizer(model, nodes[name], kind)
    for index, table in ((1, changes.weights), (2, changes.biases)):
        for name, constants in table.items():
            assert constants.values is not None
            kind = constants.type
            codes = np.rint(np.ldexp(np.asarray(constants.values, np.float64), kind.fraction))
            values = np.ldexp(np.clip(codes, kind.lowest, kind.high), -kind.fraction).astype(np.float32)
            tensor = _fresh(model, f"{name}_{index}") if index == len(nodes[name].input) else nodes[name].input[index]
            model.set_initializer(tensor, values)
            if index == len(nodes[name].input):
                nodes[name].input.append(tensor)
    return replace(graph, model=model)


def origin_of(graph: HardwareGraph, name: str) -> str:
    """The original graph's name of the tensor that a node of the hardware graph writes."""
    (node,) = [node for node in graph.model.graph.node if node.name == name]
    return graph.origins[str(node.output[0])]


@dataclass(frozen=True)
class Levels:
    """A quantizer of the network whose levels hardware has as whole numbers.

    Attributes:
        scale: of its first channel.
        power: whether it is that of all channels and a power of two, its exponent; else None.
        zero: its zero point.
    """

    scale: float
    power: int | None
    zero: int


def scales_of(graph: HardwareGraph, name: str) -> Levels | None:
    """What a node of the hardware graph makes levels of; None where it is no quantizer's, or one that a type says."""
    (node,) = [node for node in graph.model.graph.node if node.name == name]
    source = graph.original.find_producer(graph.origins[str(node.output[0])])
    enters = graph.scales.port is not None and node.input[0] == only(graph.model, "input")
    if source is None or source.op_type not in QUANT_OPS or not (enters or kind_of(node).own_type):
        return None
    quantizers = quantizers_of(graph.original, source)
    scales = {quantizer.scale for quantizer in quantizers}
    return Levels(float(quantizers[0].scale), power_of_two(quantizers[0].scale) if len(scales) == 1 else None,
                  quantizers[0].zero)


def stored_constants(graph: HardwareGraph, name: str, index: int) -> np.ndarray:
    """Weights (index 1) or biases (2) of a convolution from before they were quantized, in the hardware's order."""
    model = graph.original
    node = _node(model, origin_of(graph, name))
    producer = model.find_producer(node.input[index])
    raw = constant(model, producer.input[0] if producer is not None else node.input[index])
    assert raw is not None
    return filters_of(node, raw) if index == 1 else raw


def _node(model: ModelWrapper, tensor: str) -> NodeProto:
    producer = model.find_producer(tensor)
    assert producer is not None
    return producer


def _set_quantizer(model: ModelWrapper, node: NodeProto, kind: FixedType) -> None:
    # Initializers of its own: exporters let quantizers share them.
    for index, role, value in ((1, "scale", 2.0**kind.exponent), (2, "zero", 0.0), (3, "bits", float(kind.width))):
        name = _fresh(model, f"{node.output[0]}_{role}")
        model.set_initializer(name, np.array(value, dtype=np.float32))
        node.input[index] = name
    set_attribute(node, "signed", int(kind.signed))
    set_attribute(node, "narrow", int(kind.saturation == "SAT_SYM"))
    set_attribute(node, "rounding_mode", "FLOOR" if kind.rounding == "TRN" else "ROUND")


def _set_levels(model: ModelWrapper, node: NodeProto, kind: FixedType) -> None:
    """More or fewer levels of the same scale, or of that of the type where it is a power of two."""
    (quantizer, *others) = quantizers_of(model, node)
    if not others and power_of_two(quantizer.scale) is not None:
        scale = _fresh(model, f"{node.output[0]}_scale")
        model.set_initializer(scale, np.array(2.0**kind.exponent, dtype=np.float32))
        node.input[1] = scale
    bits = _fresh(model, f"{node.output[0]}_bits")
    model.set_initializer(bits, np.array(kind.width, dtype=np.float32))
    node.input[3] = bits
    set_attribute(node, "signed", int(kind.signed))
    set_attribute(node, "narrow", int(kind.signed and kind.width > 1 and bool(attribute(node, "narrow", 0))))


def _set_constants(model: ModelWrapper, node: NodeProto, index: int, constants: Constants) -> None:
    role = {1: "weight", 2: "bias"}[index]
    values = constants.values
    if values is not None and index == 1:
        values = weights_of(node, values)
    if index == len(node.input):
        assert values is not None
        node.input.append(_fresh(model, f"{node.output[0]}_{role}"))
        model.set_initializer(node.input[index], values.astype(np.float32))
    producer = model.find_producer(node.input[index])
    shared = producer is None or len(consumers(model, producer.output[0])) > 1
    if shared:
        raw = node.input[index] if producer is None else producer.input[0]
        producer = _insert_quantizer(model, node, index, raw, f"{node.output[0]}_{role}")
    if values is not None:
        name = _fresh(model, f"{node.output[0]}_{role}")
        model.set_initializer(name, np.ascontiguousarray(values, dtype=np.float32))
        producer.input[0] = name
    saturation = "SAT_SYM" if constants.type.saturation == "SAT_SYM" else "SAT"
    kind = constants.type
    _set_quantizer(model, producer, FixedType(kind.width, kind.fraction, kind.signed, "RND_CONV", saturation))


def _insert_quantizer(model: ModelWrapper, node: NodeProto, index: int, raw: str, name: str) -> NodeProto:
    output = _fresh(model, f"{name}_quantized")
    quantizer = helper.make_node("Quant", [raw, "", "", ""], [output], name=_fresh(model, f"{name}_quantizer"),
                                 domain=_DOMAIN, signed=1, narrow=0, rounding_mode="ROUND")
    position = next(place for place, other in enumerate(model.graph.node) if other.output[0] == node.output[0])
    model.graph.node.insert(position, quantizer)
    model.set_tensor_shape(output, list(shape_of(model, raw)))
    node.input[index] = output
    if _DOMAIN not in {entry.domain for entry in model.model.opset_import}:
        model.model.opset_import.add(domain=_DOMAIN, version=1)
    return model.graph.node[position]


def _fresh(model: ModelWrapper, name: str) -> str:
    taken = {entry.name for entry in model.graph.initializer} | {node.name for node in model.graph.node}
    taken |= {tensor for node in model.graph.node for tensor in node.output}
    candidate, count = name, 1
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate
