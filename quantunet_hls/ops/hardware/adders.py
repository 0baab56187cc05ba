"""The adders of :mod:`.adder_graph` in hardware: a matrix of constants times a vector a clock."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import C, Cat, Value

from quantunet_hls.ops.hardware.adder_graph import Adder, adder_graph, node_ranges, sum_bits
from quantunet_hls.ops.hardware.multipliers import Addend, signed_value
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["constant_sums"]


def constant_sums(pipeline: Pipeline, activations: Sequence[Value], matrix: Integers, source: FixedType
                  ) -> list[Addend]:
    """``matrix @ activations`` through registered adders of exact width, all sums in the same clock."""
    graph = adder_graph(matrix)
    ranges, depths = node_ranges(graph, source), graph.depths()
    last = max((depths[term.node] for term in graph.outputs if term), default=0)
    needed = [0] * len(depths)
    for index, adder in enumerate(graph.adders):
        for node in (adder.first, adder.second):
            needed[node] = max(needed[node], depths[graph.inputs + index] - 1)
    for term in graph.outputs:
        if term:
            needed[term.node] = last
    present: dict[int, Value] = dict(enumerate(activations))
    for stage in range(last):
        following = {node: pipeline.register(value) for node, value in present.items() if needed[node] > stage}
        for index, adder in enumerate(graph.adders):
            node = graph.inputs + index
            if depths[node] == stage + 1:
                following[node] = pipeline.register(_added(adder, present, *ranges[node]))
        pipeline.advance()
        present = following
    return [Addend(present[term.node] << term.shift, negative=term.negative) if term else Addend(C(0, 1))
            for term in graph.outputs]


def _added(adder: Adder, present: dict[int, Value], low: int, high: int) -> Value:
    """The adder in as many bits as its sum takes; the bits below the shift pass by."""
    first, second, shift = signed_value(present[adder.first]), present[adder.second], adder.shift
    if len(first) <= shift:
        first = Cat(first, first[-1].replicate(shift + 1 - len(first))).as_signed()
    upper = first[shift:].as_signed()
    total = Cat(first[:shift], upper - second if adder.negative else upper + second)
    bits = total[: sum_bits(low, high)]
    return bits.as_signed() if low < 0 else bits
