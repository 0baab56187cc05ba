"""A folding for a number of cycles: the fewest multipliers with which no layer takes longer.

The search for the best cycles on a board is not done here; this only turns one
number into lanes and SIMD for every layer, and sizes the FIFOs so that no
reconvergent path can block.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.folding.schedule import fifo_depths
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer

__all__ = ["cycle_choices", "fewest_cycles", "fold", "folded_layer", "parallel", "with_safe_depths"]

L = TypeVar("L", bound=StreamLayer)


def fold(graph: StreamGraph, cycles: int) -> StreamGraph:
    """Lanes, SIMD and FIFOs such that no frame takes more than ``cycles`` clocks.

    Raises:
        ConfigurationError: some layer can't be that fast; says how fast it can be.
    """
    return with_safe_depths(parallel(graph, cycles))


def parallel(graph: StreamGraph, cycles: int) -> StreamGraph:
    """Lanes and SIMD for every layer so that none takes more than ``cycles`` clocks a frame; FIFOs stay.

    Raises:
        ConfigurationError: some layer can't be that fast; says how fast it can be.
    """
    (port,) = graph.input.foldings()
    folded: dict[str, StreamLayer] = {layer.name: folded_layer(layer, cycles) for layer in graph.inner}
    folded[port.name] = port
    for layer in graph.inner:
        if layer.in_turn:
            for name in layer.sources:
                if folded[name].lanes < folded[layer.name].lanes:
                    folded[name] = folded_layer(graph[name], cycles, folded[layer.name].lanes)
    return graph.with_layers(folded)


def fewest_cycles(graph: StreamGraph) -> int:
    """Clocks a frame of the fastest folding that there is."""
    return max(min(candidate.cycles for candidate in layer.foldings()) for layer in graph.inner)


def cycle_choices(graph: StreamGraph) -> list[int]:
    """All clocks a frame, ascending, at which some layer's folding changes; the last is the slowest design."""
    least = fewest_cycles(graph)
    of_layers = {candidate.cycles for layer in graph.inner for candidate in layer.foldings()}
    return sorted(cycles for cycles in of_layers if cycles >= least)


def with_safe_depths(graph: StreamGraph) -> StreamGraph:
    """The graph with FIFOs deep enough that nothing blocks and no frame takes longer than the slowest layer.

    Two kinds of streams have to hold what comes: those that meet another one, while the other waits; and those
    into and out of an uneven layer (a zero insertion), which reads a row and then none, and has no buffer that
    would keep the unevenness from its source. All others are written and read by units that can be held back, or
    whose line buffers take the unevenness.
    """
    depths = fifo_depths(graph.actors)
    return replace(graph, fifo_depths={
        edge: depths[edge] for edge, source, reader in graph.edges
        if len(reader.sources) > 1 or reader.uneven or source.uneven})


def folded_layer(layer: L, cycles: int, least_lanes: int = 1) -> L:
    """Lanes and SIMD for a layer so that it takes no more than ``cycles`` clocks a frame.

    Args:
        least_lanes: that it must have, whatever its cycles are; where it can't have as many, the most that it can.

    Raises:
        ConfigurationError: it can't be that fast; says how fast it can be.
    """
    foldings = layer.foldings()
    least_lanes = min(least_lanes, max(candidate.lanes for candidate in foldings))
    candidates = [candidate for candidate in foldings if candidate.lanes >= least_lanes]
    fitting = [candidate for candidate in candidates if candidate.cycles <= cycles]
    if not fitting:
        fastest = min(candidate.cycles for candidate in candidates)
        raise ConfigurationError(f"Layer {layer.name!r} takes at least {fastest} cycles a frame, more than the "
                                 f"{cycles} asked for; ask for {fastest} or more.")
    fewest = min(max(candidate.mac_units, 1) for candidate in fitting)
    return min((candidate for candidate in fitting if max(candidate.mac_units, 1) == fewest),
               key=lambda candidate: candidate.bulk)
