"""The mapped netlist simulated: a check of the synthesis tool, which is known to have been wrong at times.

The very netlists that the report counts are simulated: that of each layer alone, fed with the beats
that its sources gave in the simulation of the RTL, and then that of the top (FIFOs and forks) in place of
the RTL's. What comes out is compared with what the RTL gave. Every result is kept by content, so that only
what is new is built.

The cells' models are Yosys's own (``cells_sim.v``: LUTs, flip-flops, carry
chains, shift registers, LUT memory, DSP48E1) and, for the cells that it has
only black boxes for, those of :mod:`quantunet_hls.targets` (block RAM, UltraRAM, DSP48E2, and the
ECP5's DP16KD and MULT18X18D), written from the vendors' user guides as far as
our netlists use them. They stop the simulation where a netlist uses more.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.files import write_text
from quantunet_hls.core.open_tools import modules_of, yosys_share
from quantunet_hls.core.process import side_by_side
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.generate.design import Design, module_name
from quantunet_hls.rtl.simulate.harness import PAUSES, Stalls
from quantunet_hls.rtl.simulate.layer_simulation import LayerBench
from quantunet_hls.rtl.simulate.netlist_layers import (
    Compared,
    LayerCheck,
    batches,
    check_layers,
    inputs_of,
    kept,
)
from quantunet_hls.rtl.simulate.verilator import build_simulator
from quantunet_hls.rtl.synthesize.mapping import MappedDesign, MappedModule
from quantunet_hls.targets import FAMILIES, Family
from quantunet_hls.targets.family import CellModels
from quantunet_hls.types.fixed import Stored

__all__ = ["ALL", "LAYER_CELLS", "SAMPLE", "TOTAL_CELLS", "WORK", "Compared", "Extent", "NetlistCheck",
           "cell_models", "check_netlist"]

#: In a sample a module with more cells is left, and so are the last ones when all together have more: a
#: program of 5,600 cells takes g++ some 25 s.
LAYER_CELLS = 4_000
TOTAL_CELLS = 5_000

#: Cells times clocks that a layer's simulation may take: some 40 s (5,600 cells run at 23,000 clocks/s).
WORK = 5_000_000_000


@dataclass(frozen=True)
class Extent:
    """How much is simulated.

    Attributes:
        layer_cells: cells of the largest module.
        total_cells: cells of all modules together.
        work: cells times clocks of a layer; it ends there, however many beats are missing.
    """

    layer_cells: float = LAYER_CELLS
    total_cells: float = TOTAL_CELLS
    work: int = WORK


#: The smallest modules, and every module.
SAMPLE, ALL = Extent(), Extent(math.inf, math.inf)


@dataclass(frozen=True)
class NetlistCheck:
    """What was compared, and what was not.

    Attributes:
        compared: in the order of the graph, the top last.
        left: modules that were not simulated, ``top`` and ``board`` among them.
        cells: cells of the netlists that were simulated.
        all_cells: cells of all netlists.
        all_values: that the RTL's modules gave, those that were not simulated among them.
        own_models: the simulated cells that this package has models of.
    """

    compared: tuple[Compared, ...]
    left: tuple[str, ...]
    cells: int
    all_cells: int
    all_values: int
    own_models: tuple[str, ...]

    @property
    def values(self) -> int:
        """That were compared."""
        return sum(one.values for one in self.compared)


def check_netlist(design: Design, mapped: MappedDesign, family: Family, expected: Mapping[str, Stored], folder: Path,
                  *, extent: Extent = SAMPLE, top: bool = True, stalls: Stalls | None = None,
                  workers: int | None = None,
                  progress: Callable[[str, Compared], None] = lambda name, compared: None) -> NetlistCheck:
    """Simulate netlists and compare with what the RTL gives.

    Args:
        design: without probes, which was mapped.
        mapped: its netlists.
        family: that it was mapped for.
        expected: of every layer what its RTL gives (frames, height, width, channels), the input's frames among them.
        folder: for the results, which are kept there by content.
        extent: how much is simulated.
        top: whether the top's netlist may be, for which a program of the whole design is built.
        stalls: random pauses before and behind each module; :data:`PAUSES` by default.
        workers: modules side by side; as many as there are processors unless said otherwise.
        progress: called with each module's name and result as it is there.

    Raises:
        BoardError: a family without models.
        DeadlockError: the netlist stands still.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed, or a netlist uses a cell as its model can't.
    """
    pauses = stalls or PAUSES
    ours, yosys = _models(family)
    graph = design.graph
    codes = {**expected, **({"top": expected[graph.output.name]} if top else {})}
    # What is around the design on its board takes no part: its stream is a serial line.
    chosen = _chosen(mapped, codes, set(ours) | set(yosys), extent)

    sizes = {name: sum(mapped.layers[name].cells.values()) for name in chosen}
    checks = [_layer_check(graph, name, mapped.layers[name], family, codes, folder / name, pauses,
                           max(extent.work // max(sizes[name], 1), 1)) for name in sorted(chosen) if name != "top"]
    side = workers or os.cpu_count() or 1

    def whole() -> dict[str, Compared]:
        module, place = mapped.layers["top"], folder / "top"
        models = cell_models(family, set(module.cells), place)
        compared = _checked_top(design, module, models, expected, place, pauses)
        progress("top", compared)
        return {"top": compared}

    # The top's program, with all of the RTL in it, takes longest to build.
    jobs: list[Callable[[], dict[str, Compared]]] = [whole] if "top" in chosen else []
    jobs += [partial(check_layers, batch, progress) for batch in batches(checks, sizes, side)]
    found: dict[str, Compared] = {}
    with side_by_side(side) as pool:
        for some in pool.map(lambda job: job(), jobs):
            found |= some
    # One that ended before its first beat has shown nothing.
    found = {name: compared for name, compared in found.items() if compared.values}
    cells = {name: sum(module.cells.values()) for name, module in mapped.layers.items()}
    simulated = {cell for name in found for cell in mapped.layers[name].cells}
    return NetlistCheck(
        tuple(found[name] for name in mapped.layers if name in found),
        tuple(name for name in mapped.layers if name not in found),
        sum(cells[name] for name in found), sum(cells.values()),
        sum(codes[name].size for name in mapped.layers if name in codes),
        tuple(sorted(simulated & set(ours))))


def _chosen(mapped: MappedDesign, modules: Collection[str], modelled: set[str], extent: Extent) -> set[str]:
    """Those of the modules that are small enough, the smallest first, and whose cells all have models."""
    sizes = {name: sum(module.cells.values()) for name, module in mapped.layers.items() if name in modules}
    chosen: set[str] = set()
    for name in sorted(sizes, key=sizes.__getitem__):
        fits = (sizes[name] <= extent.layer_cells
                and sizes[name] + sum(sizes[other] for other in chosen) <= extent.total_cells)
        if fits and set(mapped.layers[name].cells) <= modelled:
            chosen.add(name)
    return chosen


def _layer_check(graph: StreamGraph, name: str, module: MappedModule, family: Family, codes: Mapping[str, Stored],
                 folder: Path, stalls: Stalls, cycle_limit: int) -> LayerCheck:
    layer = graph[name]
    models = cell_models(family, set(module.cells), folder)
    bench = LayerBench(module_name(graph, layer), (module.netlist, *models), layer, tuple(graph.sources_of(layer)))
    return LayerCheck(bench, tuple(codes[source] for source in layer.sources), codes[name], folder, stalls, cycle_limit)


def _checked_top(design: Design, module: MappedModule, models: Sequence[Path], expected: Mapping[str, Stored],
                 folder: Path, stalls: Stalls) -> Compared:
    frames, outputs = expected[design.graph.input.name], expected[design.graph.output.name]
    files = {**design.files, design.top: module.netlist, **{path.name: path for path in models}}

    def simulated() -> Compared:
        # For so few frames a faster program would not make up for what it takes to compile.
        simulator = build_simulator(replace(design, files=files), folder / "program", optimize=False)
        seen = simulator.run(frames, stalls=stalls).outputs
        differing = int(np.count_nonzero(outputs != seen))
        return Compared(None, seen.size, differing, outputs.size)

    inputs = inputs_of(files.values(), {"names": sorted(files)}, [frames, outputs], stalls)
    return kept(folder, inputs, simulated)


def _model_files(family: Family) -> CellModels:
    if family.models is None:
        known = ", ".join(each.name for each in FAMILIES if each.models)
        raise BoardError(f"There are no cell models for the family {family.name!r}; it takes {known}.")
    return family.models


@functools.cache
def _models(family: Family) -> tuple[dict[str, str], dict[str, str]]:
    """A family's models by cell: the package's own, and Yosys's for the other cells.

    Raises:
        BoardError: a family without models.
        ToolNotFoundError: Yosys is absent.
    """
    files = _model_files(family)
    ours = modules_of("\n".join(path.read_text(encoding="utf-8") for path in files.own))
    yosys = modules_of("\n".join((yosys_share() / name).read_text(encoding="utf-8") for name in files.yosys))
    return ours, {name: text for name, text in yosys.items() if name not in ours}


def cell_models(family: Family, cells: set[str], folder: Path) -> list[Path]:
    """Write the simulation models of some cells of a family; returns the files.

    Raises:
        BoardError: a family without models.
        ToolNotFoundError: Yosys is absent.
    """
    _, yosys = _models(family)
    return _write_models(family, _needed(cells, yosys), folder / "models")


def _needed(cells: set[str], models: dict[str, str]) -> dict[str, str]:
    """The models of some cells, with those that are made of others."""
    needed: dict[str, str] = {}
    waiting = [name for name in cells if name in models]
    while waiting:
        name = waiting.pop()
        needed[name] = models[name]
        waiting += [word for word in set(re.findall(r"\w+", models[name])) if word in models and word not in needed]
    return needed


def _write_models(family: Family, yosys: dict[str, str], folder: Path) -> list[Path]:
    """Only what is simulated: Verilator takes seconds for the whole of ``cells_sim.v``."""
    own = _model_files(family).own
    for path in own:
        write_text(folder / path.name, path.read_text(encoding="utf-8"))
    write_text(folder / "yosys_cells.v", "`timescale 1ps / 1ps\n" + "\n".join(yosys[name] for name in sorted(yosys)))
    return [folder / "yosys_cells.v", *(folder / path.name for path in own if path.suffix == ".v")]
