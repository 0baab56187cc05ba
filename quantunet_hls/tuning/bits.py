"""How many bits a network's weights and accumulators take, and what hls4ml's own inference would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantunet_hls.hls.convert import HlsSettings, convert_layers, layer_config
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.model_graph import read_cpp
from quantunet_hls.ingest.ranges import GraphTypes, infer_types
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, kind_of
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.tuning.requantize import origin_of
from quantunet_hls.types import FixedType, covering

__all__ = ["BitCount", "LayerBits", "count_bits", "hls4ml_bits"]


@dataclass(frozen=True)
class LayerBits:
    """One convolution.

    Attributes:
        weights: how many there are.
        weight_width: of each.
        accumulators: one a filter, as many as there are sums of one pixel.
        accumulator_width: of each.
    """

    weights: int
    weight_width: int
    accumulators: int
    accumulator_width: int


@dataclass(frozen=True)
class BitCount:
    """All convolutions of a network, by node name."""

    layers: Mapping[str, LayerBits]

    @property
    def weight_bits(self) -> int:
        """Width times number, over all weights."""
        return sum(layer.weights * layer.weight_width for layer in self.layers.values())

    @property
    def accumulator_bits(self) -> int:
        """Width times number of filters, over all layers."""
        return sum(layer.accumulators * layer.accumulator_width for layer in self.layers.values())

    @property
    def accumulator_widths(self) -> int:
        """Sum of the layers' accumulator widths, each layer counted once."""
        return sum(layer.accumulator_width for layer in self.layers.values())

    @property
    def total(self) -> int:
        """Weights and accumulators."""
        return self.weight_bits + self.accumulator_bits


def count_bits(graph: HardwareGraph, types: GraphTypes) -> BitCount:
    """The bits of a network with these types; convolutions only, poolings sum next to nothing."""
    layers = {}
    for node in graph.model.graph.node:
        if kind_of(node).weighted:
            kinds = types.layers[node.name]
            assert kinds.weight is not None
            assert kinds.accumulator is not None
            shape = shape_of(graph.model, node.input[1])
            layers[str(node.name)] = LayerBits(int(np.prod(shape)), kinds.weight.width, shape[0],
                                               kinds.accumulator.width)
    return BitCount(layers)


def hls4ml_bits(graph: HardwareGraph) -> BitCount:
    """The bits with the types of the Quant nodes for weights, biases and activations, and hls4ml's inference for sums.

    hls4ml 1.3.0 infers an accumulator from the widths of data, weights and bias and the number of products
    (``hls4ml/model/optimizer/passes/infer_precision.py``); it does not look at the weights' values.
    """
    config = layer_config(graph.model, infer_types(graph.model), {})
    for node in graph.model.graph.node:
        precision = config[node.name]["Precision"]
        if kind_of(node).weighted:
            for index, role in ((1, "weight"), (2, "bias")):
                if len(node.input) > index:
                    precision[role] = str(_stated_type(graph, str(node.name), index))
            precision |= {"accum": "auto", "result": "auto"}
        elif node.op_type not in QUANT_OPS and not _is_unknown(kind_of(node)):
            config[node.name]["Precision"] = {"result": "auto"}
    settings = HlsSettings("inferred", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
    design = read_cpp(convert_layers(graph.model, config, settings, Path("inferred")))
    layers = {}
    for node in graph.model.graph.node:
        if kind_of(node).weighted:
            accumulator = design.by_tensor[node.output[0]].accumulator
            assert accumulator is not None
            shape = shape_of(graph.model, node.input[1])
            width = _stated_type(graph, str(node.name), 1).width
            layers[str(node.name)] = LayerBits(int(np.prod(shape)), width, shape[0], accumulator.width)
    return BitCount(layers)


def _is_unknown(kind: NodeKind) -> bool:
    """Whether hls4ml lacks the layer, so that it infers nothing for it and it keeps what it has."""
    return kind.real or kind.classes or not kind.admitted


def _stated_type(graph: HardwareGraph, name: str, index: int) -> FixedType:
    """What the quantizer of a constant says; for several scales, and without one, the type that covers the values."""
    model = graph.original
    node = model.find_producer(origin_of(graph, name))
    producer = model.find_producer(node.input[index])
    if producer is not None:
        scale, bits = constant(model, producer.input[1]), constant(model, producer.input[3])
        assert scale is not None
        assert bits is not None
        fine, coarse = float(np.log2(scale.min())), float(np.log2(scale.max()))
        return FixedType(int(bits.flat[0]) + int(coarse - fine), -int(fine))
    values = constant(model, node.input[index])
    assert values is not None
    steps, exponent = to_steps(values)
    return covering(int(steps.min()), int(steps.max()), -exponent, signed=True)
