"""LUTs and DSP blocks that a multiplier of the matrix-vector unit costs.

Maps units of three sizes at three pairs of widths with Yosys, with a block for each
product, as many products a block as fit, and look-up tables, and the same constant matrix as adders: ours, and
da4ml's where it is installed (``pip install da4ml==0.6``; LGPL-3, of this benchmark
alone). Writes a JSON table and prints it as Markdown::

    python benchmarks/mac_arrays.py --family xcup

Each unit computes dot products of eight beats for ``2 * pe`` outputs, with weights
in ROM, accumulators and a requantization to the activations' type: all that a layer
has but its line buffer. An adder graph has the registers of its activations, its
adders and their registers; it computes ``pe * simd`` products by constants a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from mapped_tables import Row, markdown, tabulate

from quantunet_hls.core.files import read_json, sha256_file, sha256_json, write_json, write_text
from quantunet_hls.core.open_tools import run_yosys, yosys_version
from quantunet_hls.ops.convolution.stream import Convolution
from quantunet_hls.ops.hardware.adders import constant_sums
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.multipliers import BLOCKS, Multipliers
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.multipliers import with_multipliers
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.generate.verilog import write_verilog
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.rtl.synthesize.module import mapping_script
from quantunet_hls.targets import CellCount, Family, count_cells
from quantunet_hls.types.fixed import FixedType, Integers

#: Bits of a weight and of an activation.
WIDTHS = ((4, 4), (4, 6), (8, 8))
#: PE and SIMD.
SIZES = ((4, 4), (4, 8), (8, 8))


def unit(weight_bits: int, activation_bits: int, pe: int, simd: int) -> StreamGraph:
    """A pointwise convolution that is nearly all matrix-vector unit."""
    rng = np.random.default_rng(weight_bits * 100 + activation_bits)
    source = FixedType(activation_bits, 0, False)
    target = FixedType(activation_bits, -weight_bits - 2, False, "RND_CONV", "SAT")
    high = (1 << (weight_bits - 1)) - 1
    inputs, outputs = 8 * simd, 2 * pe
    weights = rng.integers(-high, high + 1, (1, 1, inputs, outputs))
    weights[0, 0, 0, :2] = -high, high
    return StreamGraph(f"mac{weight_bits}x{activation_bits}_{pe}x{simd}", (
        Input("x", (), Shape(8, 8, inputs), source, lanes=simd),
        Convolution("unit", ("x",), Shape(8, 8, outputs), target, Shape(8, 8, inputs), source, Window((1, 1)),
                    weights, rng.integers(-100, 100, outputs), 0, (Relu(target),), lanes=pe, simd=simd),
    ))


def mapped_unit(graph: StreamGraph, multipliers: Multipliers, family: Family, cache: Path) -> CellCount:
    """Cells of a unit with such multipliers."""
    graph = graph.with_layers({"unit": replace(graph["unit"], multipliers=multipliers)})
    with TemporaryDirectory() as folder:
        design = generate(graph, Path(folder))
        fabric = ["unit"] if multipliers.kind == "lut" else []
        return map_design(design, MappingOptions(family), cache, lut_multipliers=fabric).layers["unit"].count


class ConstantMatrix(wiring.Component):
    """A matrix times a vector a clock, both ends registered."""

    def __init__(self, matrix: Integers, source: FixedType, width: int):
        self.matrix, self.source, self.width = matrix, source, width
        super().__init__({"i": In(matrix.shape[1] * source.width), "o": Out(len(matrix) * width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        pipeline = Pipeline(m)
        bits = self.source.width
        inputs = [pipeline.register(self.i[at * bits: (at + 1) * bits]) for at in range(self.matrix.shape[1])]
        pipeline.advance()
        sums = constant_sums(pipeline, inputs, self.matrix, self.source)
        for index, addend in enumerate(sums):
            # A negated sum is subtracted by the accumulator of a layer; here it goes out as it is.
            m.d.comb += self.o[index * self.width: (index + 1) * self.width].eq(addend.value)
        return m


def mapped_files(top: str, files: list[Path], family: Family, cache: Path) -> CellCount:
    """Cells of Verilog that is not of this package, by the same script."""
    key = sha256_json([[sha256_file(path) for path in files], top, family.name, yosys_version()])
    kept = cache / f"{top}-{key[:16]}.json"
    if not kept.exists():
        with TemporaryDirectory() as name:
            folder = Path(name)
            write_text(folder / f"{top}.v", "\n".join(path.read_text(encoding="utf-8") for path in files))
            write_text(folder / "map.ys", mapping_script(top, MappingOptions(family, dsp=False)))
            run_yosys(folder / "map.ys", folder / "map.log")
            statistics = read_json(folder / f"{top}.stat.json")
        write_json(kept, {cell: number for cell, number in statistics["design"]["num_cells_by_type"].items()
                          if not cell.startswith("$")})
    return count_cells(read_json(kept), family.cells)


def our_adders(matrix: Integers, source: FixedType, name: str, family: Family, cache: Path) -> CellCount:
    """Cells of a matrix in shifts and additions."""
    reach = int(np.abs(matrix).sum(axis=1).max()) << source.width
    with TemporaryDirectory() as folder:
        component = ConstantMatrix(matrix, source, reach.bit_length() + 1)
        return mapped_files(name, list(write_verilog(Path(folder), {name: component}).values()), family, cache)


def da4ml_adders(matrix: Integers, source: FixedType, name: str, family: Family, cache: Path) -> CellCount:
    """Cells of da4ml's adder graph of the same matrix, registered behind every second adder (at most 200 MHz asked)."""
    from da4ml.codegen import VerilogModel
    from da4ml.trace import FixedVariableArrayInput, comb_trace

    inputs = FixedVariableArrayInput(matrix.shape[1]).quantize(0, source.width, 0)
    logic = comb_trace(inputs, inputs @ matrix.T.astype(np.float64))
    with TemporaryDirectory() as folder:
        model = VerilogModel(logic, name, folder, latency_cutoff=2, print_latency=False)
        model.write()
        # Sums need neither of these, and Yosys can't read the table's.
        unused = (f"{name}_wrapper", "multiplier", "lookup_table")
        files = sorted(path for path in Path(folder).rglob("*.v") if path.stem not in unused)
        return mapped_files(name, files, family, cache)


def measure(family: Family, cache: Path) -> Iterator[Row]:
    """One row a unit and kind of multiplier."""
    for weight_bits, activation_bits in WIDTHS:
        for pe, simd in SIZES:
            graph = unit(weight_bits, activation_bits, pe, simd)
            layer = graph["unit"]
            assert isinstance(layer, Convolution)
            size = {"weight_bits": weight_bits, "activation_bits": activation_bits, "pe": pe, "simd": simd}
            densest = with_multipliers(graph, "packed", family)["unit"]
            assert isinstance(densest, Convolution)
            for multipliers in dict.fromkeys((BLOCKS, densest.multipliers, Multipliers("lut"))):
                yield _row(size, str(multipliers), mapped_unit(graph, multipliers, family, cache))
            matrix, source = layer.weights[0, 0, :simd, :pe].T, layer.input_type
            name = f"adders{weight_bits}x{activation_bits}_{pe}x{simd}"
            yield _row(size, "adders", our_adders(matrix, source, name, family, cache))
            if find_spec("da4ml"):
                yield _row(size, "da4ml", da4ml_adders(matrix, source, f"da4ml_{name}", family, cache))


def _row(size: dict[str, int], kind: str, count: CellCount) -> Row:
    units = size["pe"] * size["simd"]
    return {**size, "multipliers": units, "in": kind, "lut": count.lut, "ff": count.ff, "dsp": count.dsp,
            "lut_per_multiplier": round(count.lut / units, 1), "dsp_per_multiplier": round(count.dsp / units, 2)}


def table(rows: list[Row]) -> str:
    """The rows as Markdown: a line a unit, LUTs and blocks per multiplier by kind."""
    kinds = list(dict.fromkeys(row["in"] for row in rows))
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        key = (f"{row['weight_bits']}x{row['activation_bits']}", f"{row['pe']} x {row['simd']}")
        blocks = f" + {row['dsp_per_multiplier']:.2f}" if row["dsp"] else ""
        groups.setdefault(key, {})[row["in"]] = f"{row['lut_per_multiplier']}{blocks}"
    return markdown(["bits", "PE x SIMD", *kinds],
                    ([*key, *(cells.get(kind, "") for kind in kinds)] for key, cells in groups.items()))


if __name__ == "__main__":
    tabulate("mac_arrays", "LUTs and DSP blocks per multiplier of the matrix-vector unit.", measure, table,
             **({"da4ml": version("da4ml")} if find_spec("da4ml") else {}))
