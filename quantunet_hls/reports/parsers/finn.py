"""Reports of FINN's builder: the JSON files that it leaves in ``<output>/report``.

The file names and their members are those of FINN's documentation ("Build
outputs") and of its builder. What each is, differs:

- ``estimate_*.json`` and ``op_and_param_counts.json`` are FINN's own analytical
  estimates; ``estimate_layer_resources_hls.json`` has what Vitis HLS reported of
  single layers, zeros alone where it reported nothing.
- ``rtlsim_performance.json`` is an RTL simulation of N frames back to back, of
  ``cycles`` in all, the first of them done after ``latency_cycles``. FINN's own
  "stable throughput" divides N by the time of the N - 1 frames behind the first,
  so the interval is computed here of the cycles, rounded up. One frame has no interval.
- ``ooc_synth_and_timing.json`` is placed and routed out of context.
- ``post_synth_resources.json`` and ``post_route_timing.rpt`` are, despite the
  first one's name, of the implemented design, with the shell around it.

FINN's design is RTL, of its own library and of what Vitis HLS makes of single layers.
Where FINN counts RAMB36 and RAMB18 by themselves ("BRAM_36K", "BRAM_18K", after
Vivado), a RAMB36 is two blocks of 18 kbit here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import reached_ns, seconds_from_cycles
from quantunet_hls.reports.figure import Figure, Source, Subject, stated
from quantunet_hls.reports.parsers.foreign import objects, read_text, read_value, text
from quantunet_hls.reports.parsers.found import Found, network_of
from quantunet_hls.reports.parsers.numbers import count, number, period
from quantunet_hls.reports.parsers.vivado import BLOCKS_PER_TILE, parse_timing
from quantunet_hls.reports.schema import LayerReport, Network

__all__ = ["FILES", "read_finn"]

_ESTIMATE = "estimate_network_performance.json"
_LAYERS = "estimate_layer_resources.json"
_LAYER_CYCLES = "estimate_layer_cycles.json"
_LAYERS_HLS = "estimate_layer_resources_hls.json"
_COUNTS = "op_and_param_counts.json"
_RTL_SIM = "rtlsim_performance.json"
_OUT_OF_CONTEXT = "ooc_synth_and_timing.json"
_IMPLEMENTED = "post_synth_resources.json"
_TIMING = "post_route_timing.rpt"

#: The files that tell such a folder.
FILES = (_ESTIMATE, _LAYERS, _LAYER_CYCLES, _LAYERS_HLS, _COUNTS, _RTL_SIM, _OUT_OF_CONTEXT, _IMPLEMENTED)

_FINN = "FINN"
_WITH_SHELL = "Vivado, with the shell"
_TOTAL, _TOP = "total", "(top)"

#: FINN's own counts: its blocks are of 18 kbit.
_ESTIMATED = {names.LUT: ("LUT",), names.FF: ("FF",), names.DSP: ("DSP", "DSP48E", "DSP58E"),
              names.BRAM_18K: ("BRAM_18K",), names.URAM: ("URAM",)}
#: Vivado's counts as FINN writes them.
_MAPPED = {names.LUT: "LUT", names.LUTRAM: "LUTRAM", names.FF: "FF", names.DSP: "DSP", names.URAM: "URAM",
           names.CARRY: "Carry"}
_TILE, _HALF = "BRAM_36K", "BRAM_18K"

# Periods of the same build agree but for how they are written.
_TOLERANCE = 1e-3


def read_finn(folder: Path) -> Found | None:
    """What FINN's builder left in a folder, None where it left no report there.

    Args:
        folder: ``report`` in the builder's output, which the network is named after, for the reports don't name it.

    Raises:
        ConfigurationError: a report that is no regular file, or too large for one.
        StepError: a damaged report, a simulation that didn't end, or reports of different clocks.
    """
    files = {file: folder / file for file in FILES if (folder / file).exists()}
    if not files:
        return None
    values = {file: objects(read_value(path), str(path)) for file, path in files.items()}

    def of(file: str) -> Mapping[str, object]:
        return values.get(file, {})

    where = {file: str(folder / file) for file in FILES}
    clocks = dict(_clocks(of(_ESTIMATE), of(_RTL_SIM), of(_OUT_OF_CONTEXT)))
    clock_ns = _the_clock(clocks, folder)
    figures = [*_out_of_context(of(_OUT_OF_CONTEXT), where[_OUT_OF_CONTEXT])]
    timing = read_text(folder / _TIMING)
    if _TOP in of(_IMPLEMENTED):
        figures += _implemented(objects(of(_IMPLEMENTED)[_TOP], where[_IMPLEMENTED]), where[_IMPLEMENTED], _WITH_SHELL)
    if timing is not None:
        files[_TIMING] = folder / _TIMING
        implemented = stated(parse_timing(timing, str(folder / _TIMING), Source.ROUTED)[1], Subject.RTL)
        figures += (replace(figure, tool=_WITH_SHELL) for figure in implemented)
    # Cycles take as long as the clock that the routed design reaches, where that misses the one aimed at.
    period_ns = reached_ns(figures, clock_ns)
    figures += _simulated(of(_RTL_SIM), where[_RTL_SIM], period_ns)
    figures += _estimated(of(_LAYERS).get(_TOTAL, {}), where[_LAYERS], Source.ESTIMATE, _FINN)
    figures += _performance(of(_ESTIMATE), where[_ESTIMATE], period_ns)
    network = _network(of(_COUNTS), where[_COUNTS], folder.resolve())
    return Found(network, "", clock_ns, tuple(figures), tuple(files.values()), tuple(_layers(values, where)))


def _figure(name: str, value: float, source: Source, tool: str, version: str = "") -> Figure:
    subject = Subject.CPP if source is Source.CSYNTH else Subject.RTL
    return Figure(name, value, source, tool, version, subject=subject)


def _estimated(value: object, where: str, source: Source, tool: str) -> Iterator[Figure]:
    members = objects(value, where)
    for name, keys in _ESTIMATED.items():
        counts = [found for key in keys if (found := count(members.get(key), f"{key} in {where}")) is not None]
        if counts:
            # The kinds of DSP blocks are of different families: a part has one.
            yield _figure(name, sum(counts), source, tool)


def _implemented(members: Mapping[str, object], where: str, tool: str, version: str = "") -> Iterator[Figure]:
    for name, key in _MAPPED.items():
        value = count(members.get(key), f"{key} in {where}")
        if value is not None:
            yield _figure(name, value, Source.ROUTED, tool, version)
    tiles, halves = (count(members.get(key), f"{key} in {where}") for key in (_TILE, _HALF))
    if tiles is not None and halves is not None:
        yield _figure(names.BRAM_18K, BLOCKS_PER_TILE * tiles + halves, Source.ROUTED, tool, version)


def _out_of_context(members: Mapping[str, object], where: str) -> Iterator[Figure]:
    # FINN takes Vivado's version for a number, and writes 0 for one that is none.
    version = number(members.get("vivado_version"), f"vivado_version in {where}")
    tool = ("Vivado", f"{version}" if version else "")
    yield from _implemented(members, where, *tool)
    fastest = number(members.get("fmax_mhz"), f"fmax_mhz in {where}")
    slack = number(members.get("WNS"), f"WNS in {where}")
    # FINN writes 0 MHz where it knows no slack.
    if slack is not None and fastest and (reached := period(1e3 / fastest, f"fmax_mhz in {where}")):
        yield _figure(names.WNS_NS, slack, Source.ROUTED, *tool)
        yield _figure(names.CLOCK_ACHIEVED_NS, round(reached, 3), Source.ROUTED, *tool)


def _simulated(members: Mapping[str, object], where: str, clock_ns: float) -> tuple[Figure, ...]:
    def value(key: str) -> int:
        return _cycles(members, key, where)

    if value("TIMEOUT") or value("UNFINISHED_OUTS"):
        raise StepError(f"The RTL simulation of {where} did not end, so its figures are worth nothing; mend it first.")
    cycles, latency, frames = value("cycles"), value("latency_cycles"), value("N")
    figures = []
    if latency:
        figures.append(_figure(names.LATENCY_CYCLES_MAX, latency, Source.RTL_SIM, _FINN))
    if latency and frames > 1 and cycles > latency:
        # What the frames behind the first took, or the last one where that took longer.
        interval = max(-(-(cycles - latency) // (frames - 1)), value("interval_cycles"))
        figures.append(_figure(names.INTERVAL_CYCLES_MAX, interval, Source.RTL_SIM, _FINN))
    return seconds_from_cycles(figures, clock_ns) if clock_ns else tuple(figures)


def _cycles(members: Mapping[str, object], key: str, where: str) -> int:
    """A whole count, 0 where it is not known."""
    found = count(members.get(key), f"{key} in {where}")
    return found if isinstance(found, int) else 0


def _performance(members: Mapping[str, object], where: str, clock_ns: float) -> tuple[Figure, ...]:
    figures = []
    for name, key in ((names.LATENCY_CYCLES_MAX, "critical_path_cycles"), (names.INTERVAL_CYCLES_MAX, "max_cycles")):
        value = _cycles(members, key, where)
        if value:
            figures.append(_figure(name, value, Source.ESTIMATE, _FINN))
    return seconds_from_cycles(figures, clock_ns) if clock_ns else tuple(figures)


def _clocks(estimate: Mapping[str, object], simulated: Mapping[str, object],
            mapped: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """File to the period aimed at, in ns, as it follows from what the file says."""
    frequency = number(simulated.get("fclk[mhz]"), f"fclk[mhz] in {_RTL_SIM}")
    if frequency and (found := period(1e3 / frequency, f"fclk[mhz] in {_RTL_SIM}")):
        yield _RTL_SIM, found
    cycles = number(estimate.get("critical_path_cycles"), f"critical_path_cycles in {_ESTIMATE}")
    latency = number(estimate.get("estimated_latency_ns"), f"estimated_latency_ns in {_ESTIMATE}")
    if cycles and latency and (found := period(latency / cycles, f"estimated_latency_ns in {_ESTIMATE}")):
        yield _ESTIMATE, found
    slack = number(mapped.get("WNS"), f"WNS in {_OUT_OF_CONTEXT}")
    fastest = number(mapped.get("fmax_mhz"), f"fmax_mhz in {_OUT_OF_CONTEXT}")
    if slack is not None and fastest and (found := period(1e3 / fastest + slack, f"fmax_mhz in {_OUT_OF_CONTEXT}")):
        yield _OUT_OF_CONTEXT, found


def _the_clock(clocks: Mapping[str, float], folder: Path) -> float:
    if not clocks:
        return 0.0
    if max(clocks.values()) > min(clocks.values()) * (1 + _TOLERANCE):
        said = ", ".join(f"{file}: {period:g} ns" for file, period in clocks.items())
        raise StepError(f"The reports in {folder} are of different clocks ({said}); build the design anew.")
    return round(next(iter(clocks.values())), 6)


def _network(members: Mapping[str, object], where: str, folder: Path) -> Network:
    network = network_of(folder.parent if folder.name == "report" else folder)
    if _TOTAL not in members:
        return network
    total = objects(members[_TOTAL], where)
    counts = {key: count(value, f"{key} in {where}") or 0 for key, value in total.items()}
    macs = sum(value for key, value in counts.items() if key.startswith("op_mac_"))
    weights = {key: value for key, value in counts.items() if key.startswith("param_weight_")}
    parameters = sum(weights.values())
    # Their widths stand in the names: param_weight_4b.
    widths = {key: number(key.removeprefix("param_weight_").removesuffix("b"), f"{key} in {where}") for key in weights}
    bits = sum(value * (widths[key] or 0) for key, value in weights.items())
    known = bool(parameters) and all(widths.values())
    return replace(network, macs=int(macs) or None, parameters=int(parameters) or None,
                   average_weight_bits=bits / parameters if known else None)


def _layers(values: Mapping[str, Mapping[str, object]], where: Mapping[str, str]) -> Iterator[LayerReport]:
    nodes = dict.fromkeys(node for file in (_LAYERS, _LAYER_CYCLES, _LAYERS_HLS, _IMPLEMENTED)
                          for node in values.get(file, {}) if node not in (_TOTAL, _TOP))
    for node in nodes:
        figures = list(_layer(node, values, where))
        if figures:
            yield LayerReport(text(node), node.rstrip("0123456789").rstrip("_"), tuple(figures))


def _layer(node: str, values: Mapping[str, Mapping[str, object]], where: Mapping[str, str]) -> Iterator[Figure]:
    def of(file: str) -> object:
        return values.get(file, {}).get(node)

    if of(_LAYERS) is not None:
        yield from _estimated(of(_LAYERS), where[_LAYERS], Source.ESTIMATE, _FINN)
    cycles = _cycles(values.get(_LAYER_CYCLES, {}), node, where[_LAYER_CYCLES])
    if cycles:
        yield _figure(names.INTERVAL_CYCLES_MAX, cycles, Source.ESTIMATE, _FINN)
    if of(_LAYERS_HLS) is not None:
        yield from _unless_zero(_estimated(of(_LAYERS_HLS), where[_LAYERS_HLS], Source.CSYNTH, "Vitis HLS"))
    if of(_IMPLEMENTED) is not None:
        yield from _implemented(objects(of(_IMPLEMENTED), where[_IMPLEMENTED]), where[_IMPLEMENTED], "Vivado")


def _unless_zero(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """The figures, none where all are zero: nothing was reported."""
    found = tuple(figures)
    return found if any(figure.value for figure in found) else ()
