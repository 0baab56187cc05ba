import io

import pytest
from rich.console import Console

from quantunet_hls.reports.grid import Column, Grid, Section

FIGURES = ("1,109,544 bits", "105.5% of 230,400", "-0.871 ns")


def shown(grid, width):
    stream = io.StringIO()
    Console(file=stream, width=width).print(grid)
    return stream.getvalue()


GRID = Grid((Column("What there is to know"), Column("Value", figures=True), Column("Tool of a long name indeed")),
            [Section("RTL"), *((f"the figure number {i}", figure, "RTL simulation by a tool, twice")
                               for i, figure in enumerate(FIGURES))], "Title")


@pytest.mark.parametrize("width", [400, 120, 80, 60, 50, 40, 30, 22])
def test_no_figure_is_cut_or_broken_however_narrow_the_screen(width):
    lines = shown(GRID, width).splitlines()
    assert max(map(len, lines)) <= width
    for figure in FIGURES:
        # Where a row is a block, it may break between the words of a figure, not in a number.
        parts = [figure] if width >= 50 else figure.split()
        assert all(any(part in line for line in lines) for part in parts), (figure, width)
    assert "…" not in "".join(lines)
    for word in ("RTL", "Title"):
        assert any(word in line for line in lines)


def test_a_row_without_room_is_a_block_with_the_titles_of_its_columns():
    assert "Value: 1,109,544 bits" in shown(GRID, 35)
    assert "Value: " not in shown(GRID, 80)


def test_a_text_is_shown_as_it_is():
    hostile = "[bold]x[/bold] :smile: \x1b[2J"
    text = shown(Grid((Column(hostile),), [(hostile,)], hostile), 200)
    assert text.count(r"[bold]x[/bold] :smile: \x1b[2J") == 3
    assert "\x1b" not in text
