"""A comparison as one HTML page that needs nothing else: no script, no font, no image of anybody's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from quantunet_hls.compare.cells import Mark, telling
from quantunet_hls.compare.comparison import Comparison
from quantunet_hls.compare.drawing import COLOURS
from quantunet_hls.compare.plots import draw
from quantunet_hls.compare.tables import FEW, change_text, told_apart, value_text
from quantunet_hls.compare.verdicts import Verdict, notes_of
from quantunet_hls.core.printable import printable
from quantunet_hls.reports.amounts import amount
from quantunet_hls.reports.schema import Report

__all__ = ["is_page", "page"]


def page(comparison: Comparison, verdicts: Sequence[Verdict] = ()) -> str:
    """The page's HTML.

    Args:
        comparison: of the designs.
        verdicts: of the rules that they were held to, if any.
    """
    environment = Environment(loader=PackageLoader("quantunet_hls.compare", "."), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["soft"] = _soft
    environment.finalize = _shown
    environment.globals.update(
        amount=amount, change=change_text, value=value_text, marks=Mark, checked=_checked,
        told_apart=told_apart,
        # Our own drawings, whose text matplotlib escapes.
        svg=Markup,
    )
    headline = comparison.headline
    return environment.get_template("page.html.jinja").render(
        designs=comparison.designs,
        baseline=comparison.baseline,
        colours=COLOURS,
        tall=len(comparison.designs) > FEW,
        headline=headline,
        mixed=[row for row in headline if row.origin is None],
        retold=[row for row in headline if any(cell.mark in (Mark.TOOL, Mark.VERSION) for cell in row.cells)],
        every=comparison.every,
        layer_tables=telling(comparison.layer_tables),
        differences=comparison.differences(),
        plots=draw(comparison),
        verdicts=verdicts,
        violated=[verdict for verdict in verdicts if verdict.violated],
        notes=notes_of(verdicts),
        written_by=f"quantunet-hls {version('quantunet-hls')}",
    )


def is_page(text: str) -> bool:
    """Whether a file that begins so is a page that was made here."""
    return text.startswith("<!doctype html>") and "compared</title>" in text[:1000]


def _soft(text: str) -> Markup:
    """The text with places where a narrow screen may break it."""
    return Markup("<wbr>").join(part for part in re.split(r"(?<=[_/])", printable(text)))


def _shown(value: object) -> object:
    """What a template's expression gives, with the escapes of characters that a browser obeys or leaves out."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _checked(report: Report) -> str:
    """What was compared integer by integer."""
    if not report.checks:
        return "nothing"
    values, differing = sum(c.values for c in report.checks), sum(c.differing for c in report.checks)
    return f"{values:,} values, {differing:,} differ"
