"""What the tables of mapped cells have in common: their options, the JSON file of their rows, Markdown."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from quantunet_hls.core.files import write_json
from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.targets import FAMILIES, Family, family_named

__all__ = ["REFERENCES", "Row", "markdown", "tabulate"]

REFERENCES = Path(__file__).parent.parent / "reports" / "reference"

Row = dict[str, Any]


def tabulate(name: str, description: str, measure: Callable[[Family, Path], Iterator[Row]],
             table: Callable[[list[Row]], str], **versions: str) -> None:
    """Measure for the family that is asked for, keep the rows in a JSON file as they come, print the table.

    Args:
        name: of the file, in front of the family's.
        description: what is measured, for those who ask for help.
        measure: gives the rows, from a family and the folder in which what was mapped is kept.
        table: the rows as Markdown.
        versions: of other tools than Yosys.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--family", required=True, choices=[each.name for each in FAMILIES if each.mapped])
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--cache", type=Path, default=Path(".cache") / name)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    out = arguments.out or REFERENCES / f"{name}_{arguments.family}.json"
    rows: list[Row] = []
    for row in measure(family_named(arguments.family), arguments.cache):
        logging.info("%s", row)
        rows.append(row)
        write_json(out, {"family": arguments.family, "yosys": yosys_version(), "source": "mapped", **versions,
                         "rows": rows})
    sys.stdout.write(table(rows) + "\n")


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|",
                      *("| " + " | ".join(row) + " |" for row in rows)])
