"""What types cost on a board: a model simple enough to be said in a few lines, and handed in as a function.

* A multiplier of w-bit weights and a-bit data takes ``w * a + w + a`` LUTs (product and its share of the adder
  tree; Yosys 0.70 maps 4 x 8 bits to about 33 LUTs plus adders), or one DSP block: whatever is the smaller
  share of what the part has.
* An accumulator takes one LUT a bit, for as many filters as work at a time.
* Weights and line buffers take their bits of block RAM and UltraRAM together.

The cost is the sum of these shares of the part. It ranks choices; it is no estimate of a design's resources.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from quantunet_hls.boards import Resources
from quantunet_hls.folding import balanced_reuse
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.facts import convolution_work
from quantunet_hls.ingest.ranges import GraphTypes
from quantunet_hls.ops.qonnx.graph import shape_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["ConvLoad", "Cost", "bit_cost", "board_cost", "loads"]

#: Of a part whose size is not known: a small one's.
_SOME_LUTS, _SOME_DSPS, _SOME_MEMORY = 50_000, 200, 5_000_000
_BRAM_BITS, _URAM_BITS = 18 * 1024, 288 * 1024


@dataclass(frozen=True)
class ConvLoad:
    """What one convolution needs.

    Attributes:
        multipliers: that work at the same time.
        weights: stored numbers.
        filters: sums of one pixel.
        buffered: input values that its line buffer holds.
        weight_width: bits.
        input_width: bits.
        accumulator_width: bits.
    """

    multipliers: int
    weights: int
    filters: int
    buffered: int
    weight_width: int
    input_width: int
    accumulator_width: int


#: From all convolutions to a number, smaller is better.
Cost = Callable[[Sequence[ConvLoad]], float]


def board_cost(resources: Resources) -> Cost:
    """Share of a part, by the model above."""
    luts, dsps = resources.lut or _SOME_LUTS, resources.dsp or _SOME_DSPS
    memory = (resources.bram_18k or 0) * _BRAM_BITS + (resources.uram or 0) * _URAM_BITS or _SOME_MEMORY

    def cost(convolutions: Sequence[ConvLoad]) -> float:
        total = 0.0
        for load in convolutions:
            w, a = load.weight_width, load.input_width
            total += load.multipliers * min((w * a + w + a) / luts, 1 / dsps)
            total += min(load.filters, load.multipliers) * load.accumulator_width / luts
            total += (load.weights * w + load.buffered * a) / memory
        return total

    return cost


def bit_cost(convolutions: Sequence[ConvLoad]) -> float:
    """Bits of all weights and accumulators, whatever the board."""
    return float(sum(load.weights * load.weight_width + load.filters * load.accumulator_width
                     for load in convolutions))


def loads(graph: HardwareGraph, types: GraphTypes, multipliers: int) -> dict[str, ConvLoad]:
    """What each convolution, by its name, needs with these types, folded for so many multipliers as the flow does."""
    work = convolution_work(graph)
    reuse = balanced_reuse(work, multipliers)
    written = {str(node.output[0]): types.layers[node.name].result for node in graph.model.graph.node}
    result = {}
    for node in graph.model.graph.node:
        if not kind_of(node).weighted:
            continue
        layer, kinds = work[node.name], types.layers[node.name]
        assert kinds.weight is not None
        assert kinds.accumulator is not None
        shape = shape_of(graph.model, node.input[1])
        _, _, columns, channels = shape_of(graph.model, node.input[0])
        result[str(node.name)] = ConvLoad(
            layer.inputs * layer.outputs // reuse[node.name], int(np.prod(shape)), layer.outputs,
            (shape[1] - 1) * columns * channels, kinds.weight.width, written[node.input[0]].width,
            kinds.accumulator.width)
    return result
