"""Whatever holds a report, opened: a file, a design's folder, an hls4ml project, a sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from quantunet_hls.compare.comparison import Design
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports.merge import PARTS, merge
from quantunet_hls.reports.parsers.foreign import read_value
from quantunet_hls.reports.parsers.hls4ml_project import CONFIGURATION, read_project
from quantunet_hls.reports.parsers.hls_folder import read_folder
from quantunet_hls.reports.parsers.peers import read_peer, read_peers_file
from quantunet_hls.reports.parsers.solutions import find_solutions
from quantunet_hls.reports.parsers.sweeps import is_sweep, read_sweep
from quantunet_hls.reports.schema import SCHEMA, Report

__all__ = ["open_designs"]

#: How a name of one's own is given to a design: ``old=reports/a.json``.
_LABEL = "="

_LEDGER = "steps.json"

_OF_C_SYNTHESIS = "csynth.xml"


def open_designs(arguments: Sequence[str | Path]) -> tuple[Design, ...]:
    """The designs that the arguments hold, in their order, each with a label that no other has.

    An argument is a report's JSON file, a folder of such files, the folder of a
    design of this package (under ``hls_projects/``), the folder of any hls4ml
    project or of an HLS tool's reports, what FINN, da4ml or alkaid wrote of a
    design, or a sweep's SQLite file. ``LABEL=PATH`` gives a name.

    Raises:
        ConfigurationError: an argument that is none of these.
        StepError: a project without a report, or with a damaged one.
    """
    found: list[tuple[str, Report, str]] = []
    for argument in map(str, arguments):
        label, _, rest = argument.rpartition(_LABEL)
        path = Path(rest if label and not Path(argument).exists() else argument)
        label = label if str(path) != argument else ""
        reports = _open(path)
        found += [(label if len(reports) == 1 else "", report, origin) for report, origin in reports]
    if not found:
        raise ConfigurationError("There is no report to compare; name at least one.")
    names = Counter(label or report.name for label, report, _ in found)
    designs: list[Design] = []
    taken: set[str] = set()
    for label, report, origin in found:
        name = label or report.name
        unique = name if names[name] == 1 else f"{name} ({origin})"
        count = 2
        while unique in taken:
            unique, count = f"{name} ({origin}) #{count}", count + 1
        taken.add(unique)
        designs.append(Design(unique, report, origin))
    return tuple(designs)


def _open(path: Path) -> list[tuple[Report, str]]:
    try:
        if path.is_dir():
            return _open_folder(path)
        if path.is_file():
            return _open_file(path)
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or path} can't be read ({error.strerror or error}); check the path."
        ) from error
    found = f"{path} is neither a file nor a folder" if path.exists() else f"There is nothing at {path}"
    raise ConfigurationError(f"{found}; name a report, a project's folder or a sweep.")


def _open_file(path: Path) -> list[tuple[Report, str]]:
    if path.name.endswith(_OF_C_SYNTHESIS):
        # What stands beside it says whether it is of the top function.
        folder = path.absolute().parent
        report = read_folder(folder, (folder,))
        if path.name not in (_OF_C_SYNTHESIS, f"{report.name}_{_OF_C_SYNTHESIS}"):
            raise ConfigurationError(f"{path} is of one function of a design of the top {report.name}; name {folder}.")
        return [(report, str(path))]
    if not is_sweep(path):
        peers = () if _is_report(path) else read_peers_file(path)
        return [(report, str(path)) for report in peers] or [(Report.load(path), str(path))]
    reports = read_sweep(path)
    if not reports:
        raise ConfigurationError(f"The sweep {path} has no design that is done; run it first.")
    return [(report, str(path)) for report in reports]


def _is_report(path: Path) -> bool:
    value = read_value(path)
    return isinstance(value, dict) and value.get("schema") == SCHEMA


def _open_folder(folder: Path) -> list[tuple[Report, str]]:
    if (folder / CONFIGURATION).is_file():
        return [(read_project(folder), str(folder))]
    if (folder / _LEDGER).is_file():
        parts = [folder / f"{part}.json" for part in PARTS if (folder / f"{part}.json").is_file()]
        if not parts:
            raise ConfigurationError(
                f"{folder} is a design whose flow has measured nothing yet; run quantunet-hls generate for it first."
            )
        return [(merge([Report.load(part) for part in parts]), str(folder))]
    peer = read_peer(folder)
    if peer is not None:
        return [(peer, str(folder))]
    # Other JSON files may stand beside the reports.
    files = [file for file in sorted(folder.glob("*.json")) if _is_report(file)]
    solutions = () if files else find_solutions(folder)
    if solutions:
        return [(read_folder(folder, solutions), str(folder))]
    if not files:
        raise ConfigurationError(
            f"{folder} holds neither a report nor a project; name a report's JSON file, a design's folder or "
            "the folder of a project of hls4ml, FINN or da4ml."
        )
    return [(Report.load(file), str(file)) for file in files]
