"""How far estimates are from what Yosys maps: random U-Nets and the zoo's networks, design by design.

Each design is folded, its multipliers chosen for its board, its resources estimated,
then mapped layer by layer. The random networks are those of ``random_unets.py`` with
seeds 0 to 19, on UltraScale+ boards, the ten smallest of them on an ECP5 and on a 7-series part as well; the
zoo's quantized networks are folded for 294,912 cycles a frame on the ZCU104. Writes
``reports/reference/estimates.json`` after each design; a killed run goes on where it was::

    python benchmarks/estimates.py

``--fit`` maps other networks instead, seeds from 100 on with multipliers taken by
chance, and prints the costs of a family that fit
their layers best, together with those of ``mac_arrays.py`` on UltraScale+ and of the
zoo's network on the KV260, or of the ULX3S's demonstration on the ECP5::

    python benchmarks/estimates.py --fit xcup
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from mapped_tables import REFERENCES, markdown
from random_unets import random_unet

from quantunet_hls.boards import load
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.rtl.fold.estimate import contents, estimates, memory_parts
from quantunet_hls.rtl.fold.multipliers import candidates, choose_multipliers, in_fabric
from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.synthesize.mapping import MappedDesign, MappingOptions, map_design
from quantunet_hls.targets import CellCount, Family, LutParts, family_named
from quantunet_hls.targets.memories import layout

RESOURCES = ("lut", "dsp", "bram_18k")
SEEDS = range(20)
FIT_SEEDS = {"xcup": (100, 103), "ecp5": (103, 106)}
#: Boards of other families, and for how many of the random networks.
OTHER_BOARDS, SMALLEST = ("ulx3s-85f", "pynq-z2"), 10
#: UltraScale+ boards, of which each random network has one.
BOARDS = ("zcu104", "kv260", "ultra96v2")
ZOO_CYCLES = 294_912
#: The network trained for the PYNQ-Z2 is mapped there, by ``board_budget.py``.
ZOO = tuple(f"{name}_b8d3" for name in (
    "brain_tumor_learned", "brain_tumor_w4a6", "brain_tumor_ternary", "brain_tumor_w04a60", "nuclei_learned",
    "isbi_learned", "nuclei_ternary", "isbi_ternary", "nuclei_w04a60", "isbi_w04a60"))
#: How strongly the fit is pulled to the costs that a family has, in relative errors of a layer.
PRIOR = 0.1


@dataclass(frozen=True)
class Case:
    """A design to be estimated and mapped; ``graph`` folds it, which may take a while."""

    name: str
    board: str
    graph: Callable[[], StreamGraph]


def net(seed: int, name: str = "net") -> StreamGraph:
    """A random network, folded for a random number of multipliers, 6 to 96 on average."""
    graph = random_unet(seed, name)
    units = np.exp(np.random.default_rng(seed).uniform(np.log(6), np.log(96)))
    return fold(graph, max(int(sum(layer.macs for layer in graph.layers) / units), fewest_cycles(graph)))


def cases(models: Sequence[str]) -> Iterator[Case]:
    """All designs, small networks first and the zoo's last."""
    def chosen(seed: int, board: str) -> Callable[[], StreamGraph]:
        return lambda: choose_multipliers(net(seed), load(board))

    def of_zoo(model: str) -> Callable[[], StreamGraph]:
        board = load("zcu104")
        return lambda: choose_multipliers(fold(stream_graph(model, board), ZOO_CYCLES), board)

    for place, seed in enumerate(sorted(SEEDS, key=lambda seed: len(random_unet(seed).layers))):
        others = OTHER_BOARDS if place < SMALLEST else ()
        for board in (*others, BOARDS[seed % len(BOARDS)]):
            yield Case(f"net{seed}", board, chosen(seed, board))
    for model in models:
        yield Case(model, "zcu104", of_zoo(model))


def mapped(graph: StreamGraph, family: Family, folder: Path) -> MappedDesign:
    """The design's cells, layer by layer; what was mapped before is kept in the folder."""
    return map_design(generate(graph, folder / "verilog"), MappingOptions(family), folder / "mapped", workers=1,
                      lut_multipliers=in_fabric(graph))


def counts_of(design: MappedDesign) -> dict[str, list[int]]:
    """Of :data:`RESOURCES`, what each module was mapped to."""
    return {name: [getattr(module.count, resource) for resource in RESOURCES]
            for name, module in design.layers.items()}


def beside_estimates(graph: StreamGraph, family: Family, counts: dict[str, list[int]]
                     ) -> tuple[dict[str, dict[str, list[int]]], dict[str, dict[str, int]]]:
    """Estimated and mapped resources of each module, and of all together."""
    found = estimates(graph, family)
    modules = {name: {"estimated": [getattr(found[name], resource) for resource in RESOURCES], "mapped": count}
               for name, count in counts.items()}
    totals = {what: dict(zip(RESOURCES, np.sum([module[what] for module in modules.values()], axis=0).tolist(),
                             strict=True)) for what in ("estimated", "mapped")}
    return modules, totals


def measure(case: Case, folder: Path, known: dict[str, Any] | None) -> dict[str, Any]:
    """Estimated and mapped resources of a design and of its layers; a row that is known is not mapped again."""
    family = load(case.board).part_family
    graph = case.graph()
    if known and known["digest"] == graph.digest() and known["yosys"] == yosys_version():
        counts = {name: module["mapped"] for name, module in known["modules"].items()}
    else:
        counts = counts_of(mapped(graph, family, folder / f"{case.name}_{case.board}"))
    modules, totals = beside_estimates(graph, family, counts)
    row = {"name": case.name, "board": case.board, "family": family.name, "yosys": yosys_version(),
           "digest": graph.digest(), "cycles": graph.cycles,
           "multipliers": sum(layer.mac_units for layer in graph.layers), **totals,
           "error": {resource: (totals["estimated"][resource] - totals["mapped"][resource])
                     / max(totals["mapped"][resource], 1) for resource in RESOURCES},
           "modules": modules}
    logging.info("%s on %s: %s", case.name, case.board, {key: row[key] for key in ("estimated", "mapped", "error")})
    return row


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Absolute relative errors by family: median, quartiles, and the worst; and the median of the signed ones."""
    found: dict[str, Any] = {}
    for family in dict.fromkeys(row["family"] for row in rows):
        of_family = [row for row in rows if row["family"] == family]
        found[family] = {"designs": len(of_family)}
        for resource in RESOURCES:
            errors = np.array([row["error"][resource] for row in of_family])
            low, median, high = np.percentile(np.abs(errors), (25, 50, 75))
            found[family][resource] = {"median": median, "quartiles": [low, high], "worst": np.abs(errors).max(),
                                       "bias": float(np.median(errors))}
    return found


def table(found: dict[str, Any]) -> str:
    """The summary as Markdown."""
    rows: list[list[str]] = []
    for family, figures in found.items():
        for resource in RESOURCES:
            figure = figures[resource]
            low, high = figure["quartiles"]
            rows.append([f"{family}, {figures['designs']}", resource, f"{figure['median']:.1%}",
                         f"{low:.1%} to {high:.1%}", f"{figure['worst']:.1%}", f"{figure['bias']:+.1%}"])
    return markdown(["family, designs", "resource", "median error", "quartiles", "worst", "median with sign"], rows)


def fit(family: Family, folder: Path) -> LutParts:
    """The costs that fit layers of other designs best."""
    counted, measured = [], []

    def take(graph: StreamGraph, counts: dict[str, CellCount]) -> None:
        for name, content in contents(graph, family).items():
            if name in counts:
                parts = sum((memory_parts(memory, family) for memory in content.memories), content.parts)
                exact = sum(layout(memory, family).cells for memory in content.memories)
                counted.append(astuple(parts))
                measured.append((counts[name].lut, exact))

    def take_mapped(graph: StreamGraph, name: str) -> None:
        result = mapped(graph, family, folder / name)
        take(graph, {layer: module.count for layer, module in result.layers.items()})

    for seed in FIT_SEEDS[family.name]:
        take_mapped(_with_any_multipliers(net(seed, "cal"), family, seed), f"cal{seed}_{family.name}")
    if family.name == "ecp5":
        take_mapped(choose_multipliers(fold(_demonstration(), 36_864), load("ulx3s-85f")), "demonstration")
    else:
        board = load("kv260")
        graph = fold(stream_graph("brain_tumor_w4a6_b8d3", board), 393_216)
        take_mapped(choose_multipliers(graph, board), "kv260")
        for graph, count in _units():
            take(graph, {"unit": count})
    return _nearest(np.array(counted, float), np.array(measured, float), family.lut_costs)


def _nearest(counted: np.ndarray, measured: np.ndarray, prior: LutParts) -> LutParts:
    """Least squares of relative errors over costs that are not negative, pulled a little to those before."""
    lut, exact = measured.T
    weight = 1 / np.maximum(lut, 60)
    pull = PRIOR / np.maximum(np.array(astuple(prior)), 0.1)
    rows = np.vstack([counted * weight[:, None], np.diag(pull)])
    target = np.concatenate([(lut - exact) * weight, pull * np.array(astuple(prior))])
    square, right = rows.T @ rows, rows.T @ target
    costs = np.zeros(rows.shape[1])
    for _ in range(10_000):
        for place in range(len(costs)):
            step = (right[place] - square[place] @ costs) / square[place, place]
            costs[place] = max(0.0, costs[place] + step)
    error = exact + counted @ costs - lut
    logging.info("median error of %d modules %.3f", len(lut), np.median(np.abs(error) / lut))
    return LutParts(*np.round(costs, 2).tolist())


def _with_any_multipliers(graph: StreamGraph, family: Family, seed: int) -> StreamGraph:
    rng = np.random.default_rng(seed)
    rng.uniform()
    changed = {}
    for layer in graph.layers:
        if isinstance(layer, Weighted):
            choices = list(candidates(layer, family))
            changed[layer.name] = replace(layer, multipliers=choices[int(rng.integers(len(choices)))])
    return graph.with_layers(changed)


def _demonstration() -> StreamGraph:
    """The network of ``ulx3s.py``."""
    from ulx3s import demonstration

    return stream_graph(demonstration(), load("ulx3s-85f"), (1, 32, 32))


def _units() -> Iterator[tuple[StreamGraph, CellCount]]:
    """What ``mac_arrays.py`` mapped."""
    from mac_arrays import unit

    for row in read_json(REFERENCES / "mac_arrays_xcup.json")["rows"]:
        if row["in"] in ("adders", "da4ml"):
            continue
        graph = unit(row["weight_bits"], row["activation_bits"], row["pe"], row["simd"])
        layer = graph["unit"]
        assert isinstance(layer, Weighted)
        multipliers = next(choice for choice in (*candidates(layer, family_named("xcup")), Multipliers("dsp"))
                           if str(choice) == row["in"])
        yield graph.with_layers({"unit": replace(layer, multipliers=multipliers)}), CellCount(lut=row["lut"])


def main() -> None:
    """Measure and write the table, or fit."""
    parser = argparse.ArgumentParser(description="Errors of the estimates of resources.")
    parser.add_argument("--models", nargs="*", default=ZOO)
    parser.add_argument("--fit", choices=sorted(FIT_SEEDS), default=None)
    parser.add_argument("--folder", type=Path, default=Path("build/estimates"), help="Keep what was mapped here.")
    parser.add_argument("--out", type=Path, default=REFERENCES / "estimates.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.fit:
        found = asdict(fit(family_named(arguments.fit), arguments.folder))
        sys.stdout.write(", ".join(f"{field.name}={found[field.name]}" for field in fields(LutParts)) + "\n")
        return
    before = read_json(arguments.out)["designs"] if arguments.out.exists() else []
    known = {(row["name"], row["board"]): row for row in before}
    for case in cases(arguments.models):
        known[case.name, case.board] = measure(case, arguments.folder, known.get((case.name, case.board)))
        rows = list(known.values())
        write_json(arguments.out, {"summary": summary(rows), "designs": rows})
    sys.stdout.write(table(summary(list(known.values()))) + "\n")


if __name__ == "__main__":
    main()
