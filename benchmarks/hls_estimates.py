"""How far estimates of hls4ml's C++ are from what Vitis HLS reported of designs that others published.

Reads ``published/hls_reports.csv``: figures of C-synthesis from the reports in eight public
repositories, a row for each module or FIFO, with repository, commit and path of the
report. Types and sizes come from the reports' module names and loops and from
``parameters.h`` and ``defines.h`` beside them. Not read but deduced are the LUTs of all FIFOs
of a design (what the other rows leave of the total), block RAM and flip-flops of the FIFO
``layer10`` of ``deeppicar_nas`` (the same way), the kernel of ``icube_conv2d`` (from DSP
blocks and loops) and sizes of images (from loops). Holds the kinds of
:mod:`quantunet_hls.ops.cpp.modules`
against every row of Vitis HLS, prints the errors by kind of module and by design, and
writes ``reports/reference/hls_estimates.json``::

    python benchmarks/hls_estimates.py

``--fit`` prints the LUT costs that fit the rows of :data:`FITTED` best, and what ranges
the rows have. Two repositories are in no fit, ``Alezander9/ML_FPGAonPixel`` and
``kojos03/fpga_cnn_hls4ml``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quantunet_hls.core.files import write_json
from quantunet_hls.ops.convolution.cpp import ConvolutionModule
from quantunet_hls.ops.cpp.modules import Fifo, Module, estimate
from quantunet_hls.ops.padding.cpp import PaddingModule
from quantunet_hls.ops.pooling.cpp import MaxPoolingModule
from quantunet_hls.ops.stages.relu.cpp import ReluModule
from quantunet_hls.ops.stages.sigmoid.cpp import SigmoidModule
from quantunet_hls.types.fixed import parse_type

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).parent / "published" / "hls_reports.csv"
RESOURCES = ("lut", "dsp", "bram_18k")

_PICAR, _ALEXNET = "tsopeter/753-FPGA", "CestMerNeil/FPGA_Accelerator4NN_Inference"
_MNIST, _LENET = "lolbraa/HLS4ML_testbench_KV260", "abdennour-GUESSOUM/Lenet5-hls4ml"
_ICUBE = "albertc9/CNN_iCube_FPGA"

#: Repositories that each kind's costs are fitted to. Poolings of Vitis HLS 2022.1 take less than later ones.
FITTED = {
    "products": (_PICAR,),
    "convolution": (_PICAR,),
    "relu": (_PICAR, _ALEXNET, _ICUBE, _MNIST),
    "max_pooling": (_MNIST, _LENET),
    "padding": (_ALEXNET,),
    "sigmoid": (_ICUBE,),
    "fifo": (_PICAR, _ALEXNET, _ICUBE, _MNIST, _LENET),
}

#: The costs that the rows of a kind determine, in the order in which they are found.
COSTS = {
    "products": ("multipliers", "filters", "turning"),
    "convolution": ("controls",),
    "relu": ("relus", "lanes", "compared", "rounded", "limited"),
    "max_pooling": ("poolings", "pooled", "pooled_bits"),
    "padding": ("paddings",),
    "sigmoid": ("sigmoids",),
    "fifo": ("fifos", "levels"),
}

#: No window of a convolution has so many values. A dense layer with 726 has multiplexers of three inputs where all
#: others have two, and takes 36 % more LUTs than the costs say.
MOST_VALUES = 600

#: This version makes LUT memory of FIFOs that those before and after it put into blocks.
OTHER_FIFOS = "Vitis HLS 2023.1"


@dataclass(frozen=True)
class Row:
    """A row: what was synthesized, and what came out.

    Attributes:
        kind: as in :data:`FITTED`.
        work: the module; several where a row sums up FIFOs.
        measured: LUTs, DSP blocks, blocks of 18 kbit; None where the report does not say.
    """

    repository: str
    tool: str
    design: str
    name: str
    kind: str
    work: tuple[Module, ...]
    measured: Mapping[str, int | None]

    @property
    def fitted(self) -> bool:
        """Whether costs are fitted to this row."""
        return self.repository in FITTED[self.kind] and not self.unusual

    @property
    def unusual(self) -> bool:
        """Whether the model does not claim to cover it."""
        return (self.kind == "fifo" and self.tool == OTHER_FIFOS) or any(
            isinstance(work, ConvolutionModule) and work.inputs > MOST_VALUES for work in self.work)

    @property
    def estimated(self) -> dict[str, int]:
        """What the model says of it."""
        if self.kind == "products":
            (work,) = self.work
            assert isinstance(work, ConvolutionModule)
            luts = work.product_luts + sum(
                number * work.lut_costs[name] for name, number in work.product_parts.items())
            whole = estimate(work)
            return {"lut": round(luts), "dsp": whole.dsp, "bram_18k": whole.bram_18k}
        found = [estimate(work) for work in self.work]
        return {name: sum(getattr(each, name) for each in found) for name in RESOURCES}


@dataclass(frozen=True)
class LineBuffer:
    """A line buffer with its window: the design, rows and columns, channels, pixels of a row of the image, LUTs."""

    design: str
    kernel: tuple[int, int]
    channels: int
    line: int
    lut: int


def _work(row: Mapping[str, str]) -> Module | None:
    """What a row is of; None for kinds that are not estimated."""
    def number(name: str) -> int:
        return int(row[name])

    def kernel() -> tuple[int, int]:
        return number("kernel_height"), number("kernel_width")

    match row["kind"]:
        case "products" | "convolution" if row["strategy"] == "resource":
            return ConvolutionModule(kernel(), number("channels"), number("filters"), number("reuse"),
                               parse_type(row["input"]), parse_type(row["weight"]), parse_type(row["accumulator"]),
                               number("width"))
        case "relu":
            return ReluModule(number("channels"), parse_type(row["input"]), parse_type(row["result"]))
        case "max_pooling":
            return MaxPoolingModule(kernel(), number("channels"), parse_type(row["input"]))
        case "padding":
            return PaddingModule(number("channels"))
        case "sigmoid":
            return SigmoidModule(number("channels"))
        case "fifo":
            return Fifo(number("depth"), number("bits"))
    return None


def read_table(path: Path = TABLE) -> list[dict[str, str]]:
    """All rows, as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def modules(rows: Iterable[Mapping[str, str]]) -> list[Row]:
    """The rows of Vitis HLS that are estimated, with one more for all FIFOs of each design."""
    def measured(row: Mapping[str, str]) -> dict[str, int | None]:
        return {name: int(row[name]) if row[name] else None for name in RESOURCES}

    made, fifos = [], {}
    for row in rows:
        if not row["tool"].startswith("Vitis"):
            continue
        origin = row["repository"], row["tool"], row["design"]
        if row["kind"] == "fifos":
            fifos[origin] = measured(row)
        work = _work(row)
        if work is not None:
            made.append(Row(*origin, row["module"], row["kind"], (work,), measured(row)))
    for origin, figures in fifos.items():
        works = tuple(work for module in made if module.design == origin[2] and module.kind == "fifo"
                      for work in module.work)
        made.append(Row(*origin, "all FIFOs", "fifo", works, figures))
    return made


def _luts_of(work: Module, kind: str) -> tuple[float, Mapping[str, float]]:
    """LUTs that follow from how a module is built, and what the rest is fitted to; for "products", of these alone."""
    if kind == "products":
        assert isinstance(work, ConvolutionModule)
        return work.product_luts, work.product_parts
    return work.structural_luts, work.lut_parts


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """The costs with the least squares of relative errors of the fitted rows."""
    found: dict[str, float] = {}
    for kind, names in COSTS.items():
        counted, rest, luts = [], [], []
        for row in rows:
            lut = row.measured["lut"]
            if row.kind != kind or not row.fitted or lut is None:
                continue
            split = [_luts_of(work, kind) for work in row.work]
            parts = [fitted for _, fitted in split]
            known = sum(structural for structural, _ in split) + sum(
                number * found.get(name, 0.0) for part in parts for name, number in part.items())
            counted.append([sum(part[name] for part in parts) for name in names])
            rest.append(lut - known)
            luts.append(lut)
        weights = 1 / np.array(luts, float)
        costs = np.linalg.lstsq(np.array(counted, float) * weights[:, None], np.array(rest) * weights, rcond=None)[0]
        found.update(zip(names, map(float, costs), strict=True))
    return found


def line_buffers(rows: Iterable[Mapping[str, str]]) -> list[LineBuffer]:
    """The rows of Vitis HLS that are line buffers, of convolutions of either strategy and of poolings."""
    return [LineBuffer(row["design"], (int(row["kernel_height"]), int(row["kernel_width"])), int(row["channels"]),
                       int(row["width"]), int(row["lut"]))
            for row in rows if row["kind"] == "line_buffer" and row["tool"].startswith("Vitis")]


def ranges(rows: Iterable[Row], buffers: Iterable[LineBuffer]) -> dict[str, dict[str, tuple[int, int]]]:
    """Least and most of each quantity among the rows."""
    values: dict[str, dict[str, list[int]]] = {"convolution": {"pixels of a row": [each.line for each in buffers]}}
    for row in rows:
        if not row.unusual:
            for work in row.work:
                for name, value in work.quantities.items():
                    # The products by themselves have no image and no kernel.
                    if row.kind != "products" or name not in ("kernel rows", "pixels of a row"):
                        values.setdefault(work.kind, {}).setdefault(name, []).append(value)
    return {kind: {name: (min(found), max(found)) for name, found in of_kind.items()}
            for kind, of_kind in values.items()}


def error(row: Row, resource: str) -> float | None:
    """Relative to what was measured, or to one where that is none."""
    measured = row.measured[resource]
    return None if measured is None else (row.estimated[resource] - measured) / max(measured, 1)


def summary(errors: Sequence[float]) -> dict[str, Any]:
    """Number, median, quartiles and worst of errors by amount."""
    amounts = np.abs(errors)
    low, median, high = np.quantile(amounts, (0.25, 0.5, 0.75))
    return {"rows": len(errors), "median": float(median), "quartiles": [float(low), float(high)],
            "worst": float(amounts.max())}


def by_kind(rows: Sequence[Row]) -> dict[str, Any]:
    """Errors of each kind and resource, apart for what was fitted, what was held out, and what is not covered."""
    found: dict[str, Any] = {}
    for kind in FITTED:
        for group in ("fitted", "held out", "not covered"):
            chosen = [row for row in rows if row.kind == kind and group == _group(row)]
            for resource in RESOURCES:
                errors = [each for row in chosen if (each := error(row, resource)) is not None
                          and not (resource == "lut" and kind == "fifo" and len(row.work) == 1)]
                used = any(row.measured[resource] or row.estimated[resource] for row in chosen)
                if errors and used:
                    found.setdefault(kind, {}).setdefault(group, {})[resource] = summary(errors)
    return found


def _group(row: Row) -> str:
    return "not covered" if row.unusual else "fitted" if row.fitted else "held out"


def by_design(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Of each design the modules that are estimated, added up: FIFOs, convolutions of strategy Resource, and others."""
    designs = []
    for design in dict.fromkeys(row.design for row in rows):
        chosen = [row for row in rows if row.design == design and row.kind != "products" and not row.unusual
                  and (row.kind != "fifo" or row.name == "all FIFOs")]
        if not chosen:
            continue
        kinds = {kind: sum(len(row.work) for row in chosen if row.kind == kind) for kind in FITTED}
        line: dict[str, Any] = {
            "design": design, "repository": chosen[0].repository, "tool": chosen[0].tool,
            "fitted": all(row.fitted for row in chosen), "held_out": not any(row.fitted for row in chosen),
            "modules": {kind: number for kind, number in kinds.items() if number}}
        for what in ("measured", "estimated"):
            line[what] = {name: sum(getattr(row, what)[name] or 0 for row in chosen) for name in RESOURCES}
        line["error"] = {name: (line["estimated"][name] - line["measured"][name]) / max(line["measured"][name], 1)
                         for name in RESOURCES}
        designs.append(line)
    return designs


def main() -> None:
    """Print the errors and write them, or print what the rows say the costs are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--fit", action="store_true", help="print costs and ranges instead")
    options = parser.parse_args()
    table = read_table()
    rows = modules(table)
    if options.fit:
        for name, cost in fit(rows).items():
            print(f"{name}={cost:.3g}")
        for kind, of_kind in ranges(rows, line_buffers(table)).items():
            print(kind, of_kind)
        return
    result = {"by_kind": by_kind(rows), "by_design": by_design(rows)}
    for kind, groups in result["by_kind"].items():
        for group, resources in groups.items():
            for resource, found in resources.items():
                print(f"{kind:12} {group:12} {resource:9} {found['rows']:3} rows, median {found['median']:.1%}, "
                      f"quartiles {found['quartiles'][0]:.1%} to {found['quartiles'][1]:.1%}, "
                      f"worst {found['worst']:.1%}")
    for line in result["by_design"]:
        print(f"{line['design']:20} {line['tool']:17} " + "; ".join(
            f"{name} {line['estimated'][name]:,} for {line['measured'][name]:,} ({line['error'][name]:+.1%})"
            for name in RESOURCES), line["modules"])
    write_json(ROOT / "reports" / "reference" / "hls_estimates.json", result)


if __name__ == "__main__":
    main()
