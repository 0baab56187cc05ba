"""What memories become: how many blocks, or how many LUTs, chosen by cost as Yosys's ``memory_libmap`` does.

The pass weighs, for each kind of memory cell and each width of it, what the cells, the
multiplexers behind deep memories, and what a cell can't do by itself would cost, and
takes the least; cells and costs are those of Yosys 0.70's libraries for the families
(``techlibs/xilinx/brams_xc4v.txt``, ``lutrams_xcu.txt`` and ``lutrams_xc5v.txt``,
``techlibs/lattice/brams_16kd.txt`` and ``lutrams_trellis.txt``). Shapes of the cells are the
vendors': UG573 and UG574; UG473 and UG474; FPGA-TN-02204 and FPGA-DS-02012. Nothing here is
fitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from quantunet_hls.ops.hardware.rom import in_block_rom

__all__ = ["Layout", "Memory", "fabric_of", "layout"]

#: Costs of a bit's multiplexer behind a deep memory, of a write enable before it, of a unit of what is emulated.
_MUX, _DEMUX, _EMULATION = 0.5, 0.5, 2.0

#: Bits that share a write enable.
_BYTE = 9


@dataclass(frozen=True)
class Memory:
    """A memory of ``depth`` words of ``width`` bits; a ROM is one that nothing writes.

    Attributes:
        registered: whether it is read with a clock, so that it may become memory blocks.
    """

    depth: int
    width: int
    rom: bool = False
    registered: bool = True

    @property
    def bits(self) -> int:
        """All it holds."""
        return self.depth * self.width


@dataclass(frozen=True)
class Layout:
    """What a memory is made of.

    Attributes:
        blocks: of 18 kbit.
        cells: LUTs that are memory.
        copies: of its words, side by side where it is deeper than a cell; what is read is chosen from so many.
    """

    blocks: int = 0
    cells: int = 0
    copies: int = 1


@dataclass(frozen=True)
class _Cell:
    """A kind of memory cell.

    Attributes:
        address_bits: at a width of one bit.
        widths: of its ports, each half as deep as the one before.
        cost: of a cell.
        blocks, luts: what a cell is.
        scaled: of its cost what shrinks with the bits that are used of its width.
        emulated: points for what the cell can't do when a memory is written and read at once.
    """

    address_bits: int
    widths: tuple[int, ...]
    cost: float
    blocks: int = 0
    luts: int = 0
    scaled: float = 0
    emulated: int = 1

    def layouts(self, memory: Memory) -> Iterator[tuple[float, Layout]]:
        """Cost and layout at each width."""
        for index, width in enumerate(self.widths):
            copies = -(-memory.depth >> (self.address_bits - index))
            grain = 1 if memory.rom else min(_BYTE, width) if self.blocks else width
            columns = -(-memory.width // grain) * grain
            number = -(-copies * columns // width)
            used = copies * memory.width / width
            cost = (self.cost - self.scaled) * number + self.scaled * used
            if copies > 1:
                cost += _MUX * (copies - 1) * memory.width + _DEMUX * copies * (not memory.rom)
            cost += _EMULATION * (1 if memory.rom else self.emulated)
            yield cost, Layout(number * self.blocks, number * self.luts, copies)


_XILINX_BLOCKS = (_Cell(14, (1, 2, 4, 9, 18, 36), 129, blocks=1), _Cell(15, (1, 2, 4, 9, 18, 36, 72), 257, blocks=2))
#: Cells of 32 and of 64 words.
_ULTRASCALE_LUTS = (_Cell(5, (14,), 16, luts=8, scaled=16), _Cell(6, (7,), 16, luts=8, scaled=16))
_SERIES7_LUTS = (_Cell(5, (6,), 8, luts=4, scaled=7), _Cell(6, (3,), 8, luts=4, scaled=7))
#: Blocks of the ECP5 don't say what is read when the same word is written; logic beside them does.
_ECP5_BLOCKS = (_Cell(14, (1, 2, 4, 9, 18, 36), 128, blocks=1, emulated=7),)
_ECP5_LUTS = (_Cell(4, (4,), 4, luts=4),)

#: Of a family: its blocks, its LUTs as memory, and what a ROM's bit costs that is made of logic.
_CELLS = {
    "xcup": (_XILINX_BLOCKS, _ULTRASCALE_LUTS, 1 / 64),
    "xcu": (_XILINX_BLOCKS, _ULTRASCALE_LUTS, 1 / 64),
    "xc7": (_XILINX_BLOCKS, _SERIES7_LUTS, 1 / 64),
    "ecp5": (_ECP5_BLOCKS, _ECP5_LUTS, 1 / 16),
}


def fabric_of(family: str | None) -> str:
    """The family whose cells a design is estimated with; UltraScale+ where the board's is not known."""
    return family if family in _CELLS else "xcup"


def layout(memory: Memory, family: str = "xcup") -> Layout:
    """What Yosys makes of a memory: the cheapest of blocks, LUT memory, and logic, which has neither blocks nor cells.

    Args:
        family: of parts: xcup, xc7 or ecp5.
    """
    blocks, luts, rom_bit = _CELLS[family]
    choices = [choice for cell in blocks for choice in cell.layouts(memory)] if memory.registered else []
    if memory.rom:
        # Its attribute allows blocks alone.
        if not in_block_rom(memory.depth, memory.width) or not choices:
            choices.append((memory.bits * rom_bit, Layout()))
    else:
        choices += [(float(memory.bits), Layout())]
        choices += [choice for cell in luts for choice in cell.layouts(memory)]
    return min(choices, key=lambda choice: choice[0])[1]
