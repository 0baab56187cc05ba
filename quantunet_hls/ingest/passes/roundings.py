"""Values rounded to whole steps of a scale and kept within limits, which a pass plans with before they are QONNX's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, add_constant, free_name, shape_of
from quantunet_hls.ops.qonnx.linear import Codes, Window, windows

__all__ = ["Rounding", "joined", "quantizer", "quantizers"]


@dataclass(frozen=True)
class Rounding:
    """A quantizer of an image.

    Attributes:
        name: of its node.
        source: the tensor that it rounds, half to even.
        result: the tensor that it writes.
        steps: which there are, by numbers of steps from 0.
    """

    name: str
    source: str
    result: str
    steps: Codes


def joined(planned: Iterable[NodeProto | Rounding], outputs: Iterable[str]) -> list[NodeProto | Rounding]:
    """Roundings that nobody reads but another one of the same scale are one with it."""
    nodes = list(planned)
    readers = Counter(outputs)
    for node in nodes:
        readers.update([node.source] if isinstance(node, Rounding) else node.input)
    kept: dict[str, NodeProto | Rounding] = {}
    for node in nodes:
        if not isinstance(node, Rounding):
            kept[node.output[0]] = node
            continue
        before = kept.get(node.source)
        if isinstance(before, Rounding) and readers[node.source] == 1 and before.steps.same_values(node.steps):
            del kept[node.source]
            ends = (min(max(end, node.steps.low), node.steps.high) for end in (before.steps.low, before.steps.high))
            low, high = ends
            node = replace(node, source=before.source, steps=replace(node.steps, low=low, high=high))
        kept[node.result] = node
    return list(kept.values())


def quantizers(model: ModelWrapper, rounding: Rounding) -> list[NodeProto]:
    """It as nodes of QONNX; their constants are set in the model."""
    found = windows(rounding.steps.low, rounding.steps.high)
    nodes, source = [], rounding.source
    for number, window in enumerate(found):
        last = number == len(found) - 1
        result = rounding.result if last else free_name(model, f"{rounding.result}_rounded")
        name = rounding.name if last else f"{rounding.name}_rounded{number}"
        nodes.append(quantizer(model, name, (source, result), rounding.steps, window))
        source = result
    return nodes


def quantizer(model: ModelWrapper, name: str, ends: Sequence[str], codes: Codes, window: Window) -> NodeProto:
    """One node of QONNX.

    Args:
        model: gets its constants, and the shape of what it writes.
        name: of the node.
        ends: the tensors that it reads and writes.
        codes: for their scale.
        window: which steps it keeps.
    """
    source, result = ends
    shape = shape_of(model, source)
    numbers = {"scale": codes.spread(codes.scale, len(shape)), "zero": np.float32(window.zero),
               "bits": np.float32(window.bits)}
    constants = [add_constant(model, f"{result}_{role}", np.asarray(value, dtype=np.float32))
                 for role, value in numbers.items()]
    model.set_tensor_shape(result, shape, TensorProto.FLOAT)
    return helper.make_node(
        "Quant", [source, *constants], [result], name=name, domain=QUANT_DOMAINS[0], signed=int(window.signed),
        narrow=int(window.narrow), rounding_mode="ROUND")
