"""The command ``boards``: the catalogue, or one board of it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from quantunet_hls import boards as catalogue
from quantunet_hls.boards import Board, Resources
from quantunet_hls.cli.screen import screen
from quantunet_hls.reports.grid import Column, Grid

__all__ = ["boards"]

_HEADINGS = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram_18k": "BRAM 18k",
    "uram": "URAM",
    "lutram": "LUT as memory",
}


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def boards(name: str | None, as_json: bool) -> None:
    """List all boards, your own among them, or show the one called NAME or that of a JSON file."""
    chosen = [catalogue.load(name)] if name else [catalogue.load(each) for each in catalogue.names()]
    if as_json:
        facts = [asdict(board) for board in chosen]
        click.echo(json.dumps(facts[0] if name else facts, indent=2))
    else:
        screen().print(_one(chosen[0]) if name else _all(chosen))


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _counts(resources: Resources) -> dict[str, str]:
    return {heading: _count(getattr(resources, name)) for name, heading in _HEADINGS.items()}


def _all(chosen: list[Board]) -> RenderableType:
    # Eighty columns hold no more than this; the rest is in a board's own table.
    shown = [heading for name, heading in _HEADINGS.items() if name not in ("ff", "lutram")]
    columns = (Column("Board", names=True), Column("Part", names=True),
               *(Column(heading, figures=True) for heading in shown))
    rows = [(board.name, board.part, *(_counts(board.resources)[heading] for heading in shown)) for board in chosen]
    return Group(Grid(columns, rows, "Boards"),
                 Text("boards NAME shows the rest: flip-flops, clock, memory, tool chains", "dim"))


def _one(board: Board) -> Table:
    table = Table(title=board.title, show_header=False)
    for _ in range(2):
        table.add_column(overflow="fold")
    table.add_row("Name", board.name)
    table.add_row("Part", f"{board.part} ({board.vendor} {board.series})")
    for heading, count in _counts(board.resources).items():
        table.add_row(heading, count)
    table.add_row("Clock aimed at", f"{board.clock_mhz:g} MHz ({board.clock_ns:g} ns)")
    for memory in board.memory:
        rate = f"{memory.bytes_per_s / 1e9:.4g} GB/s" if memory.bytes_per_s else "rate unknown"
        table.add_row("Memory", f"{memory.kind}, {memory.megabytes:,} MiB, at the {memory.attached_to}, {rate}")
    table.add_row("Tool chains", ", ".join(board.toolchains))
    table.add_row("Part family", board.family)
    for source in board.sources:
        table.add_row("Source", source)
    return table
