"""Quantizers: levels of what the numbers in front of them stand for."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto, TensorProto

from quantunet_hls.ingest.absorb.moves import check_waiting, for_each
from quantunet_hls.ingest.absorb.whole_graph import WholeGraph, line_of
from quantunet_hls.ingest.scales import Held, Levels, SumLevels, Weighing
from quantunet_hls.ingest.whole_weights import power_of_two
from quantunet_hls.ops.qonnx.graph import set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import is_cast, joint_quantizers_of, limited_by
from quantunet_hls.ops.qonnx.values import scaled
from quantunet_hls.ops.stages.requantize.steps import Quantizer, Rounding
from quantunet_hls.types.fixed import covering

__all__ = ["quantized"]


def quantized(graph: WholeGraph, node: NodeProto, held: Held) -> Held:
    """A quantizer, with whatever waits to be built behind it."""
    curved = kind_of(node).curved
    if curved is not None:
        return _fitted(graph, node, held, _behind_what_waits(node, held, curved(node)))
    if limited_by(graph.given, node) is not None:
        # The one behind is built as both.
        return held
    quantizers = for_each(node, held, joint_quantizers_of(graph.given, node))
    if is_cast(graph.given, node) and held.is_file and not held.waiting:
        return graph.emitted(node, graph.settled(held))
    if graph.is_image(held.tensor):
        return _entered(graph, node, held, quantizers)
    return _fitted(graph, node, held, quantizers)


def _behind_what_waits(node: NodeProto, held: Held, curves: Sequence[Rounding]) -> Sequence[Rounding]:
    """A curve for each channel, where what waits to be built may be built behind it as well."""
    if held.waiting:
        check_waiting(node, held, zeros=not any(curve.level(Fraction(0)) for curve in curves),
                      rises=all(curve.rises for curve in curves))
    return for_each(node, held, curves)


def _fitted(graph: WholeGraph, node: NodeProto, held: Held, quantizers: Sequence[Rounding]) -> Held:
    """Levels of the numbers that come, with whatever waits to be built behind them."""
    power = _common_power(quantizers)
    moved = f"{node.output[0]}_levels" if held.waiting else node.output[0]
    if held.addends:
        _weighed(graph, node, held, moved, (tuple(quantizers), -(power or 0), kind_of(node).gate(node)))
    else:
        graph.fitted(node.name, held.tensor, moved, Levels(
            held.chains, tuple(quantizers), -(power or 0), kind_of(node).gate(node)))
    for place, waiting in enumerate(held.waiting, 1):
        last = place == len(held.waiting)
        result = node.output[0] if last else f"{node.output[0]}_moved{place}"
        graph.placed(waiting, [moved], result)
        moved = result
    if power is not None:
        return graph.own(node.output[0])
    # Where values have moved between channels, these have one scale.
    scales = [quantizer.scale for quantizer in quantizers]
    scales = scales[:1] * graph.channels(node.output[0]) if len(set(scales)) == 1 else scales
    return Held(node.output[0], tuple(map(scaled, scales)))


def _weighed(graph: WholeGraph, node: NodeProto, held: Held, result: str,
             levels: tuple[tuple[Rounding, ...], int, bool]) -> None:
    """Both operands of a sum times whole numbers, the sum of these, and its levels."""
    name, behind = held.tensor, len(graph.plans) + 2
    weighed = [f"{result}_{side}" for side in ("left", "right")]
    for side, tensor, addend in zip(("left", "right"), weighed, held.addends, strict=True):
        graph.fitted(f"{node.name}_{side}", addend.tensor, tensor, Weighing(behind))
    total = f"{result}_sum"
    graph.model.set_tensor_shape(total, list(shape_of(graph.model, weighed[0])), TensorProto.FLOAT)
    adding = NodeProto()
    adding.CopyFrom(graph.writer(name))
    # By the same node, under a name of its own: several quantizers may stand behind it.
    adding.name, adding.input[:], adding.output[:] = f"{adding.name}_{len(graph.plans)}", weighed, [total]
    graph.nodes.append(adding)
    lines = [tuple(line_of(node, chain) for chain in addend.chains) for addend in held.addends]
    graph.fitted(node.name, total, result, SumLevels((lines[0], lines[1]), held.chains, *levels))


def _entered(graph: WholeGraph, node: NodeProto, held: Held, quantizers: Sequence[Quantizer]) -> Held:
    """The image's own quantizer: its levels come in."""
    graph.port = tuple(quantizers)
    kind = covering(min(quantizer.low - quantizer.zero for quantizer in quantizers),
                    max(quantizer.high - quantizer.zero for quantizer in quantizers))
    passing = NodeProto()
    passing.CopyFrom(node)
    for index, value in ((1, 1.0), (2, 0.0), (3, float(kind.width))):
        passing.input[index] = f"{node.output[0]}_{('scale', 'zero', 'bits')[index - 1]}"
        graph.model.set_initializer(passing.input[index], np.array(value, dtype=np.float32))
    for name, mode in (("signed", int(kind.signed)), ("narrow", 0), ("rounding_mode", "ROUND")):
        set_attribute(passing, name, mode)
    passing.input[0] = held.tensor
    graph.nodes.append(passing)
    return Held(node.output[0], tuple(scaled(quantizer.scale) for quantizer in quantizers))


def _common_power(quantizers: Sequence[Rounding]) -> int | None:
    """The power of two that is the scale of them all; None where there is none."""
    scales = {quantizer.scale for quantizer in quantizers}
    return power_of_two(scales.pop()) if len(scales) == 1 else None
