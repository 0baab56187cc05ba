"""How far estimates of layers that the U-Nets of ``estimates.py`` lack are from what Yosys maps, one by one.

Single lanes of tables, of requantizers and of thresholds, with the counter that says which channel comes, and whole
layers that multiply two streams or that convolve groups of channels. Costs that stand in their rooms
(``quantunet_hls/ops/*/cost.py``, ``quantunet_hls/ops/stages/*/cost.py``) are fitted to these and to the lanes of
``requantizers.py``. Writes a JSON table with the errors of each kind and prints these as Markdown::

    python benchmarks/layer_estimates.py --family xcup
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from amaranth.lib import wiring
from mapped_tables import Row, markdown, tabulate
from requantizers import Lane, layer, mapped

from quantunet_hls.ops.convolution.stream import Grouped
from quantunet_hls.ops.cost import Content, staged_content
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.multipliers import BLOCKS, Multipliers
from quantunet_hls.ops.multiply.stream import Multiply
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.requantize.layer_fit import fit_layer
from quantunet_hls.ops.stages.requantize.search import thresholds_of_requantizer
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.estimate import estimated, module_content
from quantunet_hls.rtl.generate.units import LayerUnit, SourceStream
from quantunet_hls.targets import Family
from quantunet_hls.types.fixed import FixedType

RESOURCES = ("lut", "dsp", "bram_18k")
#: Functions of a table, and what their values are divided by.
FUNCTIONS = {"tanh": np.tanh, "silu": lambda x: x / (1 + np.exp(-x)) / 4}
#: Bits of what a table looks up and of what it gives, and what it computes.
TABLES = ((4, 4, "silu"), (5, 6, "tanh"), (6, 6, "silu"), (6, 6, "tanh"), (7, 8, "silu"), (8, 4, "tanh"),
          (8, 8, "silu"), (8, 8, "tanh"), (9, 6, "silu"), (10, 8, "tanh"))
#: Bits of levels, channels, and the slope below zero, for which there is a second line.
REQUANTIZERS = ((2, 16, 0), (4, 1, 0), (4, 4, 0), (8, 1, 0), (6, 64, 0), (8, 128, 0), (4, 16, Fraction(13, 128)),
                (8, 32, Fraction(1, 10)))
#: Of requantizers that are mapped without DSP blocks, bits of levels and channels.
IN_LUTS = ((2, 16), (4, 4), (6, 64), (8, 1))
#: Bits of levels and channels.
THRESHOLDS = ((2, 16), (2, 128), (3, 64), (4, 1), (4, 64), (5, 16), (6, 16), (8, 1), (8, 16))
#: Bits of both factors, lanes, and of the second stream whether it has every channel and every pixel.
PRODUCTS = ((4, 4, 4, True, True), (6, 6, 2, True, True), (8, 8, 2, True, True), (8, 8, 4, False, True),
            (8, 6, 2, True, False), (12, 8, 1, True, True), (8, 4, 8, False, False))
#: Channels, channels of a group, filters of a group, lanes, SIMD, and what multiplies.
GROUPS = ((16, 1, 1, 1, 1, "dsp"), (16, 1, 1, 4, 1, "dsp"), (32, 1, 1, 8, 1, "lut"), (16, 4, 4, 4, 4, "dsp"),
          (16, 4, 4, 4, 4, "packed"), (16, 4, 2, 4, 4, "lut"), (8, 2, 2, 2, 2, "lut"))


@dataclass(frozen=True)
class Case:
    """What is estimated and mapped.

    Attributes:
        kind: of it.
        size: its numbers.
        component: its hardware.
        content: what the estimate is of.
        dsp: whether products may be multiplier blocks.
    """

    kind: str
    size: Row
    component: wiring.Component
    content: Content
    dsp: bool = True


def cases(family: Family) -> Iterator[Case]:
    """All of them."""
    for bits, width, function in TABLES:
        stage, source = _table(function, bits, width)
        yield _lane("table", {"bits": bits, "result_bits": width, "function": function}, stage, source, family)
    for bits, channels, slope in REQUANTIZERS:
        requantizer, source = _requantizer(bits, channels, slope)
        size = {"bits": bits, "channels": channels, "lines": len(requantizer.factors), "sum_bits": source.width}
        yield _lane("requantizer", size, requantizer, source, family)
    for bits, channels in THRESHOLDS:
        requantizer, source = _requantizer(bits, channels, 0)
        searched = thresholds_of_requantizer(requantizer, source)
        assert searched is not None, (bits, channels)
        yield _lane("thresholds", {"bits": bits, "channels": channels, "sum_bits": source.width}, searched, source,
                    family)
    for one, other, lanes, every_channel, every_pixel in PRODUCTS:
        size = {"bits": one, "factor_bits": other, "lanes": lanes, "every_channel": every_channel,
                "every_pixel": every_pixel}
        yield _layer("product", size, _product(one, other, lanes, every_channel, every_pixel), family)
    for channels, each, filters, lanes, simd, kind in GROUPS:
        size = {"channels": channels, "each": each, "filters": filters, "lanes": lanes, "simd": simd, "in": kind}
        yield _layer("grouped", size, _grouped(channels, each, filters, lanes, simd, kind, family), family)
    for bits, channels in IN_LUTS:
        requantizer, source = _requantizer(bits, channels, 0)
        yield _lane("requantizer_in_luts", {"bits": bits, "channels": channels, "sum_bits": source.width}, requantizer,
                    source, family, dsp=False)


def _lane(kind: str, size: Row, stage: Stage, source: FixedType, family: Family, *, dsp: bool = True) -> Case:
    content = staged_content(1, source, [stage], family)
    return Case(kind, size, Lane(stage, source), content if dsp else content.without_blocks(), dsp)


def _layer(kind: str, size: Row, made: Multiply | Grouped, family: Family) -> Case:
    """A layer behind streams of as many channels a beat as it reads."""
    types = made.input_types if isinstance(made, Multiply) else (made.input_type,)
    sources = [Input(f"x{place}", (), made.shape, each, lanes=made.lanes_from(place))
               for place, each in enumerate(types)]
    streams = [SourceStream(source.type.width, source.lanes) for source in sources]
    return Case(kind, size, LayerUnit(made, streams), module_content(made, sources, family),
                dsp=size.get("in") != "lut")


def _table(function: str, bits: int, width: int) -> tuple[Table, FixedType]:
    source, result = FixedType(bits, bits - 3), FixedType(width, width - 1, saturation="SAT")
    values = FUNCTIONS[function](np.arange(source.low, source.high + 1) * source.step)
    codes = np.clip(np.rint(values / result.step), result.low, result.high).astype(int)
    return Table(result, source.low, source.fraction, tuple(codes.tolist())), source


def _requantizer(bits: int, channels: int, slope: Fraction | int) -> tuple[Stage, FixedType]:
    steps, source = layer(bits, 7, channels, Fraction(slope))
    found = fit_layer(steps)
    assert found is not None, (bits, channels, slope)
    return found, source


def _product(one: int, other: int, lanes: int, every_channel: bool, every_pixel: bool) -> Multiply:
    shape, types = Shape(8, 8, 16), (FixedType(one, 0), FixedType(other, 0, False))
    factors = Shape(8 if every_pixel else 1, 8 if every_pixel else 1, 16 if every_channel else 1)
    made = Multiply("unit", ("x0", "x1"), shape, types[0], types, factors, (), lanes=lanes)
    return replace(made, type=made.accumulator, stages=(Cast(made.accumulator),))


def _grouped(channels: int, each: int, filters: int, lanes: int, simd: int, kind: str, family: Family) -> Grouped:
    rng = np.random.default_rng([channels, each, lanes])
    source, result = FixedType(6, 0, False), FixedType(6, -6, False, "RND_CONV", "SAT")
    outputs = channels // each * filters
    weights = rng.integers(-7, 8, (3, 3, each, outputs))
    weights.flat[:2] = -7, 7
    made = Grouped("unit", ("x0",), Shape(8, 8, outputs), result, Shape(8, 8, channels), source,
                   Window((3, 3), padding=(1, 1, 1, 1)), weights, rng.integers(-100, 100, outputs), 0,
                   (Relu(result),), lanes=lanes, simd=simd)
    choices = (BLOCKS, Multipliers("lut"), *made.multiplier_choices(family.multiplier.operands))
    return replace(made, multipliers=next(choice for choice in choices if choice.kind == kind))


def measure(family: Family, cache: Path) -> Iterator[Row]:
    """One row a case."""
    for number, case in enumerate(cases(family)):
        count = mapped(case.component, f"{case.kind}_{number}", family, cache, dsp=case.dsp)
        found = estimated(case.content, family)
        yield {"kind": case.kind, **case.size, **{name: getattr(count, name) for name in (*RESOURCES, "ff")},
               "estimated": {name: getattr(found, name) for name in RESOURCES}}


def table(rows: list[Row]) -> str:
    """The errors of each kind as Markdown: of LUTs by amount, and how many have the blocks that are estimated."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["kind"], []).append(row)
    return markdown(["", "mapped", "LUTs", "median error", "worst", "DSP blocks exact", "memory blocks exact"],
                    (_errors(kind, own) for kind, own in groups.items()))


def _errors(kind: str, rows: list[Row]) -> list[str]:
    luts = np.array([[row["lut"], row["estimated"]["lut"]] for row in rows], float)
    errors = np.abs(luts[:, 1] - luts[:, 0]) / np.maximum(luts[:, 0], 1)
    exact = [sum(row[name] == row["estimated"][name] for row in rows) for name in RESOURCES[1:]]
    return [kind, str(len(rows)), f"{luts[:, 0].min():.0f} to {luts[:, 0].max():.0f}", f"{np.median(errors):.1%}",
            f"{errors.max():.1%}", *(f"{number} of {len(rows)}" for number in exact)]


if __name__ == "__main__":
    tabulate("layer_estimates", "Errors of the estimates of single layers and stages.", measure, table)
