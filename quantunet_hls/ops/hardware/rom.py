"""Read-only memories, in LUTs or block RAM by their size."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib.memory import Memory

from quantunet_hls.targets.memories import in_block_rom
from quantunet_hls.types.fixed import Integers

__all__ = ["packed_words", "rom"]

#: Words that are taken into bits together.
_AT_A_TIME = 256


def rom(m: Module, name: str, words: Integers, width: int) -> tuple[Value, Signal]:
    """Words of codes (words, n) in ``width`` bits each: the data, and the address register, a clock before it."""
    total = width * words.shape[1]
    block = in_block_rom(len(words), total)
    memory = Memory(shape=unsigned(total), depth=len(words), init=packed_words(words, width),
                    attrs={"rom_style": "block"} if block else None)
    m.submodules[name] = memory
    at = Signal(range(len(words)), name=f"{name}_at")
    port = memory.read_port(domain="sync")
    m.d.comb += [port.addr.eq(at), port.en.eq(1)]
    return port.data, at


def packed_words(words: Integers, width: int) -> list[int]:
    """Codes (words, n) as one number a word, code 0 in the lowest bits; no code has more than ``width``."""
    bits = np.minimum(np.arange(width), 63)
    packed: list[int] = []
    for start in range(0, len(words), _AT_A_TIME):
        codes = np.asarray(words[start:start + _AT_A_TIME], np.int64)[..., None] >> bits & 1
        rows = np.packbits(codes.astype(np.uint8).reshape(len(codes), -1), axis=1, bitorder="little")
        packed += (int.from_bytes(row.tobytes(), "little") for row in rows)
    return packed
