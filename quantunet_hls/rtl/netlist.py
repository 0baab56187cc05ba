"""The mapped netlist simulated: a check of the synthesis tool, which is known to have been wrong at times.

The very netlists that the report counts take the place of the RTL in the
simulation: first those of the layers, each seen through the trace behind it,
then that of the top (FIFOs and forks). Gates simulate some hundred times slower
than RTL, so a layer with more cells than a limit stays RTL, and is named.

The cells' models are Yosys's own (``cells_sim.v``: LUTs, flip-flops, carry
chains, shift registers, LUT memory, DSP48E1) and, for the cells that it has
only black boxes for, those in ``cells/`` (block RAM, UltraRAM, DSP48E2, and the
ECP5's DP16KD and MULT18X18D), written from the vendors' user guides as far as
our netlists use them. They stop the simulation where a netlist uses more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np

from quantunet_hls.errors import BoardError
from quantunet_hls.files import write_text
from quantunet_hls.rtl.simulate import Simulation, Stalls, build_simulator
from quantunet_hls.rtl.stitch import Design, module_name
from quantunet_hls.rtl.synthesize import MappedDesign
from quantunet_hls.rtl.verilog import modules_of, yosys_share
from quantunet_hls.types.fixed import Integers

__all__ = ["LAYER_CELLS", "TOTAL_CELLS", "Compared", "NetlistCheck", "cell_models", "check_netlist"]

#: A module with more cells stays RTL, and so do the last ones when all together have more: building a
#: simulation of 15,000 cells takes g++ three minutes.
LAYER_CELLS = 4_000
TOTAL_CELLS = 5_000

#: For each family Yosys's files of models, in its share folder, and our own in ``cells/``.
_MODELS = {
    "xcup": (("xilinx/cells_sim.v",), ("ultrascale.v", "block_ram.vh")),
    "xcu": (("xilinx/cells_sim.v",), ("ultrascale.v", "block_ram.vh")),
    "xc7": (("xilinx/cells_sim.v",), ("series7.v", "block_ram.vh")),
    "ecp5": (("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"), ("ecp5.v",)),
}


@dataclass(frozen=True)
class Compared:
    """A layer whose netlist stood in for its RTL: how many values came out, how many differ from the RTL's.

    ``layer`` is None for the top's netlist, compared at the network's output.
    """

    layer: str | None
    values: int
    differing: int


@dataclass(frozen=True)
class NetlistCheck:
    """What was compared, and what was not.

    Attributes:
        compared: in the order of the graph, the top last.
        left: layers that stayed RTL, ``top`` among them.
        cells: cells of the netlists that were simulated.
        all_cells: cells of all netlists.
        own_models: the simulated cells that this package has models of.
    """

    compared: tuple[Compared, ...]
    left: tuple[str, ...]
    cells: int
    all_cells: int
    own_models: tuple[str, ...]


def check_netlist(design: Design, top: Design, mapped: MappedDesign, family: str, expected: Simulation,
                  frames: Integers, folder: Path, *, layer_cells: int = LAYER_CELLS, total_cells: int = TOTAL_CELLS,
                  stalls: Stalls | None = None) -> NetlistCheck:
    """Simulate netlists in place of the RTL and compare with what the RTL gave for the same frames.

    Args:
        design: with probes.
        top: the same without probes, which was mapped.
        mapped: its netlists.
        family: that it was mapped for.
        expected: the RTL's simulation, traced.
        frames: codes (frames, height, width, channels).
        folder: for the simulation programs.
        layer_cells, total_cells: see :data:`LAYER_CELLS`.
        stalls: random pauses at both ends; none by default.

    Raises:
        BoardError: a family without models.
        DeadlockError: the netlist stands still.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed, or a netlist uses a cell as its model can't.
    """
    stalls = stalls or Stalls()
    ours, yosys = _models(family)
    chosen = _chosen(mapped, set(ours) | set(yosys), layer_cells, total_cells)
    simulated = {cell for name in chosen for cell in mapped.layers[name].cells}
    models = cell_models(family, simulated, folder)
    compared = []
    layers = [layer for layer in design.graph.layers[1:] if layer.name in chosen]
    if layers:
        netlists = {module_name(design.graph, layer): mapped.layers[layer.name].netlist for layer in layers}
        simulation = _simulate(design, netlists, models, folder / "layers", frames, stalls)
        compared = [_compare(layer.name, expected.traces.get(layer.name, expected.outputs),
                             simulation.traces.get(layer.name, simulation.outputs)) for layer in layers]
    if "top" in chosen:
        simulation = _simulate(top, {top.top: mapped.layers["top"].netlist}, models, folder / "top", frames, stalls)
        compared.append(_compare(None, expected.outputs, simulation.outputs))
    cells = {name: sum(module.cells.values()) for name, module in mapped.layers.items()}
    return NetlistCheck(tuple(compared), tuple(name for name in mapped.layers if name not in chosen),
                        sum(cells[name] for name in chosen), sum(cells.values()), tuple(sorted(simulated & set(ours))))


def _chosen(mapped: MappedDesign, modelled: set[str], layer_cells: int, total_cells: int) -> set[str]:
    """The modules that are small enough, the smallest first, and whose cells all have models."""
    sizes = {name: sum(module.cells.values()) for name, module in mapped.layers.items()}
    chosen: set[str] = set()
    for name in sorted(sizes, key=sizes.__getitem__):
        fits = sizes[name] <= layer_cells and sizes[name] + sum(sizes[other] for other in chosen) <= total_cells
        if fits and set(mapped.layers[name].cells) <= modelled:
            chosen.add(name)
    return chosen


def _simulate(design: Design, netlists: dict[str, Path], models: Sequence[Path], folder: Path, frames: Integers,
              stalls: Stalls) -> Simulation:
    files = {**design.files, **netlists, **{path.name: path for path in models}}
    simulator = build_simulator(replace(design, files=files), folder, traced=design.probed)
    return simulator.run(frames, stalls=stalls)


def _compare(layer: str | None, expected: Integers, seen: Integers) -> Compared:
    return Compared(layer, expected.size, int(np.count_nonzero(expected != seen)))


def _models(family: str) -> tuple[dict[str, str], dict[str, str]]:
    """A family's models by cell: the package's own, and Yosys's for the other cells.

    Raises:
        BoardError: a family without models.
        ToolNotFoundError: Yosys is absent.
    """
    if family not in _MODELS:
        raise BoardError(f"There are no cell models for the family {family!r}; it takes {', '.join(_MODELS)}.")
    shared, own = _MODELS[family]
    ours = modules_of("\n".join(_own(name) for name in own))
    yosys = modules_of("\n".join((yosys_share() / name).read_text(encoding="utf-8") for name in shared))
    return ours, {name: text for name, text in yosys.items() if name not in ours}


def cell_models(family: str, cells: set[str], folder: Path) -> list[Path]:
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


def _own(name: str) -> str:
    return resources.files("quantunet_hls.rtl").joinpath("cells", name).read_text(encoding="utf-8")


def _write_models(family: str, yosys: dict[str, str], folder: Path) -> list[Path]:
    """Only what is simulated: Verilator takes seconds for the whole of ``cells_sim.v``."""
    own = _MODELS[family][1]
    for name in own:
        write_text(folder / name, _own(name))
    write_text(folder / "yosys_cells.v", "`timescale 1ps / 1ps\n" + "\n".join(yosys[name] for name in sorted(yosys)))
    return [folder / "yosys_cells.v", *(folder / name for name in own if name.endswith(".v"))]
