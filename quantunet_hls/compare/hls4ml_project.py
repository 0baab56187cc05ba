"""A report from an hls4ml project that anybody built: what its tools left in its folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from quantunet_hls.errors import ConfigurationError, StepError
from quantunet_hls.files import check_name
from quantunet_hls.hls.vendor.results import by_layer
from quantunet_hls.reports.cosim import read_cosim
from quantunet_hls.reports.layers import layers_in_source
from quantunet_hls.reports.schema import Figure, Network, Report, Subject, Target, stated
from quantunet_hls.reports.vitis import read_csynth
from quantunet_hls.reports.vivado import parse_utilization, read_text

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

#: What hls4ml's own Tcl script calls the report of Vivado's synthesis.
_VIVADO_REPORT = "vivado_synth.rpt"


class _Loader(yaml.SafeLoader):
    """Plain values only; hls4ml's own tags (a model, a quantizer) become None."""


_Loader.add_multi_constructor("", lambda loader, suffix, node: None)


def read_project(folder: Path) -> Report:
    """What C-synthesis, co-simulation and Vivado's synthesis left in an hls4ml project.

    Args:
        folder: with the project's ``hls4ml_config.yml``; named after the ``OutputDir`` that hls4ml was given.

    Raises:
        ConfigurationError: a damaged configuration, or a backend whose reports nobody reads here.
        StepError: a project that was never synthesized, or a damaged report.
    """
    settings = _settings(folder / CONFIGURATION)
    name, part = check_name("project", _text(settings, "ProjectName", folder)), str(settings.get("Part") or "unknown")
    backend, clock_ns = _text(settings, "Backend", folder), _clock(settings, folder)
    if backend not in _TOOLS:
        raise ConfigurationError(
            f"{folder} is an hls4ml project of the backend {backend!r}, whose reports can't be read; "
            f"those of {', '.join(_TOOLS)} can."
        )
    tool, version = _TOOLS[backend], ""
    figures: list[Figure] = []
    modules: list[tuple[str, tuple[Figure, ...]]] = []
    files: list[Path] = []
    for solution in sorted(path for path in (folder / f"{name}_prj").glob("*") if path.is_dir()):
        synthesis = read_csynth(solution, name, tool)
        if synthesis is not None:
            part, version = synthesis.part or part, synthesis.tool_version
            figures += synthesis.figures
            modules += [(f"{module.instance} {module.name}".strip(), module.figures) for module in synthesis.modules]
            files += synthesis.files
        simulation = read_cosim(solution, name, clock_ns, tool, version)
        if simulation is not None and not simulation.passed:
            raise StepError(f"Co-simulation of {folder} did not pass, so its figures are worth nothing; mend it first.")
        if simulation is not None:
            figures += simulation.figures
            files.append(solution / "sim" / "report" / f"{name}_cosim.rpt")
        if synthesis is not None or simulation is not None:
            break
    mapped = read_text(folder / _VIVADO_REPORT)
    if mapped is not None:
        figures += stated(parse_utilization(mapped, str(folder / _VIVADO_REPORT))[1], Subject.CPP)
        files.append(folder / _VIVADO_REPORT)
    if not files:
        raise StepError(
            f"{folder} is an hls4ml project that no tool has left a report in; run its C-synthesis, then compare it."
        )
    source = folder / "firmware" / f"{name}.cpp"
    layers = layers_in_source(source.read_text(errors="replace").splitlines()) if source.is_file() else {}
    newest = max(path.stat().st_mtime for path in files)
    return Report(
        name=name,
        created=datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds"),
        network=Network(name),
        target=Target(None, part, clock_ns),
        layers=by_layer(modules, layers),
        figures=tuple(figures),
        tools={figure.tool: figure.tool_version for figure in figures},
        files={path.name: path.relative_to(folder).as_posix() for path in files},
    )


def _settings(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as stream:
            settings = yaml.load(stream, _Loader)  # noqa: S506 (a SafeLoader that knows no tag)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
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


def _clock(settings: dict[str, Any], folder: Path) -> float:
    value = settings.get("ClockPeriod")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ConfigurationError(f"{folder / CONFIGURATION} lacks ClockPeriod in ns; write the project anew.")
    return float(value)
