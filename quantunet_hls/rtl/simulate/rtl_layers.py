"""The RTL layer by layer: each module alone between what its sources must give, and held up at random.

A program of a whole design grows with the design, and so does the time of a clock of it. Modules by themselves are
built and run one after the other, and what a module gave is kept by content: one whose Verilog, stimuli and tools are
unchanged is not simulated again. What lies between the modules, FIFOs and forks, is in none of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from quantunet_hls.core.process import side_by_side
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.design import Design, module_name
from quantunet_hls.rtl.simulate.harness import PAUSES, DeadlockError
from quantunet_hls.rtl.simulate.layer_simulation import LayerBench
from quantunet_hls.rtl.simulate.netlist_layers import Compared, LayerCheck, batches, check_layers
from quantunet_hls.rtl.simulate.verilator import WORTH_OPTIMIZING
from quantunet_hls.types.fixed import Stored

__all__ = ["check_rtl_layers", "whole_seconds"]

#: CPU seconds that a program of a whole design takes to compile for each multiplier, and for each multiplier and
#: clock. Measured on a depth-3, base-8 U-Net of 661 multipliers (g++ 12.2, -O1): 27 s and 7 s a million clocks.
_COMPILE_S, _CLOCK_S = 0.041, 1.06e-8

#: What a multiplier takes of a compilation, in cells of a netlist, and what a layer takes beside them.
_MULTIPLIER_CELLS, _LAYER_CELLS = 20, 200


def whole_seconds(graph: StreamGraph) -> float:
    """CPU seconds that the simulation of one frame of the whole design is likely to take, compilation included."""
    units = sum(layer.mac_units for layer in graph.layers)
    return units * (_COMPILE_S + graph.cycles * _CLOCK_S)


def check_rtl_layers(design: Design, codes: Mapping[str, Stored], folder: Path, *, limit_s: float | None = None,
                     workers: int | None = None,
                     progress: Callable[[str, Compared], None] = lambda name, compared: None) -> tuple[Compared, ...]:
    """Simulate every layer's module by itself; returns the comparisons in the graph's order.

    Args:
        design: with or without probes.
        codes: of every layer what it must give (frames, height, width, channels), the input's among them.
        folder: for the results, which are kept there by content.
        limit_s: seconds that a module's simulation may take for a frame.
        workers: modules side by side; as many as there are processors unless said otherwise.
        progress: called with each layer's name and result as it is there.

    Raises:
        DeadlockError: a module stands still, or gives less than it must.
        OverTimeError: the simulation of a module ran past its limit.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    graph = design.graph
    frames = len(codes[graph.input.name])
    checks = {layer.name: _check(design, layer, codes, folder, limit_s) for layer in graph.inner}
    sizes = {layer.name: _LAYER_CELLS + _MULTIPLIER_CELLS * layer.mac_units for layer in graph.inner}
    # What optimizing a program takes and saves is the same for a layer as for a design.
    long = {layer.name for layer in graph.inner if _clocks(graph, layer) * frames >= WORTH_OPTIMIZING}
    jobs = [partial(check_layers, batch, progress, optimize=optimize)
            for names, optimize in ((long, True), (set(checks) - long, False))
            for batch in batches([checks[name] for name in sorted(names)], sizes, 1)]
    found: dict[str, Compared] = {}
    with side_by_side(workers or os.cpu_count() or 1) as pool:
        for some in pool.map(lambda job: job(), jobs):
            found |= some
    for name, compared in found.items():
        if compared.values < compared.all_values:
            raise DeadlockError(f"Layer {name!r} alone gave {compared.values} of {compared.all_values} values in "
                                f"{checks[name].cycle_limit} cycles; this is a fault of its hardware, please report it "
                                "with the network.")
    return tuple(found[layer.name] for layer in graph.inner)


def _check(design: Design, layer: StreamLayer, codes: Mapping[str, Stored], folder: Path, limit_s: float | None
           ) -> LayerCheck:
    graph, module = design.graph, module_name(design.graph, layer)
    frames = len(codes[layer.name])
    patience = 1 / (1 - PAUSES.input - PAUSES.output)
    clocks = int((frames + 2) * 4 * patience * _clocks(graph, layer)) + 100_000
    bench = LayerBench(module, (design.files[module],), layer, tuple(graph.sources_of(layer)))
    return LayerCheck(bench, tuple(codes[source] for source in layer.sources), codes[layer.name], folder / layer.name,
                      PAUSES, clocks, None if limit_s is None else limit_s * frames)


def _clocks(graph: StreamGraph, layer: StreamLayer) -> int:
    """Of a frame, where neither side pauses, at least."""
    return max([layer.cycles, *(source.beats for source in graph.sources_of(layer))])

