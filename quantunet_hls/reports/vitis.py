"""Reports of C-synthesis: the XML files that Vivado HLS and Vitis HLS leave in ``syn/report``.

The form is that of the user guides UG902 and UG1399: a ``profile`` with the top
function's estimates, one such file a function in the older tools, and a
``ModuleInformation`` with all functions in the newer ones. Figures the tool
gives as "undef", "-" or "?" are not known, and are absent here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError
from defusedxml.ElementTree import parse as parse_xml

from quantunet_hls.errors import StepError
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import seconds_from_cycles
from quantunet_hls.reports.schema import Figure, Source, Subject

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Module", "Synthesis", "read_csynth"]

# The first name that an element has counts: vivado_hls wrote DSP48E where later tools write DSP.
_RESOURCES = {
    names.LUT: ("LUT",),
    names.FF: ("FF",),
    names.DSP: ("DSP", "DSP48E"),
    names.BRAM_18K: ("BRAM_18K",),
    names.URAM: ("URAM",),
}
_AVAILABLE_IN_MODULE = {
    names.LUT: "AVAIL_LUT",
    names.FF: "AVAIL_FF",
    names.DSP: "AVAIL_DSP",
    names.BRAM_18K: "AVAIL_BRAM",
    names.URAM: "AVAIL_URAM",
}


@dataclass(frozen=True)
class Module:
    """A function that became a module.

    Attributes:
        name: of the module.
        instance: its name inside the top module, "" where the report has no hierarchy.
        figures: of the module with all that it calls.
    """

    name: str
    instance: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Synthesis:
    """What C-synthesis says of a design.

    Attributes:
        top: name of the top function.
        part: that it was synthesised for, "" where the report does not say.
        tool_version: of the tool, "" where the report does not say.
        figures: of the whole design.
        modules: what the top function calls where the report tells, else all functions but the top.
        files: the reports read.
    """

    top: str
    part: str
    tool_version: str
    figures: tuple[Figure, ...]
    modules: tuple[Module, ...]
    files: tuple[Path, ...]


def read_csynth(solution: Path, top: str, tool: str = "Vitis HLS") -> Synthesis | None:
    """What C-synthesis left in a solution's folder, None where it left no report.

    Seconds are cycles times the target clock period.

    Args:
        solution: folder of the solution, as ``<project>/solution1``.
        top: name of the top function.
        tool: name of the tool, for the figures.

    Raises:
        StepError: a report that is damaged.
    """
    folder = Path(solution) / "syn" / "report"
    own, whole = folder / f"{top}_csynth.xml", folder / "csynth.xml"
    roots = {path: _root(path) for path in (own, whole) if path.is_file()}
    if not roots:
        return None
    main = next(iter(roots.values()))
    version = _text(main, "ReportVersion/Version")
    target_ns = _number(_text(main, "UserAssignments/TargetClockPeriod"))
    files = list(roots)
    modules: list[Module] = []
    with_modules = next((root for root in reversed(roots.values()) if root.find("ModuleInformation") is not None), None)
    if with_modules is not None:
        instances = _instances(with_modules)
        for element in with_modules.iterfind("ModuleInformation/Module"):
            name = _text(element, "Name")
            if name and name != top and (not instances or name in instances):
                figures = _figures(element, tool, version, target_ns)
                modules.append(Module(name, instances.get(name, ""), figures))
    else:
        for path in sorted(folder.glob("*_csynth.xml")):
            if path != own:
                files.append(path)
                figures = _figures(_root(path), tool, version, target_ns)
                modules.append(Module(path.name.removesuffix("_csynth.xml"), "", figures))
    return Synthesis(
        top=top,
        part=_text(main, "UserAssignments/Part"),
        tool_version=version,
        figures=_figures(main, tool, version, target_ns),
        modules=tuple(modules),
        files=tuple(files),
    )


def _root(path: Path) -> Element:
    try:
        root: Element | None = parse_xml(path).getroot()
    except (ParseError, DefusedXmlException, OSError, ValueError) as error:
        raise StepError(f"{path} is no sound report of C-synthesis ({error}); run C-synthesis again.") from error
    if root is None or root.find("PerformanceEstimates") is None:
        raise StepError(f"{path} is no report of C-synthesis; run C-synthesis again.")
    return root


def _instances(root: Element) -> dict[str, str]:
    """Module to instance, of what the top module has directly in it."""
    found = root.iterfind("RTLDesignHierarchy/TopModule/InstancesList/Instance")
    return {_text(instance, "ModuleName"): _text(instance, "InstName") for instance in found}


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _number(text: str) -> int | float | None:
    """The number a text is; None for "undef", "-", "?", "~0", and anything else that is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _figures(element: Element, tool: str, version: str, target_ns: float | None) -> tuple[Figure, ...]:
    def figure(name: str, text: str, available: str = "") -> Iterator[Figure]:
        value = _number(text)
        if value is not None and value >= 0:
            yield Figure(name, value, Source.CSYNTH, tool, version, _number(available), subject=Subject.CPP)

    result: list[Figure] = []
    for name, tags in _RESOURCES.items():
        text = next(filter(None, (_text(element, f"AreaEstimates/Resources/{tag}") for tag in tags)), "")
        texts = [_text(element, f"AreaEstimates/AvailableResources/{tag}") for tag in tags]
        texts.append(_text(element, f"AreaEstimates/Resources/{_AVAILABLE_IN_MODULE[name]}"))
        result += figure(name, text, next(filter(None, texts), ""))
    estimates = "PerformanceEstimates/SummaryOfOverallLatency"
    result += figure(names.LATENCY_CYCLES_MIN, _text(element, f"{estimates}/Best-caseLatency"))
    result += figure(names.LATENCY_CYCLES_MAX, _text(element, f"{estimates}/Worst-caseLatency"))
    least, most = _interval(element, estimates)
    result += figure(names.INTERVAL_CYCLES_MIN, least)
    result += figure(names.INTERVAL_CYCLES_MAX, most)
    if target_ns:
        result = list(seconds_from_cycles(result, target_ns))
        result.append(Figure(names.CLOCK_TARGET_NS, target_ns, Source.CSYNTH, tool, version, subject=Subject.CPP))
    timing = "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"
    result += figure(names.CLOCK_ESTIMATE_NS, _text(element, timing))
    return tuple(result)


def _interval(element: Element, estimates: str) -> tuple[str, str]:
    """Least and most cycles from one start to the next, as the report writes them."""
    least, most = _text(element, f"{estimates}/Interval-min"), _text(element, f"{estimates}/Interval-max")
    if least or most:
        return least, most
    # A module inside ModuleInformation has one element instead: "5", or "5 ~ 9" for a range.
    one, _, other = _text(element, f"{estimates}/PipelineInitiationInterval").partition("~")
    return one.strip(), (other or one).strip()
