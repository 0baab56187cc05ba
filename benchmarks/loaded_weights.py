"""What it costs to load weights at start-up: LUTs, memory and clock of each layer beside the same with weights in ROM.

Folds a network of the zoo for 294,912 cycles a frame on a board, with weights in ROM and, with the same multipliers,
with weights that are loaded (``--sums any``), and maps both layer by layer with Yosys; the top, which takes the file
in, too. Prints a table in Markdown and writes ``reports/reference/loaded_weights.json`` after each layer; a killed run
goes on where it was::

    python benchmarks/loaded_weights.py

``--layers`` maps as many of the layers with weights, those with the most weights first; the rest of the network is
the same either way.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mapped_tables import REFERENCES, markdown

from quantunet_hls.boards import load
from quantunet_hls.core.files import TOOL_BYTES, read_json, write_json
from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.rtl.fold.multipliers import candidates, choose_multipliers, in_fabric
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.fold.storage import widths_for
from quantunet_hls.rtl.generate.design import Design, module_name
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.synthesize.module import MappingOptions, map_module
from quantunet_hls.rtl.synthesize.timing import Netlist, cell_delays, longest_path
from quantunet_hls.rtl.weights_file import data_words
from quantunet_hls.targets import Family

REFERENCE = REFERENCES / "loaded_weights.json"
CYCLES = 294_912
RESOURCES = ("lut", "ff", "lutram", "dsp", "bram_18k", "uram")


def measured(design: Design, name: str, family: Family, folder: Path) -> dict[str, Any]:
    """Resources and clock of one module; ``top`` is the top."""
    graph = design.graph
    module = design.top if name == "top" else module_name(graph, graph[name])
    boxes = [module_name(graph, layer) for layer in graph.inner] if name == "top" else []
    options = MappingOptions(family, dsp=name not in in_fabric(graph))
    mapped = map_module(module, design.files, options, boxes, folder)
    found = {each: getattr(mapped.count, each) for each in RESOURCES}
    if name == "top" or mapped.connections is None or family.delays is None:
        return {**found, "clock_ns": None}
    netlist = Netlist.from_yosys(module, read_json(mapped.connections, TOOL_BYTES)["modules"][module])
    return {**found, "clock_ns": longest_path(netlist, cell_delays(family.delays.file)).ns}


def loaded(graph: StreamGraph, family: Family) -> StreamGraph:
    """The same with all weights loaded, with the multipliers that it has."""
    changed = {}
    for layer in weighted(graph):
        made = layer.loaded_as(widths_for(layer, any_weights=True, leaves=layer is graph.output))
        changed[layer.name] = replace(made, multipliers=next(
            choice for choice in candidates(made, family) if str(choice) == str(layer.multipliers)))
    return graph.with_layers(changed)


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Markdown."""
    return markdown(["module", "weights", "LUT", "FF", "LUTRAM", "DSP", "BRAM18", "clock"],
                    ([name, form, *(str(found[each]) for each in RESOURCES[:-1]), str(found["clock_ns"])]
                     for name, forms in rows.items() for form, found in forms.items()))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="brain_tumor_w4a6_b8d3")
    parser.add_argument("--board", default="zcu104")
    parser.add_argument("--layers", type=int, default=99)
    parser.add_argument("--work", type=Path, default=Path("loaded_weights"), help="folder for what was mapped")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    board = load(chosen.board)
    folded = fold(stream_graph(chosen.model, board), CYCLES)
    rom = choose_multipliers(folded, board)
    designs = {form: generate(replace(graph, name=f"{form}_net"), chosen.work / form)
               for form, graph in (("rom", rom), ("loaded", loaded(rom, board.part_family)))}
    largest = sorted(weighted(folded), key=lambda layer: -layer.weights.size)[: chosen.layers]
    rows: dict[str, dict[str, Any]] = {}
    for name in (*(layer.name for layer in largest), "top"):
        rows[name] = {form: measured(design, name, board.part_family, chosen.work / form)
                      for form, design in designs.items()}
        logging.info("%s: %s", name, rows[name])
        write_json(REFERENCE, {"model": chosen.model, "board": chosen.board, "yosys": yosys_version(),
                               "cycles": {form: design.graph.cycles for form, design in designs.items()},
                               "file_words": data_words(designs["loaded"].graph), "modules": rows})
    sys.stdout.write(table(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
