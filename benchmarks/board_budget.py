"""A network whose widths were learned under a board's budget: the whole design as estimated and as Yosys maps it.

The network is folded for the frame rate that it was trained for, its multipliers are
chosen for the board, and every module is mapped. Writes
``reports/reference/board_budget.json``; a killed run goes on where it was if it is given a ``--folder``::

    python benchmarks/board_budget.py
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from estimates import REFERENCES, RESOURCES, beside_estimates, counts_of, mapped

from quantunet_hls.boards import load
from quantunet_hls.core.files import write_json
from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.folding import Goal
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.fold.fit import fold_for
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.zoo import checkpoints as zoo


def measure(model: str, board_name: str, rate: float, budget: float, folder: Path) -> dict[str, Any]:
    """Estimated and mapped resources and what share of the board they are, with those of every module."""
    board = load(board_name)
    graph = fold_for(stream_graph(model, board), Goal(frames_per_s=rate), board,
                     lambda folded: choose_multipliers(folded, board))
    logging.info("estimated at %s", estimate(graph, board.part_family))
    modules, totals = beside_estimates(graph, board.part_family, counts_of(mapped(graph, board.part_family, folder)))
    row: dict[str, Any] = {
        "model": model, "sha256": zoo.card_of(model).sha256, "board": board.name, "frames_per_s": rate,
        "budget": budget, "yosys": yosys_version(), "cycles": graph.cycles, "multipliers": sum(
            layer.mac_units for layer in graph.layers)}
    for resource in RESOURCES:
        whole = {what: total[resource] for what, total in totals.items()}
        have = getattr(board.resources, resource)
        row[resource] = whole | {f"{what}_share": number / have for what, number in whole.items()}
    return row | {"modules": modules}


def main() -> None:
    """Estimate, map and write."""
    parser = argparse.ArgumentParser(description="A design under a board's budget, estimated and mapped.")
    parser.add_argument("--model", default="brain_tumor_pynq_b8d3")
    parser.add_argument("--board", default="pynq-z2")
    parser.add_argument("--fps", type=float, default=200)
    parser.add_argument("--budget", type=float, default=0.45, help="That it was trained for.")
    parser.add_argument("--folder", type=Path, default=None, help="Keep the Verilog and what was mapped here.")
    parser.add_argument("--out", type=Path, default=REFERENCES / "board_budget.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with TemporaryDirectory() as name:
        row = measure(arguments.model, arguments.board, arguments.fps, arguments.budget,
                      arguments.folder or Path(name))
    write_json(arguments.out, row)
    logging.info("%s", {resource: row[resource] for resource in RESOURCES})


if __name__ == "__main__":
    main()
