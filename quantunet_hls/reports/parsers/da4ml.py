"""Projects of da4ml and of alkaid, its successor: ``metadata.json``, and what the tools left beside it.

``metadata.json`` (da4ml 0.6, alkaid 0.8) has what the generator itself knows,
so all of it is an estimate: ``cost`` is LUTs where adders were counted by the bit
(``adder_size`` 1), ``reg_bits`` flip-flops, ``latency`` clock cycles, ``clock_period``
the target in ns. Without pipeline stages it has neither latency nor clock. The
pipelines take a new input in every cycle; alkaid's state machines, which have no ``cost``,
need not. ``latency_cycles``, which a user may add, goes before ``latency``, as in alkaid's own report.

The build scripts beside leave reports in ``output_<top>/reports``: ``post_synth`` of
Vivado's synthesis and ``post_route`` of the routed design, and for the C++
flavours those of C-synthesis in ``output_<top>/test_ooc``. Quartus's are not read.

``da4ml report -o FILE.json`` writes those of one or more projects into one file,
in which all counts of parts are of the routed design.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import reached_ns, seconds_from_cycles
from quantunet_hls.reports.figure import Figure, Source, Subject, stated
from quantunet_hls.reports.parsers.foreign import objects, read_text, read_value, text
from quantunet_hls.reports.parsers.found import Found, network_of
from quantunet_hls.reports.parsers.numbers import count, number, period
from quantunet_hls.reports.parsers.vitis import read_csynth
from quantunet_hls.reports.parsers.vivado import BLOCKS_PER_TILE, parse_power, parse_timing, parse_utilization

__all__ = ["METADATA", "is_metadata", "read_da4ml", "read_summary"]

#: The file that tells such a folder, together with its member ``flavor``.
METADATA = "metadata.json"

_RTL = ("verilog", "vhdl")
_CPP = ("vitis", "hlslib", "oneapi")
_STATES = {"post_synth": Source.MAPPED, "post_route": Source.ROUTED}
_NAME = re.compile(r"[A-Za-z_]\w{0,200}", re.ASCII)
_TOP_IN_SCRIPT = re.compile(r'^\s*set\s+project_name\s+"([^"\n]*)"', re.MULTILINE)
_SCRIPTS = ("build_vivado_prj.tcl", "build_vitis_prj.tcl", "build_quartus_prj.tcl")
_SCRIPT_LIMIT = 2**20

# What "report" writes of the routed design, by Vivado's names; a tile of block RAM has 36 kbit.
_ROUTED = {names.LUT: "LUT", names.LUTRAM: "LUT as Memory", names.FF: "FF", names.DSP: "DSP", names.URAM: "URAM",
           names.CARRY: "CARRY8"}
_AVAILABLE = "_available"
_TILES = "Block RAM Tile"
_POWER = "Total On-Chip Power (W)"
_SLACK = "WNS(ns)"
_BY_QUARTUS = "ALMs"


def is_metadata(value: object) -> bool:
    """Whether a JSON value is of the form that da4ml and alkaid write."""
    return isinstance(value, dict) and value.get("flavor") in (*_RTL, *_CPP) and "part_name" in value


def read_da4ml(folder: Path) -> Found | None:
    """What a project of da4ml or alkaid holds, None where a folder is none.

    Raises:
        ConfigurationError: a file that is no regular file, or too large.
        StepError: damaged metadata or a damaged report.
    """
    path = folder / METADATA
    if not path.exists():
        return None
    value = read_value(path)
    if not is_metadata(value):
        return None
    members = objects(value, str(path))
    tool, cpp = _tool(folder, members), members["flavor"] in _CPP
    files = [path]
    measured: list[Figure] = []
    top = _top(folder, members)
    if top:
        output = folder / f"output_{top}"
        if cpp:
            synthesis = read_csynth(output / "test_ooc", f"{top}_fn")
            if synthesis is not None:
                measured += synthesis.figures
                files += synthesis.files
        for state, source in _STATES.items():
            measured += _vivado(output / "reports" / f"{top}_{state}", source, files)
    clock_ns = period(members.get("clock_period"), f"clock_period in {path}") or 0.0
    generated = _generated(members, str(path), tool, reached_ns(measured, clock_ns))
    figures = stated((*measured, *generated), Subject.CPP if cpp else Subject.RTL)
    return Found(network_of(folder.resolve()), text(members.get("part_name")), clock_ns, figures, tuple(files))


def read_summary(path: Path) -> tuple[Found, ...]:
    """The designs in a file that ``da4ml report -o`` or ``alkaid report -o`` wrote, none where it is of another form.

    Raises:
        ConfigurationError: a file that is no regular file, or too large.
        StepError: a damaged one.
    """
    value = read_value(path)
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(map(is_metadata, entries)):
        return ()
    return tuple(_summarized(objects(entry, str(path)), path, i, len(entries)) for i, entry in enumerate(entries))


def _summarized(members: Mapping[str, object], path: Path, place: int, of: int) -> Found:
    where = str(path)
    tool = "alkaid" if "signal_count" in members or "top_module" in members else "da4ml"
    clock_ns = period(members.get("clock_period"), f"clock_period in {where}") or 0.0
    measured = list(_routed(members, where, clock_ns)) if _BY_QUARTUS not in members else []
    folder = text(members.get("path"))
    named = Path(folder).name or (path.stem if of == 1 else f"{path.stem} {place + 1}")
    subject = Subject.CPP if members["flavor"] in _CPP else Subject.RTL
    figures = stated((*measured, *_generated(members, where, tool, reached_ns(measured, clock_ns))), subject)
    return Found(network_of(Path(named)), text(members.get("part_name")), clock_ns, figures, (path,))


def _figure(name: str, value: float, source: Source, tool: str, available: float | None = None) -> Figure:
    return Figure(name, value, source, tool, "", available)


def _generated(members: Mapping[str, object], where: str, tool: str, period_ns: float) -> tuple[Figure, ...]:
    """What the generator knows, its cycles at the clock that the design reaches."""
    figures: list[Figure] = []

    def add(name: str, key: str) -> None:
        value = count(members.get(key), f"{key} in {where}")
        if isinstance(value, int):
            figures.append(_figure(name, value, Source.ESTIMATE, tool))

    if members.get("adder_size") == 1:
        add(names.LUT, "cost")
    add(names.FF, "reg_bits")
    add(names.LATENCY_CYCLES_MAX, "latency_cycles" if "latency_cycles" in members else "latency")
    if members["flavor"] in _RTL and "reg_bits" in members and "cost" in members:
        figures.append(_figure(names.INTERVAL_CYCLES_MAX, 1, Source.ESTIMATE, tool))
    return seconds_from_cycles(figures, period_ns) if period_ns else tuple(figures)


def _vivado(prefix: Path, source: Source, files: list[Path]) -> Iterator[Figure]:
    """Figures of one state of the design, whose reports are added to the files."""
    for kind, parse in (("util", parse_utilization), ("timing", parse_timing), ("power", parse_power)):
        path = prefix.with_name(f"{prefix.name}_{kind}.rpt")
        content = read_text(path)
        if content is not None:
            files.append(path)
            yield from parse(content, str(path), source)[1]


def _routed(members: Mapping[str, object], where: str, clock_ns: float) -> Iterator[Figure]:
    for name, key in _ROUTED.items():
        value = count(members.get(key), f"{key} in {where}")
        if value is not None:
            available = count(members.get(f"{key}{_AVAILABLE}"), f"{key}{_AVAILABLE} in {where}")
            yield _figure(name, value, Source.ROUTED, "Vivado", available)
    tiles = count(members.get(_TILES), f"{_TILES} in {where}")
    if tiles is not None:
        available = count(members.get(f"{_TILES}{_AVAILABLE}"), f"{_TILES}{_AVAILABLE} in {where}")
        yield _figure(names.BRAM_18K, round(tiles * BLOCKS_PER_TILE), Source.ROUTED, "Vivado",
                      None if available is None else round(available * BLOCKS_PER_TILE))
    slack = number(members.get(_SLACK), f"{_SLACK} in {where}")
    if slack is not None:
        yield _figure(names.WNS_NS, slack, Source.ROUTED, "Vivado")
        reached = period(clock_ns - slack, f"{_SLACK} in {where}") if clock_ns else None
        if reached is not None:
            yield _figure(names.CLOCK_ACHIEVED_NS, round(reached, 3), Source.ROUTED, "Vivado")
    power = number(members.get(_POWER), f"{_POWER} in {where}")
    if power is not None and power >= 0:
        yield _figure(names.POWER_W, power, Source.ROUTED, "Vivado")


def _tool(folder: Path, members: Mapping[str, object]) -> str:
    """Alkaid compresses what it saves of the model, and says more of it."""
    compressed = any((folder / "model" / f"{name}.json.gz").exists() for name in ("comb", "fsm"))
    return "alkaid" if compressed or "signal_count" in members else "da4ml"


def _top(folder: Path, members: Mapping[str, object]) -> str:
    """Name of the top module, "" where neither the metadata nor a build script says it."""
    said = text(members.get("top_module"))
    for script in (folder / name for name in _SCRIPTS):
        content = None if said else read_text(script, _SCRIPT_LIMIT)
        if content is not None:
            found = _TOP_IN_SCRIPT.search(content)
            said = found.group(1) if found else ""
    if said and not _NAME.fullmatch(said):
        raise StepError(f"{folder} names a top module that can't be one ({said[:40]!a}); convert the model anew.")
    return said
