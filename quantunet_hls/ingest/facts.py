"""What a network costs before anybody builds it: operations, parameters, bits; read off its graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantunet_hls.folding import ConvWork
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, shape_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["NetworkFacts", "convolution_work", "network_facts"]


@dataclass(frozen=True)
class NetworkFacts:
    """Size and precision of a network.

    Attributes:
        macs: multiplications of one frame.
        parameters: weights and biases.
        weight_bits: average width over all weights, by their quantizers.
        activation_bits: average width over all quantized values of one frame, the image included.
    """

    macs: int
    parameters: int
    weight_bits: float
    activation_bits: float


def convolution_work(graph: HardwareGraph) -> dict[str, ConvWork]:
    """What each convolution has to do for one frame, by node name."""
    found = {}
    for node in graph.model.graph.node:
        work = kind_of(node).work
        if work is not None:
            found[str(node.name)] = work(graph.model, node)
    return found


def network_facts(graph: HardwareGraph) -> NetworkFacts:
    """Count a network's operations, parameters and bits."""
    original = graph.original
    weights = weight_bits = values = value_bits = biases = 0
    for node in original.graph.node:
        if kind_of(node).weighted:
            size = int(np.prod(shape_of(original, node.input[1])))
            producer = original.find_producer(node.input[1])
            # A constant that no quantizer made is exact in float32, which is what its file spends on it.
            bits = int(_bits(graph, producer.input[3])) if producer is not None else 32
            weights += size
            weight_bits += size * bits
            if len(node.input) > 2:
                biases += int(np.prod(shape_of(original, node.input[2])))
        elif node.op_type in QUANT_OPS and constant(original, node.input[0]) is None:
            size = int(np.prod(shape_of(original, node.output[0])))
            values += size
            value_bits += size * int(_bits(graph, node.input[3]))
    macs = sum(work.macs for work in convolution_work(graph).values())
    return NetworkFacts(macs, weights + biases, weight_bits / max(weights, 1), value_bits / max(values, 1))


def _bits(graph: HardwareGraph, tensor: str) -> float:
    bits = constant(graph.original, tensor)
    assert bits is not None, "the legality check wants constant widths"
    return float(bits.flat[0])
