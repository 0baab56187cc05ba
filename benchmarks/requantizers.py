"""LUTs and DSP blocks of a lane that makes levels of sums: by a multiplication with a shift, or by thresholds.

Draws layers of 16 channels (sums of 144 products of whole weights and activations, a scale a filter, batch
normalization, bias, ReLU and a quantizer with a float scale), fits each as the flow does, and maps one lane of it with
Yosys; of few bits as thresholds, too. Writes a JSON table and prints it as Markdown::

    python benchmarks/requantizers.py --family xcup

A lane has the counter that says which channel comes, the tables of the channels' numbers, and all behind. That it
computes every level of the layer is no matter of this benchmark, but of ``tests/ops/stages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from mapped_tables import Row, markdown, tabulate

from quantunet_hls.core.workshop import workshop
from quantunet_hls.ops.cost import staged_content
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize, shape_of
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.stages.requantize.layer_fit import ChannelSteps, fit_layer, steps_of
from quantunet_hls.ops.stages.requantize.search import thresholds_of_requantizer
from quantunet_hls.ops.stages.requantize.steps import Piece, Quantizer, bent
from quantunet_hls.rtl.fold.estimate import cost
from quantunet_hls.rtl.generate.verilog import write_verilog
from quantunet_hls.rtl.synthesize.module import MappingOptions, map_module
from quantunet_hls.targets import CellCount, Family
from quantunet_hls.types.fixed import FixedType, covering

#: Bits of weights, activations and levels.
WIDTHS = (4, 6, 8)
#: Of levels that are mapped as thresholds as well.
MOST_THRESHOLD_BITS = 4
SEEDS = range(6)
CHANNELS = 16
PRODUCTS = 144


def layer(bits: int, seed: int, count: int = CHANNELS, slope: Fraction = Fraction(0)
          ) -> tuple[list[ChannelSteps], FixedType]:
    """The steps of each channel of a drawn layer, and the type of its sums.

    Args:
        bits: of weights, activations and levels.
        seed: of the draw.
        count: of channels.
        slope: below zero, where there are as many levels again if it is not 0.
    """
    rng = np.random.default_rng([bits, seed])
    high, top = (1 << bits - 1) - 1, (1 << bits) - 1
    weights = rng.integers(-high, high + 1, (count, PRODUCTS))
    lows, highs = (top * np.where(side * weights > 0, weights, 0).sum(1) for side in (-1, 1))
    spread = np.sqrt((weights.astype(float) ** 2).sum(1)) * top / 2
    # A few deviations of the sums fill the quantizer's range, as training makes it.
    scale = Fraction(float(np.float32(rng.uniform(2, 4) / top)))
    quantizer = Quantizer(scale, 0, -top if slope else 0, top)
    channels: list[ChannelSteps] = []
    for channel in range(count):
        gain, shift = (Fraction(float(np.float32(rng.uniform(*ends)))) for ends in ((0.3, 1.5), (-1, 1)))
        factor = gain * Fraction(float(np.float32(1 / spread[channel])))
        pieces = bent((Piece(int(lows[channel]), factor, shift),), int(highs[channel]), slope)
        channels.append(steps_of(pieces, int(highs[channel]), quantizer))
    return channels, covering(int(lows.min()), int(highs.max()), signed=True)


class Lane(wiring.Component):
    """A stage for one lane, registered in front."""

    def __init__(self, stage: Stage, source: FixedType):
        self.stage, self.source = stage, source
        super().__init__({"i": In(shape_of(source)), "valid": In(1), "o": Out(shape_of(stage.type))})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        pipeline = Pipeline(m, valid=self.valid, last=1)
        value = pipeline.register(self.i)
        pipeline.advance()
        m.d.comb += self.o.eq(requantize(pipeline, [value], self.source, [self.stage])[0])
        return m


def mapped(component: wiring.Component, name: str, family: Family, cache: Path, *, dsp: bool = True) -> CellCount:
    """Cells of some hardware; ``dsp`` says whether its products may be multiplier blocks."""
    with workshop() as folder:
        files = write_verilog(folder, {name: component})
        return map_module(name, files, MappingOptions(family, dsp=dsp), (), cache).count


def measure(family: Family, cache: Path) -> Iterator[Row]:
    """One row a layer and form."""
    for bits in WIDTHS:
        for seed in SEEDS:
            channels, source = layer(bits, seed)
            stage = fit_layer(channels)
            assert stage is not None, (bits, seed)
            numbers = {"shift": stage.shift, "factor_bits": max(map(abs, stage.factors[0])).bit_length()}
            yield _row({"bits": bits, "seed": seed, "form": "multiplication", "sum_bits": source.width, **numbers},
                       stage, source, family, cache)
            if bits <= MOST_THRESHOLD_BITS:
                searched = thresholds_of_requantizer(stage, source)
                assert searched is not None, (bits, seed)
                yield _row({"bits": bits, "seed": seed, "form": "thresholds", "sum_bits": source.width},
                           searched, source, family, cache)


def _row(size: Row, stage: Stage, source: FixedType, family: Family, cache: Path) -> Row:
    count = mapped(Lane(stage, source), f"{stage.kind}{size['bits']}_{size['seed']}", family, cache)
    content = staged_content(1, source, [stage], family)
    return {**size, "lut": count.lut, "ff": count.ff, "dsp": count.dsp,
            "estimated": {"lut": round(cost(content.parts, family)), "dsp": content.dsp}}


def table(rows: list[Row]) -> str:
    """The rows as Markdown: the least and the most of each width and form."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row["bits"]), row["form"]), []).append(row)
    return markdown(["bits", "form", "LUTs", "DSP blocks"],
                    ([*key, *(_ends(row[what] for row in own) for what in ("lut", "dsp"))]
                     for key, own in groups.items()))


def _ends(numbers: Iterable[int]) -> str:
    """From the least to the most."""
    found = sorted(numbers)
    return " to ".join(dict.fromkeys((str(found[0]), str(found[-1]))))


if __name__ == "__main__":
    tabulate("requantizers", "LUTs and DSP blocks of a lane that makes levels of sums.", measure, table)
