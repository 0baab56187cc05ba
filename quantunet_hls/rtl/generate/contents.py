"""Verilog as Yosys writes it, with what is in its memories in files, for tools that are slow with statements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from quantunet_hls.core.files import write_text

__all__ = ["contents_apart", "written_apart"]

#: Words of a memory that stay where they are. Yosys's frontend is quadratic in them: 1,152 take 1.7 CPU seconds.
_LONG_CONTENT = 64

_CONTENT = re.compile(r"  initial begin\n((?:    \S+ ?\[\d+\] = \d+'(?:h[0-9a-f]+|d\d+);\n)+)  end\n")
# Yosys writes words of 32 bits, and no others, as decimal numbers.
_WORD = re.compile(r"    (\S+ ?)\[(\d+)\] = \d+'(?:h([0-9a-f]+)|d(\d+));\n")


def contents_apart(text: str, prefix: str, longest: int = _LONG_CONTENT) -> tuple[str, dict[str, str]]:
    """Verilog with the contents of its long memories in files, for ``$readmemh``, and those files' texts by name.

    Yosys takes 34 CPU seconds or more for 16,384 words as statements, 0.2 from a file (0.70).

    Args:
        text: as Yosys writes it.
        prefix: of the files' names.
        longest: words that stay where they are.
    """
    files: dict[str, str] = {}

    def moved(found: re.Match[str]) -> str:
        if found[1].count("\n") <= longest:
            return found[0]
        memories, places, hexadecimals, decimals = zip(*_WORD.findall(found[1]), strict=True)
        if len(set(memories)) > 1 or [*map(int, places)] != [*range(len(places))]:
            return found[0]
        name = f"{prefix}.{len(files)}.hex"
        words = (text or f"{int(number):x}" for text, number in zip(hexadecimals, decimals, strict=True))
        files[name] = "\n".join(words) + "\n"
        return f'  initial $readmemh("{name}", {memories[0]});\n'

    return _CONTENT.sub(moved, text), files


def written_apart(files: Mapping[str, Path], folder: Path) -> tuple[list[Path], tuple[Path, ...]]:
    """Verilog files for Verilator, and what they read from files beside the program that is made of them.

    As statements, Verilator makes code of every word of a memory, which took most of the time that programs with
    large ROMs took to compile. A program that reads them is the same one for other weights, too.

    Args:
        files: by module name.
        folder: for those that are written anew, and for the contents.
    """
    sources, contents = [], []
    for name, path in files.items():
        text, apart = contents_apart(path.read_text(encoding="utf-8"), name)
        if not apart:
            sources.append(path)
            continue
        sources.append(folder / path.name)
        write_text(sources[-1], text)
        for file, content in apart.items():
            contents.append((folder / file).resolve())
            write_text(contents[-1], content)
    return sources, tuple(contents)
