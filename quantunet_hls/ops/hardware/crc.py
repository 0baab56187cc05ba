"""CRC-32 in hardware, a word of 32 bits a clock."""

from __future__ import annotations

from amaranth.hdl import Cat, Value

__all__ = ["CRC_START", "crc_step"]

#: CRC-32 of IEEE 802.3, its lowest bit first.
_POLYNOMIAL = 0xEDB88320

_WORD_BITS = 32

#: What the register is before the first word; what it is at the end, inverted, is the checksum.
CRC_START = (1 << _WORD_BITS) - 1


def crc_step(crc: Value, word: Value) -> Value:
    """CRC-32 after one more word of 32 bits, its lowest byte first: a sum modulo 2 of bits of both for each bit."""
    bits = crc ^ word
    made = [_shifted(1 << place) for place in range(_WORD_BITS)]
    return Cat(*(Cat(*(bits[place] for place in range(_WORD_BITS) if made[place] >> out & 1)).xor()
                 for out in range(_WORD_BITS)))


def _shifted(register: int) -> int:
    """What the register is after 32 shifts."""
    for _ in range(_WORD_BITS):
        register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register
