"""What the commands print with: text as it is, nothing that a terminal would obey, and no figure cut."""

from __future__ import annotations

import os
import sys

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from quantunet_hls.core.printable import cut, printable

__all__ = ["message", "screen"]

#: Where output is no terminal nothing says how wide it is, and nothing need be cut.
_WIDTH_OF_FILES = 400


class _Plain:
    """Something to print, whose text has no control characters of its own."""

    def __init__(self, content: ConsoleRenderable):
        self.content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.content, options):
            yield segment if segment.control else Segment(printable(segment.text, keep="\n"), segment.style)


class _OnlyText(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Plain(each) for each in renderables]


def screen(*, stderr: bool = False) -> Console:
    """A console for a command's tables and lines; what looks like markup in them is text."""
    # Tables go to the output; what else says something is wrapped as ever, and a log fills its lines.
    known = stderr or sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False,
                      width=None if known else _WIDTH_OF_FILES)
    console.push_render_hook(_OnlyText())
    return console


def message(text: object) -> str:
    """An error or a note for the terminal: its lines, without control characters, as long as a person reads."""
    return printable(cut(str(text)), keep="\n")
