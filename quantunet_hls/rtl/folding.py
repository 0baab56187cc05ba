"""A folding for a number of cycles: the fewest multipliers with which no layer takes longer.

The search for the best cycles on a board is not done here; this only turns one
number into lanes and SIMD for every layer, and sizes the FIFOs so that no
reconvergent path can block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, gcd

from quantunet_hls.errors import ConfigurationError
from quantunet_hls.rtl.graph import (
    BLOCKS,
    Concat,
    Convolution,
    Depthwise,
    Input,
    Layer,
    Pooling,
    StreamGraph,
    Upsample,
)

__all__ = ["fewest_cycles", "fold", "safe_depths", "trimmed_depths"]

#: Rows of the input that every path to a concat may lead by beyond what its windows ask for.
SPARE_ROWS = 2


def fold(graph: StreamGraph, cycles: int) -> StreamGraph:
    """Lanes and SIMD for every layer so that none takes more than ``cycles`` clocks a frame.

    Raises:
        ConfigurationError: some layer can't be that fast; says how fast it can be.
    """
    return with_safe_depths(graph.with_layers({layer.name: _folded(layer, cycles) for layer in graph.layers}))


def fewest_cycles(graph: StreamGraph) -> int:
    """Clocks a frame of the fastest folding that there is."""
    return max(min(candidate.cycles for candidate in _candidates(layer))
               for layer in graph.layers if not isinstance(layer, Input))


def with_safe_depths(graph: StreamGraph) -> StreamGraph:
    """The graph with FIFOs that can't block, whatever the folding."""
    return replace(graph, fifo_depths=safe_depths(graph))


def trimmed_depths(graph: StreamGraph, largest_fill: Mapping[str, int]) -> StreamGraph:
    """The graph with every FIFO as deep as a simulation without stalls saw it filled, two beats at least.

    Frames must have followed each other back to back in that simulation.
    """
    return replace(graph, fifo_depths={edge: max(fill, 2) for edge, fill in largest_fill.items()})


def _folded(layer: Layer, cycles: int) -> Layer:
    if isinstance(layer, Input):
        return replace(layer, lanes=layer.shape.channels)
    candidates = _candidates(layer)
    fitting = [candidate for candidate in candidates if candidate.cycles <= cycles]
    if not fitting:
        fastest = min(candidate.cycles for candidate in candidates)
        raise ConfigurationError(f"Layer {layer.name!r} takes at least {fastest} cycles a frame, more than the "
                                 f"{cycles} asked for; ask for {fastest} or more.")
    return min(fitting, key=lambda candidate: (max(candidate.mac_units, 1), _cost(candidate)))


def _candidates(layer: Layer) -> list[Layer]:
    lanes = _divisors(gcd(*layer.channels) if isinstance(layer, Concat) else layer.shape.channels)
    if isinstance(layer, Convolution):
        return [replace(layer, lanes=pe, simd=simd, multipliers=BLOCKS)
                for pe in lanes for simd in layer.simd_choices]
    return [replace(layer, lanes=count) for count in lanes]


def _cost(layer: Layer) -> float:
    """LUTs beside the multipliers, roughly: accumulators and requantization by PE, buffer and adapters by SIMD.

    The factors are of the order of what Yosys maps for 4-bit weights and 6-bit activations.
    """
    if isinstance(layer, Convolution):
        return layer.lanes * 3.0 * layer.accumulator.width + layer.simd * 2.5 * layer.input_type.width
    return float(layer.lanes)


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def safe_depths(graph: StreamGraph) -> dict[str, int]:
    """Depths that never block: at each concat the earlier path holds all that comes while the later one waits.

    How long a path waits is counted in rows of the network's input, from its
    windows: every window counts as many rows as it needs for its first output,
    which is about twice what it adds to the wait. In small images that may be
    more than a frame.
    """
    waits: dict[str, float] = {}
    rows = graph.input.shape.height
    depths = {}
    for layer in graph.layers:
        waits[layer.name] = max((waits[name] for name in layer.sources), default=0.0) + _rows_waited(layer, rows)
        if isinstance(layer, Concat):
            latest = max(waits[name] for name in layer.sources)
            for name in layer.sources:
                waiting = latest - waits[name] + SPARE_ROWS
                depths[f"{name}->{layer.name}"] = ceil(graph[name].beats * waiting / rows)
    return depths


def _rows_waited(layer: Layer, rows: int) -> float:
    """Rows of the network's input that a layer takes in before its first row comes out, at most."""
    if isinstance(layer, Convolution | Depthwise | Pooling):
        return (layer.window.span[0] - layer.window.padding[0]) * rows / layer.input_shape.height
    if isinstance(layer, Upsample):
        return 1.0 * rows / layer.input_shape.height
    return 0.0
