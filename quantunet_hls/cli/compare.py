"""The command ``compare``: reports side by side, on the screen, in files, and as a gate."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from quantunet_hls.cli.screen import message, screen

__all__ = ["compare"]

_SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".csv": "csv", ".json": "json", ".html": "html",
             ".htm": "html"}

#: How a file begins that this command has written; of pages see :func:`is_page`.
_WRITTEN: dict[str, Callable[[str], bool]] = {
    "markdown": lambda text: text.startswith("## Designs compared"),
    "csv": lambda text: text.startswith("design,layer,kind,figure,value,unit,"),
    "json": lambda text: '"schema": "quantunet-hls/comparison"' in text[:200],
}


@click.command()
@click.argument("reports", nargs=-1, required=True, metavar="REPORT...")
@click.option("--baseline", default=None, metavar="NAME",
              help="What the others are held against: a design's name, label or path.  [default: the first]")
@click.option("--fail-if", "rules", multiple=True, metavar="RULE",
              help="End with exit code 1 where this holds, as 'lut>+5%', 'dice<-0.5', 'lut>20000' or "
                   "'layer:enc0a_conv.lut>+5%'; may be repeated.")
@click.option("-o", "--output", "outputs", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
              metavar="FILE", help="Write to a file, by its suffix: .md, .csv, .json or .html; may be repeated.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write Markdown.")
@click.option("--csv", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write every figure, one a line.")
@click.option("--json", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write JSON.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write one page with tables and plots, which needs nothing else.")
@click.option("--all", "every", is_flag=True, help="Show every figure from every source, not only the main ones.")
def compare(reports: tuple[str, ...], baseline: str | None, rules: tuple[str, ...], outputs: tuple[Path, ...],
            every: bool, **files: Path | None) -> None:
    """Put designs side by side.

    REPORT is a report's JSON file, a folder of them, the folder of a design under hls_projects/, the folder
    of any project of hls4ml, FINN, da4ml or alkaid, or the SQLite file of a sweep. NAME=REPORT gives it a
    name of your own.
    """
    from quantunet_hls.compare import compare as side_by_side
    from quantunet_hls.compare import open_designs, tables
    from quantunet_hls.compare.page import is_page, page
    from quantunet_hls.compare.rules import parse_rule
    from quantunet_hls.compare.verdicts import judge, notes_of
    from quantunet_hls.core.errors import ConfigurationError
    from quantunet_hls.core.files import write_json, write_text
    from quantunet_hls.core.outputs import check_outputs

    wanted = [(form, path) for form, path in files.items() if path is not None]
    for path in outputs:
        if path.suffix.lower() not in _SUFFIXES:
            raise ConfigurationError(f"{path} tells no form by its suffix; use one of {', '.join(_SUFFIXES)}.")
        wanted.append((_SUFFIXES[path.suffix.lower()], path))
    parsed = [parse_rule(rule) for rule in rules]
    designs = open_designs(reports)
    check_outputs([(path, _WRITTEN.get(form, is_page)) for form, path in wanted],
                  [Path(design.origin) for design in designs])
    comparison = side_by_side(designs, baseline)
    console = screen()
    console.print(tables.overview(comparison, every=every))
    verdicts = [verdict for rule in parsed for verdict in judge(rule, comparison)]
    for form, path in wanted:
        if form == "markdown":
            write_text(path, tables.markdown(comparison, verdicts))
        elif form == "csv":
            write_text(path, tables.csv_text(comparison))
        elif form == "json":
            write_json(path, tables.json_value(comparison, verdicts))
        else:
            write_text(path, page(comparison, verdicts))
        console.print(f"Written    {path}", soft_wrap=True, highlight=False, markup=False)
    for note in notes_of(verdicts):
        click.echo(f"Note: {message(note)}", err=True)
    violated = [verdict for verdict in verdicts if verdict.violated]
    for verdict in violated:
        click.echo(f"Failed: {message(f'{verdict.rule.text}: {verdict.sentence}')}", err=True)
    if violated:
        sys.exit(1)
    if verdicts:
        console.print(f"All {len(verdicts)} checks of {len(parsed)} rules passed.", highlight=False)
