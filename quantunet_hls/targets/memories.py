"""What memories become: how many blocks, or how many LUTs, chosen by cost as Yosys's ``memory_libmap`` does.

The pass weighs, for each kind of memory cell and each width of it, what the cells, the
multiplexers behind deep memories, and what a cell can't do by itself would cost, and
takes the least. Each family has its cells and their costs, from Yosys's libraries and the
vendors' guides; nothing of it is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantunet_hls.targets.family import Family

__all__ = ["Layout", "Memory", "MemoryCell", "MemoryCells", "in_block_rom", "layout", "ultra_of_buffer"]

#: ROMs of at least this many words and bits are asked for in block RAM; smaller ones are cheaper in LUTs.
BLOCK_ROM_WORDS = 128
BLOCK_ROM_BITS = 4096

#: Words and bits of an UltraRAM block (UG573): with two addresses, and with one, at which both its ports work together.
ULTRA_SHAPES = ((4096, 72), (2048, 144))
#: What Yosys says that a block costs.
_ULTRA_COST = 1024.0
#: Bits that share a write enable; in a row of blocks stand words side by side that begin at any of these.
_ULTRA_BYTES = (8, 9)

#: Costs of a bit's multiplexer behind a deep memory, of a write enable before it, of a unit of what is emulated.
_MUX, _DEMUX, _EMULATION = 0.5, 0.5, 2.0

#: Bits that share a write enable.
_BYTE = 9


@dataclass(frozen=True)
class Memory:
    """A memory of ``depth`` words of ``width`` bits; a ROM is one that nothing writes.

    Attributes:
        registered: whether it is read with a clock, so that it may become memory blocks.
        ultra: whether it is asked for in UltraRAM, and written and read at one address.
    """

    depth: int
    width: int
    rom: bool = False
    registered: bool = True
    ultra: bool = False

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
        ultra: UltraRAM blocks.
    """

    blocks: int = 0
    cells: int = 0
    copies: int = 1
    ultra: int = 0


@dataclass(frozen=True)
class MemoryCell:
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


@dataclass(frozen=True)
class MemoryCells:
    """What a family makes memories of.

    Attributes:
        blocks: its memory blocks.
        luts: its LUTs as memory.
        rom_bit: what a ROM's bit costs that is made of logic.
        choosers: LUTs that choose a bit from so many copies of a memory.
        remembers: whether logic beside a block must tell what is read when the same word is written, for the block
            doesn't.
    """

    blocks: tuple[MemoryCell, ...]
    luts: tuple[MemoryCell, ...]
    rom_bit: float
    choosers: Callable[[int], int]
    remembers: bool = False


def in_block_rom(words: int, bits: int) -> bool:
    """Whether a ROM of so many words of so many bits is asked for in block RAM."""
    return words >= BLOCK_ROM_WORDS and words * bits >= BLOCK_ROM_BITS


def layout(memory: Memory, family: Family) -> Layout:
    """What Yosys makes of a memory: the cheapest of blocks, LUT memory, and logic, which has neither."""
    if memory.ultra:
        return min((_ultra_layout(memory, *shape) for shape in ULTRA_SHAPES), key=lambda choice: choice[0])[1]
    cells = family.memories
    choices = [choice for cell in cells.blocks for choice in cell.layouts(memory)] if memory.registered else []
    if memory.rom:
        # Its attribute allows blocks alone.
        if not in_block_rom(memory.depth, memory.width) or not choices:
            choices.append((memory.bits * cells.rom_bit, Layout()))
    else:
        choices += [(float(memory.bits), Layout())]
        choices += [choice for cell in cells.luts for choice in cell.layouts(memory)]
    return min(choices, key=lambda choice: choice[0])[1]


def ultra_of_buffer(memory: Memory) -> int:
    """UltraRAM blocks that a memory would take which is written and read at different addresses."""
    return _ultra_layout(memory, *ULTRA_SHAPES[0])[1].ultra


def _ultra_layout(memory: Memory, words: int, bits: int) -> tuple[float, Layout]:
    """Cost and layout in UltraRAM blocks of so many words of so many bits."""
    copies = -(-memory.depth // words)
    columns = min(-(-memory.width // byte) * byte for byte in _ULTRA_BYTES)
    number = -(-copies * columns // bits)
    beside = (copies - 1) * memory.width * _MUX + (copies > 1) * copies * _DEMUX
    return _ULTRA_COST * number + beside, Layout(copies=copies, ultra=number)
