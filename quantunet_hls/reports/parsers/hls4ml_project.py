"""A report from an hls4ml project that anybody built: what its tools left in its folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import check_name, read_bytes
from quantunet_hls.reports.parsers.hls_folder import Project, report_of, the_only
from quantunet_hls.reports.parsers.solutions import find_solutions
from quantunet_hls.reports.schema import Report

__all__ = ["CONFIGURATION", "read_project"]

#: The file that tells such a folder.
CONFIGURATION = "hls4ml_config.yml"

#: Tool behind each of hls4ml's backends whose reports are read here.
_TOOLS = {
    "Vitis": "Vitis HLS",
    "VitisAccelerator": "Vitis HLS",
    "VitisUnified": "Vitis HLS",
    "Vivado": "Vivado HLS",
    "VivadoAccelerator": "Vivado HLS",
}

#: The most bytes that a configuration may have: it holds no weights.
_LIMIT = 2**23

_PART = re.compile(r"[\w.-]{0,100}", re.ASCII)


class _Loader(yaml.SafeLoader):
    """Plain values only; hls4ml's own tags (a model, a quantizer) become None."""


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)


def read_project(folder: Path) -> Report:
    """What C-synthesis, co-simulation and Vivado's synthesis left in an hls4ml project.

    Args:
        folder: with the project's ``hls4ml_config.yml``; named after the ``OutputDir`` that hls4ml was given.

    Raises:
        ConfigurationError: a damaged configuration, or a backend whose reports nobody reads here.
        StepError: a project that was never synthesized, has several solutions, or a damaged report.
    """
    settings = _settings(folder / CONFIGURATION)
    name, backend = check_name("project", _text(settings, "ProjectName", folder)), _text(settings, "Backend", folder)
    if backend not in _TOOLS:
        raise ConfigurationError(
            f"{folder} is an hls4ml project of the backend {backend!r}, whose reports can't be read; "
            f"those of {', '.join(_TOOLS)} can."
        )
    project = Project(folder, name, _TOOLS[backend], _part(settings, folder), _clock(settings, folder))
    return report_of(project, the_only(_solutions(folder, name), folder))


def _solutions(folder: Path, name: str) -> tuple[Path, ...]:
    """Where the project's reports are: in the place that hls4ml's scripts give them, else below, else beside."""
    for place in (folder / f"{name}_prj", folder, folder.absolute().parent / f"{name}_prj"):
        found = tuple(solution for solution in find_solutions(place) if not _is_anothers(solution, folder))
        if found:
            return found
    return ()


def _is_anothers(solution: Path, folder: Path) -> bool:
    """Whether a solution below a project's folder is of another project, which has a configuration of its own."""
    between = (parent for parent in (solution, *solution.parents) if parent != folder and folder in parent.parents)
    return any((parent / CONFIGURATION).exists() for parent in between)


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.load(read_bytes(path, _LIMIT, what="a configuration"), _Loader)  # noqa: S506 (a SafeLoader that knows no tag)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{path} can't be read ({reason}); write the project anew.") from error
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{path} is no configuration of hls4ml; write the project anew.")
    return settings


def _text(settings: dict[str, Any], key: str, folder: Path) -> str:
    value = settings.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{folder / CONFIGURATION} lacks {key}; write the project anew.")
    return value


def _part(settings: dict[str, Any], folder: Path) -> str:
    """The part, "" where it is not said; older projects call it XilinxPart."""
    value = settings.get("Part") or settings.get("XilinxPart") or ""
    if not isinstance(value, str) or not _PART.fullmatch(value):
        raise ConfigurationError(f"{folder / CONFIGURATION} has a Part that can't be one; write the project anew.")
    return value


def _clock(settings: dict[str, Any], folder: Path) -> float:
    value = settings.get("ClockPeriod")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ConfigurationError(f"{folder / CONFIGURATION} lacks ClockPeriod in ns; write the project anew.")
    return float(value)
