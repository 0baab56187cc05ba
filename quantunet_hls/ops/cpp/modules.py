"""LUTs, DSP blocks and block RAM of the modules that Vitis HLS makes of hls4ml's C++, before it makes them.

What is estimated is what C-synthesis itself reports (source ``csynth``), which is no
mapped netlist: it counts 9 LUTs for a multiplexer of two inputs however wide it is,
and none for the shift registers of line buffers and FIFOs.

The laws are those of the templates of hls4ml 1.3.0 (``nnet_dense_resource.h``,
``nnet_conv_stream.h``) and of Vitis HLS, read off published reports of its versions
2022.1 to 2025.2. Their figures are in ``benchmarks/published/hls_reports.csv``, each
with repository, commit and path of its report; ``benchmarks/hls_estimates.py`` fits
the costs of every kind of module to some of these repositories and holds the result
against the others. The ranges of a kind are what there are reports of; an estimate of
anything outside says so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Estimate", "Fifo", "Module", "estimate", "rom_blocks"]

#: FIFOs of no more bits, or no more words, are shift registers (UG1399, "Storage Configuration", defaults).
_SHIFTED_BITS, _SHIFTED_WORDS = 1024, 2

#: Words and bits of a block of 18 kbit that is written and read at once, and of one that is only read (UG573).
_FIFO_SHAPES = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
_ROM_SHAPES = ((512, 36), *_FIFO_SHAPES)


@dataclass(frozen=True)
class Module(ABC):
    """A module of the C++.

    Class attributes:
        kind: as the table of reports calls it.
        lut_costs: LUTs that each of its parts takes, as ``benchmarks/hls_estimates.py --fit`` finds them.
        ranges: what there are published reports of, least and most of each quantity.
    """

    kind: ClassVar[str]
    lut_costs: ClassVar[Mapping[str, float]]
    ranges: ClassVar[Mapping[str, tuple[int, int]]]

    @property
    @abstractmethod
    def quantities(self) -> Mapping[str, int]:
        """What an estimate depends on, by name."""

    @property
    @abstractmethod
    def lut_parts(self) -> Mapping[str, float]:
        """What LUTs are fitted to, in the units that each part grows with, by the names of its costs."""

    @property
    def structural_luts(self) -> float:
        """What follows of its LUTs from how it is built, without a fit."""
        return 0

    @property
    def dsp_blocks(self) -> int:
        """DSP blocks."""
        return 0

    @property
    def memory_blocks(self) -> int:
        """Blocks of 18 kbit."""
        return 0

    @property
    def outside(self) -> tuple[str, ...]:
        """What of it lies outside of the reports, in words."""
        found = []
        for name, value in self.quantities.items():
            least, most = self.ranges[name]
            if not least <= value <= most:
                found.append(f"{value} {name} ({least} to {most})")
        return tuple(found)


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


def estimate(module: Module) -> Estimate:
    """Resources of a module, as C-synthesis is likely to report them."""
    luts = module.structural_luts + sum(
        number * module.lut_costs[name] for name, number in module.lut_parts.items())
    return Estimate(round(luts), module.dsp_blocks, module.memory_blocks, module.outside)


@dataclass(frozen=True)
class Fifo(Module):
    """A stream between two modules, of so many words of so many bits.

    Its costs are fitted to five repositories: ``levels`` are bits of its addresses. All FIFOs of a design of another
    repository are off by at most 10.6 %.
    """

    kind = "fifo"
    lut_costs: ClassVar[Mapping[str, float]] = {"fifos": 42.7, "levels": 3.94}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {"words": (1, 4096), "bits of a word": (8, 1344)}

    depth: int
    bits: int

    @property
    def quantities(self) -> Mapping[str, int]:
        """Words and bits of a word."""
        return {"words": self.depth, "bits of a word": self.bits}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """The FIFO, and its addresses."""
        return {"fifos": 1, "levels": (self.depth - 1).bit_length()}

    @property
    def memory_blocks(self) -> int:
        """Blocks of 18 kbit, where it is no shift register."""
        if self.depth * self.bits <= _SHIFTED_BITS or self.depth <= _SHIFTED_WORDS:
            return 0
        return _blocks(self.depth, self.bits, _FIFO_SHAPES)


def rom_blocks(words: int, bits: int) -> int:
    """Blocks of 18 kbit that weights take, ``bits`` in each of ``words`` cycles."""
    return _blocks(words, bits, _ROM_SHAPES)


def _blocks(words: int, bits: int, shapes: tuple[tuple[int, int], ...]) -> int:
    """Blocks of the widest shape that is deep enough; of the deepest one where none is."""
    depth, width = next((shape for shape in shapes if shape[0] >= words), shapes[-1])
    return -(-words // depth) * -(-bits // width)
