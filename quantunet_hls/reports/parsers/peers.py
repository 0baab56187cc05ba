"""Reports from designs that FINN, da4ml or alkaid built."""

from __future__ import annotations

from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports.parsers.da4ml import METADATA, Unrolled, read_da4ml, read_summary
from quantunet_hls.reports.parsers.finn import FILES, read_finn
from quantunet_hls.reports.parsers.hls_folder import created
from quantunet_hls.reports.schema import Network, Report, Target

__all__ = ["read_peer", "read_peers_file"]

_UNKNOWN = "unknown"


def read_peer(folder: Path) -> Report | None:
    """The report of a design whose folder a peer wrote, None where it is none of theirs.

    FINN's is the builder's output or the folder ``report`` in it, the others'
    the project that holds ``metadata.json``.

    Raises:
        ConfigurationError: a file that is no regular file, or too large.
        StepError: a damaged report, or one without a figure.
    """
    for reports in (folder / "report", folder):
        name = _name(reports.resolve().parent if reports.name == "report" else reports.resolve())
        build = read_finn(reports, name)
        if build is not None:
            return _sound(Report(
                name=name,
                created=created(build.files),
                network=build.network,
                target=Target(None, _UNKNOWN, build.clock_ns),
                layers=build.layers,
                figures=build.figures,
                tools={figure.tool: figure.tool_version for figure in build.figures},
                files={path.name: path.relative_to(reports).as_posix() for path in build.files},
            ), reports)
    unrolled = read_da4ml(folder)
    return None if unrolled is None else _sound(_unrolled(unrolled, folder), folder)


def read_peers_file(path: Path) -> tuple[Report, ...]:
    """The reports in a peer's file: one of FINN's or ``metadata.json``, with what stands beside it, or a summary.

    Raises:
        ConfigurationError: no regular file, or one that is too large.
        StepError: a damaged report, or one without a figure.
    """
    if path.name in (*FILES, METADATA):
        found = read_peer(path.absolute().parent)
        return () if found is None else (found,)
    return tuple(_sound(_unrolled(each, path.parent), path) for each in read_summary(path))


def _unrolled(found: Unrolled, folder: Path) -> Report:
    name = _name(Path(found.name))
    return Report(
        name=name,
        created=created(found.files),
        network=Network(name),
        target=Target(None, found.part or _UNKNOWN, found.clock_ns),
        figures=found.figures,
        tools={figure.tool: figure.tool_version for figure in found.figures},
        files={path.name: path.relative_to(folder).as_posix() for path in found.files},
    )


def _name(folder: Path) -> str:
    """Name of a folder, where it has one that can be shown."""
    return folder.name if folder.name and folder.name.isprintable() else "design"


def _sound(report: Report, where: Path) -> Report:
    if not report.figures:
        raise StepError(f"{where} has no figure of a design; build it, then compare it.")
    return report
