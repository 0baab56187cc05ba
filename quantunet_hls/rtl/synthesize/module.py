"""One module's Verilog to a part's cells with Yosys, once for each content of it and each way to map it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.files import TOOL_BYTES, read_json, sha256_file, sha256_json, write_text
from quantunet_hls.core.open_tools import run_yosys, yosys_version
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.workshop import workshop
from quantunet_hls.rtl.generate.contents import contents_apart
from quantunet_hls.targets.cells import CellCount, count_cells
from quantunet_hls.targets.family import Family
from quantunet_hls.targets.synthesis import CellLibrary

__all__ = ["MappedModule", "MappingOptions", "map_module", "mapping_script"]

#: Mapping a module of a thousand multipliers takes about a minute; beyond this something hangs.
MAPPING_LIMIT_S = 3600.0

#: Netlists that are kept of a module: with and without DSP blocks or UltraRAM, and of what it was before.
_KEPT = 4


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


def mapping_script(module: str, options: MappingOptions, black_boxes: Sequence[str] = (),
                   library: CellLibrary | None = None) -> str:
    """Yosys script that maps ``<module>.v`` of its folder; writes ``<module>.stat.json`` and ``<module>.netlist.v``.

    Args:
        black_boxes: modules of other files of the folder, of which only the ports are read.
        library: what to read instead of Yosys's own library; its files must lie in the folder.
    """
    assert options.family.synthesis is not None, options.family.name
    return "\n".join([
        f"read_verilog {module}.v",
        *(f"read_verilog -lib {name}.v" for name in black_boxes),
        *options.family.synthesis.commands(module, dsp=options.dsp, bram=options.bram, uram=options.uram,
                                           library=library),
        f"tee -q -o {module}.stat.json stat -json",
        f"write_verilog {'' if options.attributes else '-noattr '}{module}.netlist.v",
    ]) + "\n"


def map_module(module: str, files: Mapping[str, Path], options: MappingOptions, black_boxes: Sequence[str],
               cache: Path) -> MappedModule:
    """Map one module, or find it mapped.

    Args:
        files: Verilog by the name of its module.
        options: of a family that Yosys maps.
        black_boxes: modules in it, mapped by themselves.
        cache: folder in which its netlist is kept (:mod:`quantunet_hls.core.store`).

    Raises:
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    version, connected = yosys_version(), bool(options.family.delays)
    assert options.family.synthesis is not None, options.family.name
    library = options.family.synthesis.library(version)
    script = mapping_script(module, options, black_boxes, library) + (_connections_script(module) if connected else "")
    read = dict(library.files) if library else {}
    # Black boxes matter by their ports alone, which the module's own text shows.
    key = key_of({"verilog": sha256_file(files[module]), "script": script, "library": sha256_json(read)}, (__name__,),
                 {"Yosys": version})
    store = Store(cache / "mapped.json", keep=_KEPT)
    netlist, cells = (cache / f"{module}-{key.digest[:16]}{suffix}" for suffix in (".v", ".cells.json"))
    entry = store.find(module, key)
    if entry is None:
        read |= {f"{box}.v": files[box].read_text(encoding="utf-8") for box in black_boxes}
        own, contents = contents_apart(files[module].read_text(encoding="utf-8"), module)
        with workshop() as folder:
            for source, text in {**read, f"{module}.v": own, **contents, "map.ys": script}.items():
                write_text(folder / source, text)
            seconds = run_yosys(folder / "map.ys", cache / f"{module}.log", MAPPING_LIMIT_S).seconds
            statistics = read_json(folder / f"{module}.stat.json", TOOL_BYTES)
            mapped = (folder / f"{module}.netlist.v").read_text(encoding="utf-8")
            write_text(netlist, options.family.synthesis.netlist(mapped))
            if connected:
                _keep_connections(module, folder, cells)
        numbers = {cell: number for cell, number in statistics["design"]["num_cells_by_type"].items()
                   if not cell.startswith("$") and cell not in black_boxes}
        entry = store.put(module, key, [netlist, *([cells] if connected else [])], numbers, seconds)
    return MappedModule(module, entry.value, count_cells(entry.value, options.family.cells), entry.seconds, entry.found,
                        netlist, cells if connected else None)


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
