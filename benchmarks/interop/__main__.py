"""Each network in each form through the flow, up to the simulated RTL: what is built, and what is said of the rest.

Writes ``reports/reference/interop.json``, cell by cell, and the table
``docs/interop.md`` of all that stand there. Needs the extra ``interop``::

    python -m benchmarks.interop                              # what does not stand there yet
    python -m benchmarks.interop --network resunet --form qcdq --again
    python -m benchmarks.interop --table                      # the table alone

It takes minutes a cell. What stands there is not tried again, and every cell is stored when it is done, so that a run
that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from benchmarks.interop.forms import FORMS, write_form
from benchmarks.interop.networks import NETWORKS
from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.files import read_json, write_json, write_text

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "reports" / "reference" / "interop.json"
TABLE = ROOT / "docs" / "interop.md"

#: What the forms are called in the table.
FORM_TITLES = {"float": "float, calibrated", "defaults": "Brevitas defaults",
               "powers_of_two": "Brevitas, powers of two", "qcdq": "QCDQ"}


@dataclass(frozen=True)
class Cell:
    """What became of one network in one form.

    Attributes:
        refused: the sentence that says why it was not built, empty where it was.
        values: how many integers were compared between executors, RTL included.
        differing: how many of them differ.
        executors: pairs of executors that were compared.
        seconds: that all this took.
    """

    refused: str
    values: int
    differing: int
    executors: tuple[str, ...]
    seconds: float


def tried(name: str, form: str) -> Cell:
    """One network in one form, through C-simulation and RTL simulation."""
    begun = time.monotonic()
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}_{form}.onnx"
        write_form(name, form, path)
        images = np.random.default_rng(0).random((2, *NETWORKS[name].image), dtype=np.float32)
        try:
            made = generate_accelerator(path, "zcu104", data=images, images=len(images),
                                        toolchain="open", last="rtl", projects=Path(folder) / "projects",
                                        reports=Path(folder) / "reports")
        except QuantUNetError as error:
            return Cell(str(error), 0, 0, (), round(time.monotonic() - begun))
    pairs = dict.fromkeys(f"{check.reference} = {check.candidate}" for check in made.checks)
    return Cell("", sum(check.values for check in made.checks), made.differing, tuple(pairs),
                round(time.monotonic() - begun))


def _words(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    if cell.refused:
        return "refused"
    return f"{cell.differing:,} of {cell.values:,}"


def table(cells: Mapping[str, Mapping[str, Cell]]) -> str:
    """The document: a row a network, and below it what the refusals say."""
    built = [cell for row in cells.values() for cell in row.values() if not cell.refused]
    tried_cells = sum(len(row) for row in cells.values())
    lines = [
        "# Networks of other projects", "",
        "Networks from the packages that publish them, and in the form that many projects write them, small "
        "(32x32 pixels, few channels, random weights, batch normalization; encoders of segmentation_models_pytorch "
        "have an eighth of their channels), as `python -m benchmarks.interop` takes them through the flow: ingest, "
        "hls4ml project, C-simulation and simulated RTL. A cell says how many integers differ between the executors, "
        "of all that were compared; - was not tried.", "",
        f"{len(built)} of {tried_cells} built; {sum(cell.differing for cell in built):,} of "
        f"{sum(cell.values for cell in built):,} values differ.", "",
        f"| network | {' | '.join(FORM_TITLES.values())} |", f"|---|{'---|' * len(FORM_TITLES)}"]
    lines += [f"| {known.title} | {' | '.join(_words(cells.get(name, {}).get(form)) for form in FORM_TITLES)} |"
              for name, known in NETWORKS.items()]
    refused = [f"- {NETWORKS[name].title}, {FORM_TITLES[form]}: {cell.refused}"
               for name, row in cells.items() for form, cell in row.items() if cell.refused]
    return "\n".join([*lines, *(["", "What the refusals say:", "", *refused] if refused else [])]) + "\n"


def stored_cells(path: Path) -> dict[str, dict[str, Cell]]:
    """The cells of a file of results, by network and form; none where there is no file yet."""
    return msgspec.convert(read_json(path) if path.exists() else {}, dict[str, dict[str, Cell]])


def main() -> None:
    """The cells that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--form", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--again", action="store_true", help="also what stands there already")
    parser.add_argument("--table", action="store_true", help="write the table of what stands there")
    asked = parser.parse_args()
    for name in [] if asked.table else asked.network:
        for form in asked.form:
            if form in stored_cells(RESULTS).get(name, {}) and not asked.again:
                continue
            cell = tried(name, form)
            print(f"{name} {form}: {cell.refused or _words(cell)} ({cell.seconds:.0f} s)", flush=True)
            # Read again: another run may have stored its cells meanwhile.
            cells = stored_cells(RESULTS)
            cells.setdefault(name, {})[form] = cell
            write_json(RESULTS, msgspec.to_builtins(cells))
    write_text(TABLE, table(stored_cells(RESULTS)))


if __name__ == "__main__":
    main()
