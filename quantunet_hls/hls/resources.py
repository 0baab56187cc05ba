"""LUTs, DSP blocks and block RAM of the modules that Vitis HLS makes of hls4ml's C++, before it makes them.

What is estimated is what C-synthesis itself reports (source ``csynth``), which is no
mapped netlist: it counts 9 LUTs for a multiplexer of two inputs however wide it is,
and none for the shift registers of line buffers and FIFOs.

The laws are those of the templates of hls4ml 1.3.0 (``nnet_dense_resource.h``,
``nnet_conv_stream.h``) and of Vitis HLS, read off published reports of its versions
2022.1 to 2025.2. Their figures are in ``benchmarks/published/hls_reports.csv``, each
with repository, commit and path of its report; ``benchmarks/hls_estimates.py`` fits
:data:`LUT_COSTS` to some of these repositories and holds the result against the
others. :data:`RANGES` is what there are reports of; an estimate of anything outside
says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import TypeAlias

from quantunet_hls.types.fixed import FixedType

__all__ = [
    "LUT_COSTS",
    "RANGES",
    "Convolution",
    "Estimate",
    "Fifo",
    "LutParts",
    "MaxPooling",
    "Padding",
    "Relu",
    "Sigmoid",
    "Work",
    "estimate",
    "kind_of",
    "line_buffer_luts",
    "lut_parts",
    "product_parts",
    "quantities",
    "rom_blocks",
    "structural_luts",
]


@dataclass(frozen=True)
class Convolution:
    """A convolution of strategy Resource in ``io_stream``.

    Attributes:
        kernel: rows and columns.
        channels: of a pixel that comes in.
        filters: channels of a pixel that goes out.
        reuse: cycles that a pixel takes on the multipliers.
        input: type of a pixel's channel.
        weight: type of the weights.
        accumulator: type of the sums.
        line: pixels of a row of the image, padding included.
    """

    kernel: tuple[int, int]
    channels: int
    filters: int
    reuse: int
    input: FixedType
    weight: FixedType
    accumulator: FixedType
    line: int

    @property
    def inputs(self) -> int:
        """Values of a window."""
        return self.kernel[0] * self.kernel[1] * self.channels

    @property
    def groups(self) -> int:
        """Products of a filter in a cycle; 1 where a filter has none in some cycles."""
        return max(1, self.inputs // self.reuse)

    @property
    def turns(self) -> int:
        """Filters that take turns on the same multipliers."""
        return max(1, self.reuse // self.inputs)

    @property
    def products(self) -> int:
        """Products in a cycle: hls4ml's ``block_factor``."""
        return -(-self.inputs * self.filters // self.reuse)


@dataclass(frozen=True)
class Relu:
    """A ReLU that rounds and saturates to its result's type, of so many channels a pixel."""

    channels: int
    input: FixedType
    result: FixedType


@dataclass(frozen=True)
class MaxPooling:
    """The largest of each window, a pixel of so many channels at a time; windows do not overlap."""

    kernel: tuple[int, int]
    channels: int
    input: FixedType


@dataclass(frozen=True)
class Padding:
    """Zeros around an image of so many channels."""

    channels: int


@dataclass(frozen=True)
class Sigmoid:
    """A table of 1,024 entries, of so many channels a pixel."""

    channels: int


@dataclass(frozen=True)
class Fifo:
    """A stream between two modules, of so many words of so many bits."""

    depth: int
    bits: int


Work: TypeAlias = Convolution | Relu | MaxPooling | Padding | Sigmoid | Fifo


@dataclass(frozen=True)
class Estimate:
    """Resources in the units of the board catalogue.

    Attributes:
        outside: what lies outside of what there are reports of, in words; empty where nothing does.
    """

    lut: int
    dsp: int
    bram_18k: int
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class LutParts:
    """What LUTs are fitted to, in the units that each part grows with.

    Attributes:
        controls: loops over an image around a convolution's products.
        multipliers: modules that multiply, whatever they have.
        filters: sums that are kept.
        turning: modules in which filters take turns.
        relus, lanes, compared, rounded, limited: ReLUs; their channels; bits of these that come in; channels that are
            rounded; channels that can saturate.
        poolings, pooled, pooled_bits: max poolings; their channels; bits of these.
        paddings, sigmoids: a number.
        fifos, levels: FIFOs, and bits of their addresses.
    """

    controls: float = 0
    multipliers: float = 0
    filters: float = 0
    turning: float = 0
    relus: float = 0
    lanes: float = 0
    compared: float = 0
    rounded: float = 0
    limited: float = 0
    poolings: float = 0
    pooled: float = 0
    pooled_bits: float = 0
    paddings: float = 0
    sigmoids: float = 0
    fifos: float = 0
    levels: float = 0


#: LUTs that each of :class:`LutParts` takes, as ``benchmarks/hls_estimates.py --fit`` finds them. Convolutions and what
#: multiplies in them are fitted to three designs of one repository (Vitis HLS 2024.2, activations of 6 and 8 bits,
#: weights of 6), ReLUs to four repositories, poolings to two of Vitis HLS 2023.2 and later, paddings and sigmoids to
#: one, FIFOs to five. Modules of other repositories are off by at most 10.4 % (convolutions), 23.5 % (ReLUs), 10.9 %
#: (poolings; 35.5 % with Vitis HLS 2022.1), 6.1 % (paddings), 5.2 % (sigmoids) and 10.6 % (all FIFOs of a design).
LUT_COSTS = LutParts(
    controls=614, multipliers=95.7, filters=17, turning=198, relus=94.2, lanes=7.72, compared=1.4, rounded=38.7,
    limited=32.3, poolings=616, pooled=79.7, pooled_bits=5.6, paddings=453, sigmoids=199, fifos=42.7, levels=3.94)

#: What there are published reports of: least and most of each quantity of :func:`quantities`.
RANGES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "convolution": {
        "kernel rows": (3, 5), "values of a window": (9, 125), "filters": (1, 7), "reuse factor": (25, 252),
        "products a cycle": (1, 10), "products a cycle and filter": (1, 5), "bits of the input": (6, 16),
        "bits of the weights": (6, 10), "pixels of a row": (5, 256)},
    "relu": {"channels": (2, 64), "bits of the input": (16, 42), "bits of the result": (6, 24)},
    "max_pooling": {"kernel rows": (2, 2), "kernel columns": (2, 2), "channels": (2, 64), "bits of the input": (8, 24)},
    "padding": {"channels": (1, 64)},
    "sigmoid": {"channels": (1, 1)},
    "fifo": {"words": (1, 4096), "bits of a word": (8, 1344)},
}

#: LUTs for each value of a window: two multiplexers of two inputs, as the module's report lists them. (The only one
#: with more than 125 values, a dense layer with 726, has three inputs and 26 LUTs; it is in no fit.)
_VALUE = 18
#: LUTs of a multiplexer that chooses one of n values of b bits, 17 + n b 2/3: 217 for 50 values of 6 bits.
_CHOICE, _CHOICE_BIT = 17, 2 / 3
#: LUTs of a product by the bits of its factors: 26 for 6 by 6.
_PRODUCT_BIT = 26 / 36
#: LUTs of an adder beyond its bits: 26 for 19 bits.
_ADDER = 7
#: LUTs of a line buffer for each value of its windows but the newest, and for each row that it holds: exact in all
#: reports of 2 to 5 rows, of 5 to 256 pixels and of 6 to 16 bits.
_HELD, _ROW = 9, 23

#: A factor of more bits makes a product by itself a DSP block's: 16 by 5 bits is one, 10 by 10 bits is none.
_WIDEST_SOFT_FACTOR = 10

#: FIFOs of no more bits, or no more words, are shift registers (UG1399, "Storage Configuration", defaults).
_SHIFTED_BITS, _SHIFTED_WORDS = 1024, 2

#: Words and bits of a block of 18 kbit that is written and read at once, and of one that is only read (UG573).
_FIFO_SHAPES = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
_ROM_SHAPES = ((512, 36), *_FIFO_SHAPES)


def estimate(work: Work) -> Estimate:
    """Resources of a module, as C-synthesis is likely to report them."""
    costs = zip(astuple(lut_parts(work)), astuple(LUT_COSTS), strict=True)
    luts = structural_luts(work) + sum(number * cost for number, cost in costs)
    return Estimate(round(luts), _dsp_blocks(work), _memory_blocks(work), _outside(work))


def kind_of(work: Work) -> str:
    """The kind of a module, as :data:`RANGES` and the table of reports call it."""
    return {Convolution: "convolution", Relu: "relu", MaxPooling: "max_pooling", Padding: "padding",
            Sigmoid: "sigmoid", Fifo: "fifo"}[type(work)]


def quantities(work: Work) -> dict[str, int]:
    """What an estimate depends on, by name."""
    match work:
        case Convolution():
            return {"kernel rows": work.kernel[0], "values of a window": work.inputs, "filters": work.filters,
                    "reuse factor": work.reuse, "products a cycle": work.products,
                    "products a cycle and filter": work.groups, "bits of the input": work.input.width,
                    "bits of the weights": work.weight.width, "pixels of a row": work.line}
        case Relu():
            return {"channels": work.channels, "bits of the input": work.input.width,
                    "bits of the result": work.result.width}
        case MaxPooling():
            return {"kernel rows": work.kernel[0], "kernel columns": work.kernel[1], "channels": work.channels,
                    "bits of the input": work.input.width}
        case Padding() | Sigmoid():
            return {"channels": work.channels}
        case Fifo():
            return {"words": work.depth, "bits of a word": work.bits}


def lut_parts(work: Work) -> LutParts:
    """What of a module's LUTs is fitted."""
    match work:
        case Convolution():
            # Without a line buffer nothing is known of the loop around the products but that there is one.
            parts = product_parts(work)
            return LutParts(controls=1, multipliers=parts.multipliers, filters=parts.filters, turning=parts.turning)
        case Relu():
            rounds = work.result.rounding != "TRN" and work.result.fraction < work.input.fraction
            limits = work.result.saturation != "WRAP" and _magnitude(work.result) < _magnitude(work.input)
            return LutParts(relus=1, lanes=work.channels, compared=work.channels * work.input.width,
                            rounded=work.channels * rounds, limited=work.channels * limits)
        case MaxPooling():
            return LutParts(poolings=1, pooled=work.channels, pooled_bits=work.channels * work.input.width)
        case Padding():
            return LutParts(paddings=1)
        case Sigmoid():
            return LutParts(sigmoids=work.channels)
        case Fifo():
            return LutParts(fifos=1, levels=(work.depth - 1).bit_length())


def product_parts(work: Convolution) -> LutParts:
    """What is fitted of a convolution's products alone: the module that HLS names after ``dense_resource``."""
    return LutParts(multipliers=1, filters=work.filters, turning=work.turns > 1 or work.reuse > work.inputs)


def structural_luts(work: Work, buffered: bool = True) -> float:
    """What follows of a module's LUTs from how it is built: choices of values, products, adders, line buffers.

    Args:
        buffered: whether a convolution's line buffer counts.
    """
    if not isinstance(work, Convolution):
        return 0
    luts = _VALUE * work.inputs + work.groups * _CHOICE + _CHOICE_BIT * work.inputs * work.input.width
    alone = work.products - _in_adders(work)
    if not _wide(work):
        luts += alone * work.input.width * work.weight.width * _PRODUCT_BIT
    luts += alone * (work.accumulator.width + _ADDER)
    if work.reuse > work.inputs:
        luts += work.products * work.accumulator.width * (2 * work.turns - 1)
    if buffered and work.kernel[0] > 1:
        luts += line_buffer_luts(work.kernel, work.channels)
    return luts


def line_buffer_luts(kernel: tuple[int, int], channels: int) -> int:
    """LUTs of a line buffer with its window."""
    rows, columns = kernel
    return channels * (_HELD * (rows * columns - 1) + _ROW * (rows - 1))


def rom_blocks(words: int, bits: int) -> int:
    """Blocks of 18 kbit that weights take, ``bits`` in each of ``words`` cycles."""
    return _blocks(words, bits, _ROM_SHAPES)


def _dsp_blocks(work: Work) -> int:
    """Products that are one with a sum, and all of them where a factor is wide.

    A product and the sum behind it become one DSP block (``mac_muladd``) however
    narrow they are (6 by 3 bits is among those reported), unless the sum drops bits
    of the product.
    """
    if not isinstance(work, Convolution):
        return 0
    return work.products if _wide(work) else _in_adders(work)


def _wide(work: Convolution) -> bool:
    return max(work.input.width, work.weight.width) > _WIDEST_SOFT_FACTOR


def _in_adders(work: Convolution) -> int:
    """Products that are one with the adder behind them."""
    if work.accumulator.fraction < work.input.fraction + work.weight.fraction:
        return 0
    return _fused(work.groups) * (work.products // work.groups)


@lru_cache(maxsize=1024)
def _fused(products: int) -> int:
    """Of so many products that are summed, those that are one with an adder: of each pair of a balanced tree one."""
    return 1 if products == 1 else _fused_in_tree(products)


@lru_cache(maxsize=1024)
def _fused_in_tree(products: int) -> int:
    if products == 1:
        return 0
    low, high = products // 2, products - products // 2
    return _fused_in_tree(low) + _fused_in_tree(high) + (low == 1)


def _memory_blocks(work: Work) -> int:
    match work:
        case Convolution():
            # With one word the weights are constants.
            return rom_blocks(work.reuse, work.products * work.weight.width) if work.reuse > 1 else 0
        case Sigmoid():
            return work.channels
        case Fifo():
            if work.depth * work.bits <= _SHIFTED_BITS or work.depth <= _SHIFTED_WORDS:
                return 0
            return _blocks(work.depth, work.bits, _FIFO_SHAPES)
    return 0


def _blocks(words: int, bits: int, shapes: tuple[tuple[int, int], ...]) -> int:
    """Of the widest shape that is deep enough; of the deepest one where none is."""
    depth, width = next((shape for shape in shapes if shape[0] >= words), shapes[-1])
    return -(-words // depth) * -(-bits // width)


def _magnitude(kind: FixedType) -> int:
    return kind.integer - kind.signed


def _outside(work: Work) -> tuple[str, ...]:
    ranges = RANGES[kind_of(work)]
    return tuple(f"{value} {name} ({ranges[name][0]} to {ranges[name][1]})" for name, value in quantities(work).items()
                 if not ranges[name][0] <= value <= ranges[name][1])
