"""Reports of C-synthesis: the XML files that Vivado HLS and Vitis HLS leave in ``syn/report``.

The form is that of the user guides UG902 and UG1399: a ``profile`` with the top
function's estimates, one such file a function in the older tools, and a
``ModuleInformation`` with all functions in the newer ones. Figures the tool
gives as "undef", "-" or "?" are not known, and are absent here.

``csynth.xml`` is of the whole design, and names its top function. The reports
of single functions each name themselves in the same place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError
from defusedxml.ElementTree import fromstring as parse_xml

from quantunet_hls.core.errors import StepError
from quantunet_hls.core.files import read_bytes, read_json
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import reached_ns, seconds_from_cycles
from quantunet_hls.reports.figure import Figure, Source, Subject, pick
from quantunet_hls.reports.parsers.numbers import count, number, period

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["LIMIT", "Module", "Synthesis", "read_csynth", "report_folder"]

#: The most bytes that a report may have; the largest published ones have 9 million.
LIMIT = 2**26

_OF_FUNCTION = "_csynth.xml"
# What hls4ml's accelerators call the function around the network's.
_WRAPPER = "_axi"
_VERSION = re.compile(r"(\d{4})\.(\d)(?!\d)", re.ASCII)
# Vitis HLS took its place.
_LAST_VIVADO_HLS = (2020, 1)
_FUNCTION = re.compile(r"[A-Za-z_]\w{0,254}", re.ASCII)

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
        tool: name of the tool.
        part: that it was synthesised for, "" where the report does not say.
        tool_version: of the tool, "" where the report does not say.
        figures: of the whole design.
        modules: what the top function calls where the report tells, else all functions but the top.
        files: the reports read.
    """

    top: str
    tool: str
    part: str
    tool_version: str
    figures: tuple[Figure, ...]
    modules: tuple[Module, ...]
    files: tuple[Path, ...]

    def figure(self, name: str) -> float | None:
        """The design's figure of that name, None where the report does not say it."""
        found = pick(self.figures, name, Source.CSYNTH, Subject.CPP)
        return None if found is None else found.value

    @property
    def period_ns(self) -> float:
        """Of the clock that the tool counts on: the target, or its estimate where that is longer; 0 if it says none."""
        return reached_ns(self.figures, self.figure(names.CLOCK_TARGET_NS) or 0.0)


def read_csynth(solution: Path, top: str = "", tool: str = "") -> Synthesis | None:
    """What C-synthesis left in a solution's folder, None where it left no report.

    The top function is the one that ``csynth.xml`` names. Older tools write no
    such file; there it is what the project's own files name, or ``<top>_axi``,
    in which hls4ml's accelerators wrap the function ``top``, or ``top`` itself.
    Modules are what the top function calls, and what ``top`` calls where that is wrapped.

    Seconds are cycles times the target clock period, or times the estimated one
    where that is longer, as in the tool's own reports.

    Args:
        solution: folder of the solution, as ``<project>/solution1``, or of the reports themselves.
        top: name of the function that the project is about, "" where that is not known.
        tool: name of the tool, for the figures; by its version where it is "".

    Raises:
        ConfigurationError: a report that is no regular file, or too large for one.
        StepError: a report that is damaged, reports that disagree, or several of which none is said to be the top's.
    """
    name, roots = _roots(Path(solution), top)
    if not roots:
        return None
    main_path, main = next(iter(roots.items()))
    version = _text(main, "ReportVersion/Version")
    tool = tool or _tool(version)
    modules, more = _modules(roots, name, top, tool, version)
    return Synthesis(
        top=name,
        tool=tool,
        part=_text(main, "UserAssignments/Part"),
        tool_version=version,
        figures=_figures(main, tool, version, main_path),
        modules=modules,
        files=(*roots, *more),
    )


def _roots(solution: Path, top: str) -> tuple[str, dict[Path, Element]]:
    """Name of the top function and the reports on it, that of the whole design first; none where there are none."""
    folder = report_folder(solution)
    whole, functions = folder / "csynth.xml", _of_functions(folder)
    roots: dict[Path, Element] = {}
    name = top
    if whole.exists():
        roots[whole] = _root(whole)
        name = _top_model(roots[whole], whole) or top
        own = functions.get(name)
        if own is not None:
            roots[own] = _root(own)
            _agree(roots[whole], whole, roots[own], own)
    elif functions:
        name, own = _top_function(solution, functions, top)
        roots[own] = _root(own)
    return name, roots


def _of_functions(folder: Path) -> dict[str, Path]:
    return {path.name.removesuffix(_OF_FUNCTION): path for path in sorted(folder.glob(f"*{_OF_FUNCTION}"))}


def _modules(roots: Mapping[Path, Element], name: str, top: str, tool: str,
             version: str) -> tuple[tuple[Module, ...], tuple[Path, ...]]:
    """The modules of a design, and the files that they stand in beside the top function's."""
    main_path = next(iter(roots))
    with_modules = next((root for root in roots.values() if root.find("ModuleInformation") is not None), None)
    if with_modules is None:
        others = {module: path for module, path in _of_functions(main_path.parent).items() if path not in roots}
        return tuple(Module(module, "", _figures(_root(path), tool, version, path))
                     for module, path in others.items()), tuple(others.values())
    instances = _instances(with_modules, name, top)
    named = ((_text(element, "Name"), element) for element in with_modules.iterfind("ModuleInformation/Module"))
    return tuple(Module(module, instances.get(module, ""), _figures(element, tool, version, main_path))
                 for module, element in named
                 if module and module != name and (not instances or module in instances)), ()


def report_folder(solution: Path) -> Path:
    """The folder of a solution's reports of C-synthesis: the solution's own, where it was named itself."""
    inside = solution / "syn" / "report"
    return inside if inside.is_dir() else solution


def _root(path: Path) -> Element:
    try:
        root = parse_xml(read_bytes(path, LIMIT, what="a report"))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise StepError(f"{path} is no sound report of C-synthesis ({error}); run C-synthesis again.") from error
    if root is None or root.find("PerformanceEstimates") is None:
        raise StepError(f"{path} is no report of C-synthesis; run C-synthesis again.")
    return root


def _tool(version: str) -> str:
    """The tool that had this version."""
    found = _VERSION.match(version)
    return "Vivado HLS" if found and (int(found[1]), int(found[2])) <= _LAST_VIVADO_HLS else "Vitis HLS"


def _top_model(root: Element, path: Path) -> str:
    """Name of the top function, which becomes part of a path."""
    name = _text(root, "UserAssignments/TopModelName")
    if name and not _FUNCTION.fullmatch(name):
        raise StepError(f"{path} names a top function that can't be one ({name[:40]!r}); run C-synthesis again.")
    return name


def _agree(whole: Element, whole_path: Path, own: Element, own_path: Path) -> None:
    """Refuse two reports of the same function that aren't of the same run."""
    one, other = (
        {figure.name: figure.value for figure in _figures(root, "", "", path)}
        for root, path in ((whole, whole_path), (own, own_path))
    )
    for name, value in one.items():
        if other.get(name, value) != value:
            raise StepError(
                f"{whole_path} and {own_path.name} beside it disagree ({names.FIGURES[name].title}: {value:,} and "
                f"{other[name]:,}), so they are of different runs; run C-synthesis again."
            )


def _top_function(solution: Path, functions: Mapping[str, Path], top: str) -> tuple[str, Path]:
    """The top function and its report, where there is one report a function and none of the whole."""
    said = _top_of_project(solution)
    if said:
        if said not in functions:
            raise StepError(f"{solution} is of the top function {said[:80]!r} and has no report of it; "
                            "run C-synthesis again.")
        return said, functions[said]
    known = [name for name in (f"{top}{_WRAPPER}", top) if name in functions]
    name = known[0] if known else next(iter(functions)) if len(functions) == 1 else ""
    # What a function takes includes what it calls, so nothing takes more than the top.
    luts = {each: _luts(path) for each, path in functions.items()} if len(functions) > 1 else {}
    largest = [each for each, count in luts.items() if count == max(luts.values())]
    if not name and len(largest) == 1:
        name = largest[0]
    if not name:
        raise StepError(f"{solution} has reports of {len(functions)} functions and none says which is the top; "
                        "name the folder of the whole project, or run C-synthesis again.")
    if largest and name not in largest:
        raise StepError(f"In {solution} the report of {largest[0]} has {luts[largest[0]]:,} LUTs and that of the "
                        f"top function {name} {luts[name]:,}, so they disagree; run C-synthesis again.")
    return name, functions[name]


def _luts(path: Path) -> float:
    return number(_text(_root(path), "AreaEstimates/Resources/LUT"), f"LUT in {path}") or 0


def _top_of_project(solution: Path) -> str:
    """The top function as the files of the tool's project name it, "" where there are none."""
    data = solution / f"{solution.name}_data.json"
    if data.is_file():
        value = read_json(data)
        said = value.get("Top") if isinstance(value, dict) else None
        if isinstance(said, str):
            return said
    for name in ("vivado_hls.app", "hls.app"):
        project = solution.parent / name
        if project.is_file():
            try:
                return str(parse_xml(read_bytes(project, LIMIT)).get("top", ""))
            except (ParseError, DefusedXmlException, ValueError) as error:
                raise StepError(f"{project} is no sound project of HLS ({error}); run C-synthesis again.") from error
    return ""


def _instances(root: Element, name: str, inner: str) -> dict[str, str]:
    """Module to instance, of what the top module has directly in it, and of what the function wrapped by it has."""
    found: dict[str, str] = {}
    waiting = root.findall("RTLDesignHierarchy/TopModule/InstancesList/Instance")
    while waiting:
        instance = waiting.pop(0)
        module = _text(instance, "ModuleName")
        if module in (inner, name.rpartition(_WRAPPER)[0]) and module:
            waiting = [*instance.findall("InstancesList/Instance"), *waiting]
        else:
            found.setdefault(module, _text(instance, "InstName"))
    return found


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _figures(element: Element, tool: str, version: str, where: Path) -> tuple[Figure, ...]:
    """Figures of the function that an element is about; ``where`` names the file."""

    def found(name: str, text: str, available: str = "") -> Iterator[Figure]:
        value = count(text, f"{names.FIGURES[name].title} in {where}")
        # A cycle is whole; what is not known is absent.
        if value is not None and (isinstance(value, int) or names.FIGURES[name].unit != "cycles"):
            most = count(available, f"{names.FIGURES[name].title} available in {where}")
            yield Figure(name, value, Source.CSYNTH, tool, version, most, subject=Subject.CPP)

    result: list[Figure] = []
    for name, tags in _RESOURCES.items():
        text = next(filter(None, (_text(element, f"AreaEstimates/Resources/{tag}") for tag in tags)), "")
        texts = [_text(element, f"AreaEstimates/AvailableResources/{tag}") for tag in tags]
        texts.append(_text(element, f"AreaEstimates/Resources/{_AVAILABLE_IN_MODULE[name]}"))
        result += found(name, text, next(filter(None, texts), ""))
    estimates = "PerformanceEstimates/SummaryOfOverallLatency"
    result += found(names.LATENCY_CYCLES_MIN, _text(element, f"{estimates}/Best-caseLatency"))
    result += found(names.LATENCY_CYCLES_MAX, _text(element, f"{estimates}/Worst-caseLatency"))
    least, most = _interval(element, estimates)
    result += found(names.INTERVAL_CYCLES_MIN, least)
    result += found(names.INTERVAL_CYCLES_MAX, most)
    timing = "PerformanceEstimates/SummaryOfTimingAnalysis"
    # A module inside ModuleInformation says its target among its estimates.
    target = _text(element, "UserAssignments/TargetClockPeriod") or _text(element, f"{timing}/TargetClockPeriod")
    clocks = []
    for name, text in ((names.CLOCK_TARGET_NS, target),
                       (names.CLOCK_ESTIMATE_NS, _text(element, f"{timing}/EstimatedClockPeriod"))):
        clock = period(text, f"{names.FIGURES[name].title} in {where}")
        if clock is not None:
            clocks.append(Figure(name, clock, Source.CSYNTH, tool, version, subject=Subject.CPP))
    slowest = max((clock.value for clock in clocks), default=0)
    return (*(seconds_from_cycles(result, slowest) if slowest else result), *clocks)


def _interval(element: Element, estimates: str) -> tuple[str, str]:
    """Least and most cycles from one start to the next, as the report writes them."""
    least, most = _text(element, f"{estimates}/Interval-min"), _text(element, f"{estimates}/Interval-max")
    if least or most:
        return least, most
    # A module inside ModuleInformation has one element instead: "5", or "5 ~ 9" for a range.
    one, _, other = _text(element, f"{estimates}/PipelineInitiationInterval").partition("~")
    return one.strip(), (other or one).strip()
