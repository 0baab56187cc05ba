"""LUTs and DSP blocks that a multiplier of the matrix-vector unit costs.

Maps units of three sizes at three pairs of widths with Yosys: with a DSP block
for each multiplier, with one for two of them where the pair fits, and in LUTs.
Writes a JSON table::

    python benchmarks/mac_arrays.py --family xcup --out benchmarks/mac_arrays.json

Each unit computes one dot product of ``simd`` inputs over ``fold`` beats for
``pe`` outputs, with weights in ROM, accumulators and a requantization to the
activations' type: all that a layer has but its line buffer.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from quantunet_hls.files import write_json
from quantunet_hls.rtl.folding import pack_multipliers
from quantunet_hls.rtl.graph import Convolution, Input, Relu, Shape, StreamGraph, Window
from quantunet_hls.rtl.stitch import generate
from quantunet_hls.rtl.synthesize import MappingOptions, map_design, yosys_version
from quantunet_hls.types.fixed import FixedType

#: Bits of a weight and of an activation.
WIDTHS = ((4, 4), (4, 6), (8, 8))
#: PE and SIMD; the layer has twice as many outputs and eight times as many inputs.
SIZES = ((2, 8), (4, 16), (8, 24))


def unit(weight_bits: int, activation_bits: int, pe: int, simd: int) -> StreamGraph:
    """A pointwise convolution that is nearly all matrix-vector unit."""
    rng = np.random.default_rng(weight_bits * 100 + activation_bits)
    source = FixedType(activation_bits, 0, False)
    target = FixedType(activation_bits, -weight_bits - 2, False, "RND_CONV", "SAT")
    high = (1 << (weight_bits - 1)) - 1
    inputs, outputs = 8 * simd, 2 * pe
    graph = StreamGraph(f"mac{weight_bits}x{activation_bits}_{pe}x{simd}", (
        Input("x", (), Shape(8, 8, inputs), source, lanes=simd),
        Convolution("unit", ("x",), Shape(8, 8, outputs), target, Shape(8, 8, inputs), source, Window((1, 1)),
                    rng.integers(-high, high + 1, (1, 1, inputs, outputs)),
                    rng.integers(-100, 100, outputs), 0, (Relu(target),), lanes=pe, simd=simd),
    ))
    # A width adapter in front would be counted as well.
    assert graph["unit"].input_lanes == graph.input.lanes
    return graph


def measure(family: str, cache: Path) -> list[dict[str, object]]:
    """One row a unit and kind of multiplier."""
    rows = []
    for weight_bits, activation_bits in WIDTHS:
        for pe, simd in SIZES:
            plain = unit(weight_bits, activation_bits, pe, simd)
            packed = pack_multipliers(plain, family)
            kinds = [("DSP", plain, True), ("LUT", plain, False)]
            if packed.digest() != plain.digest():
                kinds.append(("DSP, packed", packed, True))
            for kind, graph, dsp in kinds:
                with TemporaryDirectory() as folder:
                    design = generate(graph, Path(folder))
                    count = map_design(design, MappingOptions(family, dsp=dsp), cache).layers["unit"].count
                units = pe * simd
                rows.append({
                    "weight_bits": weight_bits, "activation_bits": activation_bits, "pe": pe, "simd": simd,
                    "multipliers": units, "in": kind, "lut": count.lut, "ff": count.ff, "dsp": count.dsp,
                    "lut_per_multiplier": round(count.lut / units, 1),
                    "dsp_per_multiplier": round(count.dsp / units, 2),
                })
                logging.info("%s", rows[-1])
    return rows


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="LUTs and DSP blocks per multiplier of the matrix-vector unit.")
    parser.add_argument("--family", default="xcup", choices=("xcup", "xc7", "ecp5"))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/mac_arrays"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = measure(arguments.family, arguments.cache)
    write_json(arguments.out, {"family": arguments.family, "yosys": yosys_version(), "source": "mapped", "rows": rows})


if __name__ == "__main__":
    main()
