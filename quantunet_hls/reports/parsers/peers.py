"""Reports from designs that FINN, da4ml or alkaid built."""

from __future__ import annotations

from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports.parsers.da4ml import METADATA, read_da4ml, read_summary
from quantunet_hls.reports.parsers.finn import FILES, read_finn
from quantunet_hls.reports.parsers.found import Found
from quantunet_hls.reports.schema import Report

__all__ = ["read_peer", "read_peers_file"]


def read_peer(folder: Path) -> Report | None:
    """The report of a design whose folder a peer wrote, None where it is none of theirs.

    FINN's is the builder's output or the folder ``report`` in it, the others'
    the project that holds ``metadata.json``.

    Raises:
        ConfigurationError: a file that is no regular file, or too large.
        StepError: a damaged report, or one without a figure.
    """
    for reports in (folder / "report", folder):
        build = read_finn(reports)
        if build is not None:
            return _sound(build, reports, reports)
    unrolled = read_da4ml(folder)
    return None if unrolled is None else _sound(unrolled, folder, folder)


def read_peers_file(path: Path) -> tuple[Report, ...]:
    """The reports in a peer's file: one of FINN's or ``metadata.json``, with what stands beside it, or a summary.

    Raises:
        ConfigurationError: no regular file, or one that is too large.
        StepError: a damaged report, or one without a figure.
    """
    if path.name in (*FILES, METADATA):
        found = read_peer(path.absolute().parent)
        return () if found is None else (found,)
    return tuple(_sound(each, path.parent, path) for each in read_summary(path))


def _sound(found: Found, folder: Path, where: Path) -> Report:
    if not found.figures:
        raise StepError(f"{where} has no figure of a design; build it, then compare it.")
    return found.report(folder)
