"""Contents of memories go to RTLIL bit by bit (``ModuleEmitter.emit_memory``; no issue upstream).

Amaranth 0.5 makes a Python object of every bit, zeros of RAMs included: for 18,432 words
of 256 bits 8 CPU seconds and 0.6 GB. Here the contents are written word by word, behind
its back: it is shown a memory without any, and the cell that it made gets their text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.back.rtlil import ModuleEmitter

__all__ = ["applied"]

_NAME = "emit_memory"


class _Empty:
    """A memory of the netlist as if nothing were in it."""

    init: tuple[int, ...] = ()

    def __init__(self, memory: Any):
        self._memory = memory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)


def _constant(words: tuple[int, ...], width: int) -> str:
    """RTLIL's constant of all words, the first in the lowest bits."""
    bits = "".join(format(word, f"0{width}b") for word in reversed(words))
    return f"{len(bits)}'{bits}"


@contextmanager
def applied() -> Iterator[None]:
    """Amaranth's RTLIL, the same text, from contents as whole words."""
    theirs = getattr(ModuleEmitter, _NAME)

    def emit(emitter: Any, index: int, memory: Any) -> None:
        theirs(emitter, index, _Empty(memory))
        made = next(reversed(emitter.builder.contents.values()))
        made.ports["DATA"] = _constant(memory.init, memory.width)

    setattr(ModuleEmitter, _NAME, emit)
    try:
        yield
    finally:
        setattr(ModuleEmitter, _NAME, theirs)
