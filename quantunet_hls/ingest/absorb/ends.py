"""What networks end in: classes, and sigmoids."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from onnx import NodeProto

from quantunet_hls.ingest.absorb.bends import as_lines
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph, line_of, needs_quantizer
from quantunet_hls.ingest.scales import Held, Levels, Ordered, is_identity
from quantunet_hls.ops.qonnx.graph import constant
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.values import IDENTITY
from quantunet_hls.ops.stages.requantize.steps import Quantizer

__all__ = ["ended", "ordered"]

#: What a sigmoid's table tells apart: steps of its index, and what lies beyond has the index of the end.
_INDEX = Quantizer(Fraction(1, 64), 0, -512, 511)


def ended(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """Classes and sigmoids at the end."""
    if kind_of(node).real:
        held = graph.read(node, held)
        if is_identity(held.chains):
            return graph.emitted(node, held)
        index = f"{node.output[0]}_index"
        graph.fitted(f"{node.name}_index", held.tensor, index, Levels(held.chains, (_INDEX,) * len(held.chains), 6))
        return graph.emitted(node, Held(index, (IDENTITY,) * len(held.chains)))
    limit = constant(graph.given, node.input[1]) if len(node.input) > 1 else None
    held = ordered(graph, node, held, None if limit is None else Fraction(float(limit.flat[0])))
    placed = graph.reading(node, [held.tensor])
    if limit is not None and held.plain is None:
        placed.input[1] = f"{node.output[0]}_limit"
        graph.model.set_initializer(placed.input[1], np.zeros(1, dtype=np.float32))
    graph.nodes.append(placed)
    return Held(node.output[0], (IDENTITY,))


def ordered(graph: WholeGraph, node: NodeProto, held: Held, limit: Fraction | None) -> Held:
    """Numbers in the order of the file's; those of a single channel exceed 0 where the file's exceed the limit."""
    held = as_lines(graph, graph.read(node, held))
    if is_identity(held.chains):
        return held
    if not all(line_of(node, chain).factor for chain in held.chains):
        raise needs_quantizer(node, "a channel that it compares is the same for all images")
    result = f"{node.output[0]}_order"
    graph.fitted(f"{node.name}_order", held.tensor, result, Ordered(held.chains, limit))
    return Held(result, held.chains, (), None)
