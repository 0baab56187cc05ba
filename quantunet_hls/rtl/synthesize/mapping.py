"""Mapping to a part's cells with Yosys: every layer on its own, side by side, each only once.

A layer's result is kept under the hash of its Verilog, of the script and of
Yosys's version, so that a second run, or a run after a kill, maps only what is
missing. The sum of the layers and of the top (FIFOs and forks) is within about
1 % of mapping everything at once, and needs a fraction of the memory.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.core.files import TOOL_BYTES, read_json, sha256_file, sha256_json, write_json, write_text
from quantunet_hls.core.open_tools import run_yosys, yosys_version
from quantunet_hls.core.process import side_by_side
from quantunet_hls.core.workshop import workshop
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.rtl.generate.stitch import Design, depth_of, module_name
from quantunet_hls.rtl.generate.verilog import contents_apart
from quantunet_hls.targets import FAMILIES, CellCount, Family, count_cells
from quantunet_hls.targets.synthesis import CellLibrary, Synthesis
from quantunet_hls.types.fixed import covering

__all__ = ["MappedDesign", "MappedModule", "MappingOptions", "check_fits", "check_memory", "layers_for_ultraram",
           "map_design", "map_module", "mapping_script"]

_log = logging.getLogger(__name__)

#: Mapping a module of a thousand multipliers takes about a minute; beyond this something hangs.
MAPPING_LIMIT_S = 3600.0

#: Blocks of 18 kbit that one UltraRAM block of 288 kbit stands for.
ULTRARAM_BLOCKS = 16

@dataclass(frozen=True)
class MappingOptions:
    """How to map.

    Attributes:
        family: of the part.
        dsp: multipliers may become DSP blocks.
        bram: memories may become memory blocks.
        uram: large memories without initial content may become UltraRAM, of a part that has some.
        attributes: stand in the netlist; some settings of a PLL are such.
    """

    family: Family
    dsp: bool = True
    bram: bool = True
    uram: bool = False
    attributes: bool = False


@dataclass(frozen=True)
class MappedModule:
    """One module's netlist.

    Attributes:
        module: name of the Verilog module.
        cells: how many there are of each type.
        count: the same in the units of the board catalogue.
        seconds: how long the mapping took, when it was done.
        reused: nothing was mapped; the result was there.
        netlist: Verilog of the cells.
        connections: the cells and what connects them, as Yosys's JSON; None for a family of which nothing reads it.
    """

    module: str
    cells: Mapping[str, int]
    count: CellCount
    seconds: float
    reused: bool
    netlist: Path
    connections: Path | None = None


@dataclass(frozen=True)
class MappedDesign:
    """A design mapped layer by layer.

    Attributes:
        layers: by layer name, in the order of the graph; ``top`` has the FIFOs and forks, and ``board`` what is
            around it where a whole board's top was mapped.
        tool_version: of Yosys.
    """

    layers: Mapping[str, MappedModule]
    tool_version: str

    @property
    def total(self) -> CellCount:
        """All modules together."""
        return sum((module.count for module in self.layers.values()), CellCount())


def _synthesis(family: Family) -> Synthesis:
    if family.synthesis is None:
        able = ", ".join(f"{each.vendor} {each.title}" for each in FAMILIES if each.synthesis)
        raise BoardError(f"Yosys can't map to the family {family.name!r} here; choose a part of {able}.")
    return family.synthesis


def mapping_script(module: str, options: MappingOptions, black_boxes: Sequence[str] = (),
                   library: CellLibrary | None = None) -> str:
    """Yosys script that maps ``<module>.v`` of its folder; writes ``<module>.stat.json`` and ``<module>.netlist.v``.

    Args:
        black_boxes: modules of other files of the folder, of which only the ports are read.
        library: what to read instead of Yosys's own library; its files must lie in the folder.

    Raises:
        BoardError: a family that this tool chain can't map.
    """
    return "\n".join([
        f"read_verilog {module}.v",
        *(f"read_verilog -lib {name}.v" for name in black_boxes),
        *_synthesis(options.family).commands(module, dsp=options.dsp, bram=options.bram, uram=options.uram,
                                             library=library),
        f"tee -q -o {module}.stat.json stat -json",
        f"write_verilog {'' if options.attributes else '-noattr '}{module}.netlist.v",
    ]) + "\n"


def map_design(design: Design, options: MappingOptions, cache: Path, *, workers: int | None = None,
               lut_multipliers: Sequence[str] = (), large_memories: Sequence[str] = (),
               progress: Callable[[str, MappedModule], None] | None = None) -> MappedDesign:
    """Map every layer of a design, and the top with the layers as black boxes.

    Args:
        cache: folder in which results are kept by content.
        workers: Yosys processes side by side; two at most unless said otherwise, for each may take gigabytes.
        lut_multipliers: layers whose multipliers are to be made of LUTs whatever ``options.dsp`` says.
        large_memories: layers, ``top`` among them, whose large memories may go to UltraRAM.
        progress: called with each layer's name and result as it is there.

    Raises:
        ConfigurationError: a design with probes, whose top is not what would be built.
        BoardError: a family that can't be mapped.
        ToolNotFoundError, ToolFailedError: Yosys is absent, failed or ran past its limit.
    """
    if design.probed:
        raise ConfigurationError("A design with probes is for simulation; generate it without them to map it.")
    names = {layer.name: module_name(design.graph, layer) for layer in design.graph.layers[1:]}
    jobs: dict[str, tuple[str, MappingOptions, Sequence[str]]] = {}
    for layer, module in names.items():
        jobs[layer] = (module, replace(options, dsp=options.dsp and layer not in lut_multipliers), ())
    jobs["top"] = (design.top, options, list(names.values()))
    for layer in large_memories:
        module, how, boxes = jobs[layer]
        jobs[layer] = (module, replace(how, uram=True), boxes)

    def work(layer: str) -> MappedModule:
        module, how, boxes = jobs[layer]
        result = map_module(module, design.files, how, boxes, cache)
        _log.info("mapped %s%s", layer, " (kept from before)" if result.reused else "")
        if progress is not None:
            progress(layer, result)
        return result

    version = yosys_version()
    # The largest first, so that no worker is left with one at the end; by powers of two, else in their order.
    order = sorted(jobs, key=lambda layer: -design.files[jobs[layer][0]].stat().st_size.bit_length())
    with side_by_side(workers or min(2, os.cpu_count() or 1)) as pool:
        results = dict(zip(order, pool.map(work, order), strict=True))
    return MappedDesign({layer: results[layer] for layer in jobs}, version)


def map_module(module: str, files: Mapping[str, Path], options: MappingOptions, black_boxes: Sequence[str],
               cache: Path) -> MappedModule:
    """Map one module, or find it mapped.

    Args:
        files: Verilog by the name of its module.
        black_boxes: modules in it, mapped by themselves.
        cache: where its netlist is kept, by content.

    Raises:
        BoardError: a family that this tool chain can't map.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    script = mapping_script(module, options, black_boxes)
    # Black boxes matter by their ports alone, which the module's own text shows. What is written
    # besides the netlist is in no key, nor from where the cells are read: what was mapped before stays.
    key = sha256_json([sha256_file(files[module]), script, yosys_version()])
    kept, netlist, cells_json = (cache / f"{module}-{key[:16]}{suffix}" for suffix in (".json", ".v", ".cells.json"))
    connections = cells_json if options.family.delays else None
    if kept.exists() and netlist.exists():
        if connections and not connections.exists():
            _connect(module, netlist, files, options, black_boxes, connections)
        result = read_json(kept)
        return MappedModule(module, result["cells"], count_cells(result["cells"], options.family.cells),
                            result["seconds"], True, netlist, connections)
    library = _synthesis(options.family).library(yosys_version())
    with workshop() as folder:
        own, contents = contents_apart(files[module].read_text(encoding="utf-8"), module)
        boxes = {f"{box}.v": files[box].read_text(encoding="utf-8") for box in black_boxes}
        for source, text in {**boxes, f"{module}.v": own, **contents, **(library.files if library else {})}.items():
            write_text(folder / source, text)
        write_text(folder / "map.ys", mapping_script(module, options, black_boxes, library)
                   + (_connections_script(module) if connections else ""))
        finished = run_yosys(folder / "map.ys", cache / f"{module}.log", MAPPING_LIMIT_S)
        statistics = read_json(folder / f"{module}.stat.json", TOOL_BYTES)
        write_text(netlist, (folder / f"{module}.netlist.v").read_text(encoding="utf-8"))
        if connections:
            _keep_connections(module, folder, connections)
    cells = {cell: number for cell, number in statistics["design"]["num_cells_by_type"].items()
             if not cell.startswith("$") and cell not in black_boxes}
    write_json(kept, {"module": module, "cells": cells, "seconds": finished.seconds})
    return MappedModule(module, cells, count_cells(cells, options.family.cells), finished.seconds, False, netlist,
                        connections)


def _connections_script(module: str) -> str:
    return f"select {module}\nwrite_json -selected {module}.cells.json\n"


def _keep_connections(module: str, folder: Path, path: Path) -> None:
    """Keep of Yosys's JSON the ports and cells, without contents of memories and tables, which are most of it."""
    found = read_json(folder / f"{module}.cells.json", TOOL_BYTES)["modules"][module]
    cells = {name: {"type": cell["type"], "port_directions": cell["port_directions"],
                    "connections": cell["connections"],
                    "parameters": {key: value for key, value in cell["parameters"].items() if "INIT" not in key}}
             for name, cell in found["cells"].items()}
    write_text(path, json.dumps({"modules": {module: {"ports": found["ports"], "cells": cells}}}))


def _connect(module: str, netlist: Path, files: Mapping[str, Path], options: MappingOptions,
             black_boxes: Sequence[str], path: Path) -> None:
    """Make the JSON of a netlist that was kept as Verilog alone."""
    with workshop() as folder:
        for source in black_boxes:
            write_text(folder / f"{source}.v", files[source].read_text(encoding="utf-8"))
        write_text(folder / "netlist.v", netlist.read_text(encoding="utf-8"))
        libraries = (*_synthesis(options.family).ports, *(f"{source}.v" for source in black_boxes))
        write_text(folder / "connect.ys", "".join([*(f"read_verilog -lib {library}\n" for library in libraries),
                                                   "read_verilog netlist.v\n", _connections_script(module)]))
        run_yosys(folder / "connect.ys", path.with_suffix(".log"), MAPPING_LIMIT_S)
        _keep_connections(module, folder, path)


def layers_for_ultraram(mapped: MappedDesign, board: Board) -> list[str]:
    """Layers whose memories should be tried in UltraRAM: none, unless block RAM is short and the board has any.

    UltraRAM holds nothing after configuration (UG573), so a ROM is never one; Yosys
    knows that. Layers with less block RAM than one UltraRAM block holds are left alone.
    """
    have = board.resources
    if not have.uram or have.bram_18k is None or mapped.total.bram_18k <= have.bram_18k:
        return []
    return [layer for layer, module in mapped.layers.items() if module.count.bram_18k >= ULTRARAM_BLOCKS]


def check_memory(graph: StreamGraph, board: Board) -> None:
    """Refuse, before anything is mapped, what a board can't hold whatever the mapping.

    Raises:
        BoardError: weights and FIFOs have more bits than the board's memories together.
    """
    have = board.resources
    if have.bram_18k is None or have.lutram is None:
        return
    bits = sum(depth_of(graph, edge) * source.lanes * source.type.width for edge, source, _ in graph.edges)
    for layer in weighted(graph):
        bits += layer.weights.size * covering(int(layer.weights.min()), int(layer.weights.max()), 0).width
    # A LUT that is memory holds 64 bits (UG574), 16 on the ECP5; LUTs as ROM hold no more.
    room = have.bram_18k * 18 * 1024 + (have.uram or 0) * 288 * 1024 + max(have.lutram, have.lut or 0) * 64
    if bits > room:
        raise BoardError(f"The weights and FIFOs take {bits / 8e6:.1f} MB, but all memories of {board.title} hold "
                         f"{room / 8e6:.1f} MB; choose a smaller network, smaller images or a larger board.")


def check_fits(count: CellCount, board: Board) -> None:
    """Refuse what a board can't hold.

    Raises:
        BoardError: names the resource that is short by most, how many there are and how many it takes.
    """
    needs = {name: value for name, value in asdict(count).items() if name != "carry"}
    shares = {name: need / have for name, need in needs.items()
              if (have := getattr(board.resources, name)) and need > have}
    shares |= {name: float("inf") for name, need in needs.items() if need and getattr(board.resources, name) == 0}
    if shares:
        name = max(shares, key=shares.__getitem__)
        raise BoardError(f"The design takes {needs[name]} {name.upper()}, but {board.title} has "
                         f"{getattr(board.resources, name)}; ask for more cycles a frame or choose a larger board.")
