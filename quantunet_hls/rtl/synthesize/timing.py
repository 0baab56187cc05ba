"""How fast a mapped netlist could be clocked if wires took no time: its longest path through logic.

An estimate, neither a bound from above nor from below. Routing, which is left
out, adds to it; and for UltraScale and UltraScale+, of which Yosys has no delays,
those of the 7 series, an older process, stand in. A family says where its are
(:class:`quantunet_hls.targets.family.Delays`), with their sources.

A path starts at a clocked cell's output or at the module's input and ends at a
clocked cell's input or at the module's output. Where the table gives an input no
delay (enables of block RAM, modes of a multiplier) a path ends there without a
setup time, and what lies between two registers inside one multiplier block is
not seen. An output that it gives no delay must lead nowhere.

The modules of a design are walked one by one; the top then sees each of them as
one cell, whose delays from port to port are the longest ones inside it, so that a
path through several modules is seen as well.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.files import TOOL_BYTES, read_json
from quantunet_hls.rtl.generate.design import Design, module_name
from quantunet_hls.rtl.synthesize.mapping import MappedDesign
from quantunet_hls.targets import Family

__all__ = ["CLOCK", "Arc", "Cell", "CellDelays", "DesignTiming", "LongestPath", "Netlist",
           "as_cell", "cell_delays", "design_timing", "longest_path"]

#: In the place of a port, the clock edge: an arc from it is clock to output, one to it a setup time.
CLOCK = "clock"


@dataclass(frozen=True)
class Arc:
    """A delay of a cell.

    Attributes:
        source: port, or one bit of it ("CO[3]"), or :data:`CLOCK`.
        sink: the same.
        ps: the delay or setup time.
        when: registers of the cell, by their parameters: 0 for absent, 1 for there.
    """

    source: str
    sink: str
    ps: int
    when: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class CellDelays:
    """All delays of a type of cell.

    Attributes:
        arcs: those that hold always or for some of the parameters.
        defaults: of parameters that a netlist need not give.
        only: parameters that the arcs are true of; a cell with other ones has no delays here.
        steady: outputs that never change, and need no delay.
    """

    arcs: tuple[Arc, ...]
    defaults: tuple[tuple[str, int | str], ...] = ()
    only: tuple[tuple[str, int | str], ...] = ()
    steady: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cell:
    """A cell of a netlist; its ports hold bits, lowest first: a net's number, or None for a constant."""

    type: str
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: Mapping[str, tuple[int | None, ...]]
    parameters: Mapping[str, int | str]


@dataclass(frozen=True)
class Netlist:
    """A mapped module: its ports, and its cells by name."""

    module: str
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: Mapping[str, tuple[int | None, ...]]
    cells: Mapping[str, Cell]

    @classmethod
    def from_yosys(cls, module: str, value: Mapping[str, Any]) -> Netlist:
        """A module of what Yosys's ``write_json`` gives."""
        ports, cells = value["ports"], {}
        for name, cell in value["cells"].items():
            if cell["type"].startswith("$"):
                continue
            sides: dict[str, dict[str, tuple[int | None, ...]]] = {"input": {}, "output": {}}
            for port, bits in cell["connections"].items():
                sides[cell["port_directions"][port]][port] = _bits(bits)
            cells[name] = Cell(cell["type"], sides["input"], sides["output"],
                               {key: _parameter(text) for key, text in cell["parameters"].items()})
        inputs, outputs = ({name: _bits(port["bits"]) for name, port in ports.items() if port["direction"] == side}
                           for side in ("input", "output"))
        return cls(module, inputs, outputs, cells)


@dataclass(frozen=True)
class LongestPath:
    """The longest path of a module.

    Attributes:
        ps: its delay, clock to output and setup included.
        start: port or cell's output, such as ``sum_reg.Q[0]``.
        end: port or cell's input.
        cells: types of the cells on the way, those at the two ends left out.
    """

    ps: int
    start: str
    end: str
    cells: tuple[str, ...]

    @property
    def ns(self) -> float:
        """Its delay in ns."""
        return self.ps / 1000

    @property
    def luts(self) -> int:
        """How many look-up tables it goes through."""
        return sum(cell.startswith("LUT") for cell in self.cells)

    @property
    def carries(self) -> int:
        """How many carry cells it goes through."""
        return sum(cell.startswith("CARRY") for cell in self.cells)


@dataclass(frozen=True)
class DesignTiming:
    """The longest paths of a design.

    Attributes:
        family: that it was mapped for.
        layers: by layer name, ``top`` included; those only that have an estimate.
        refused: why, for those that have none.
    """

    family: Family
    layers: Mapping[str, LongestPath]
    refused: Mapping[str, str]

    @property
    def whole(self) -> LongestPath | None:
        """The longest of all; None where a module has no estimate."""
        return None if self.refused else max(self.layers.values(), key=lambda path: path.ps)


@functools.cache
def cell_delays(file: Path) -> Mapping[str, CellDelays]:
    """The delays that a family's file has, by type of cell."""
    text = file.read_text(encoding="utf-8")
    return {name: CellDelays(
        tuple(Arc(source, sink, ps, tuple(when[0].items()) if when else ())
              for source, sink, ps, *when in cell["arcs"]),
        tuple(cell.get("defaults", {}).items()), tuple(cell.get("only", {}).items()),
    ) for name, cell in json.loads(text)["cells"].items()}


def longest_path(netlist: Netlist, table: Mapping[str, CellDelays]) -> LongestPath:
    """The longest path of a module, from its inputs and clocked cells to its outputs and clocked cells.

    Raises:
        BoardError: a cell that the table doesn't know, an output without a delay, a loop of logic, or no path at all.
    """
    return _Walk(netlist, table).longest()


def as_cell(netlist: Netlist, table: Mapping[str, CellDelays]) -> CellDelays:
    """A module as one cell: the longest of its paths from each input port, and from its clock, to each output port.

    Raises:
        BoardError: as :func:`longest_path`, but for a module without paths.
    """
    return _Walk(netlist, table).summary()


def design_timing(design: Design, mapped: MappedDesign, family: Family) -> DesignTiming | None:
    """The longest path of every module of a mapped design; None for a family without delays.

    A module that can't be estimated is told in ``refused``, and so is the top then, which holds it.
    """
    if family.delays is None:
        return None
    table = dict(cell_delays(family.delays.file))
    layers: dict[str, LongestPath] = {}
    refused: dict[str, str] = {}
    modules = {layer.name: module_name(design.graph, layer) for layer in design.graph.layers[1:]} | {"top": design.top}
    for name, module in modules.items():
        if name == "top" and refused:
            refused[name] = next(iter(refused.values()))
            break
        connections = mapped.layers[name].connections
        assert connections is not None
        netlist = Netlist.from_yosys(module, read_json(connections, TOOL_BYTES)["modules"][module])
        try:
            walk = _Walk(netlist, table)
            layers[name] = walk.longest()
            table[module] = walk.summary()
        except BoardError as error:
            refused[name] = str(error)
    return DesignTiming(family, layers, refused)


class _Walk:
    """A netlist as a graph of bits, in the order of the signals' flow.

    ``before`` has for each node what it follows from, each with a delay and the
    cell's type; a node is a bit, or the hub of an arc from many bits to many.
    """

    def __init__(self, netlist: Netlist, table: Mapping[str, CellDelays]) -> None:
        self.netlist = netlist
        self.before: dict[Any, list[tuple[Any, int, str]]] = {}
        self.clocked: dict[int, tuple[int, str]] = {}
        self.ends: list[tuple[int, int, str]] = []
        untimed: dict[int, str] = {}
        for name, cell in netlist.cells.items():
            delays = _delays_of(name, cell, netlist.module, table)
            timed = {bit for index, arc in enumerate(delays) for bit in self._add(name, cell, index, arc)}
            self.ends += [(bit, 0, f"{name}.{port}") for port, bit in _named(cell.inputs) if bit not in timed]
            untimed.update((bit, f"{port} of the {cell.type} {name}") for port, bit in _named(cell.outputs)
                           if bit not in timed and port.split("[")[0] not in table[cell.type].steady)
        self.inner_ends = list(self.ends)
        self.ends += [(bit, 0, port) for port, bit in _named(netlist.outputs)]
        used = {bit for bit, _, _ in self.ends} | {source for ways in self.before.values() for source, _, _ in ways}
        for bit in untimed.keys() & used:
            raise BoardError(f"The netlist of {netlist.module} uses the output {untimed[bit]}, which has no delay in "
                             "delays.json; add it there to have a clock estimate.")
        try:
            self.order = list(TopologicalSorter({node: [way[0] for way in ways]
                                                 for node, ways in self.before.items()}).static_order())
        except CycleError as error:
            cells = {way[2] for node in error.args[1] for way in self.before[node]}
            raise BoardError(f"The netlist of {netlist.module} has a loop of logic without a register, through "
                             f"{', '.join(sorted(cells))}; it has no longest path.") from error

    def _add(self, name: str, cell: Cell, index: int, arc: Arc) -> Iterable[int]:
        """Add an arc of a cell; returns the bits that it gives a delay."""
        sources, sinks = _port(cell.inputs, arc.source), _port(cell.outputs, arc.sink)
        if arc.source == CLOCK:
            for label, bit in sinks:
                self.clocked[bit] = max(self.clocked.get(bit, (0, "")), (arc.ps, f"{name}.{label}"))
            return [bit for _, bit in sinks]
        if arc.sink == CLOCK:
            self.ends += [(bit, arc.ps, f"{name}.{label}") for label, bit in sources]
            return [bit for _, bit in sources]
        if min(len(sources), len(sinks)) > 1:
            hub = (name, index)
            self.before[hub] = [(bit, arc.ps, cell.type) for _, bit in sources]
            for _, bit in sinks:
                self.before.setdefault(bit, []).append((hub, 0, ""))
        else:
            for _, sink in sinks:
                self.before.setdefault(sink, []).extend((bit, arc.ps, cell.type) for _, bit in sources)
        return [bit for _, bit in (*sources, *sinks)]

    def longest(self) -> LongestPath:
        starts = {**self.clocked, **{bit: (0, name) for name, bit in _named(self.netlist.inputs)}}
        reached = self.arrivals(starts)
        best = max(((reached[bit] + ps, bit, name) for bit, ps, name in self.ends if bit in reached), default=None)
        if best is None:
            raise BoardError(f"The netlist of {self.netlist.module} has no path from an input or register to "
                             "another; it has nothing to estimate a clock from.")
        ps, bit, end = best
        start, cells = self.way(bit, reached, starts)
        return LongestPath(ps, start, end, cells)

    def summary(self) -> CellDelays:
        arcs = []
        inputs = {port: {bit: (0, port) for bit in bits if bit is not None}
                  for port, bits in self.netlist.inputs.items()}
        for source, starts in {CLOCK: self.clocked, **inputs}.items():
            reached = self.arrivals(starts)
            for port, bits in self.netlist.outputs.items():
                found = [reached[bit] for bit in bits if bit in reached]
                if found:
                    arcs.append(Arc(source, port, max(found)))
            setups = [reached[bit] + ps for bit, ps, name in self.inner_ends if bit in reached]
            if source != CLOCK and setups:
                arcs.append(Arc(source, CLOCK, max(setups)))
        timed = {arc.sink for arc in arcs}
        return CellDelays(tuple(arcs), steady=frozenset(port for port in self.netlist.outputs if port not in timed))

    def arrivals(self, starts: Mapping[int, tuple[int, str]]) -> dict[Any, int]:
        """When each node that the starts lead to has settled, in ps after the clock edge."""
        reached: dict[Any, int] = {bit: ps for bit, (ps, _) in starts.items()}
        for node in self.order:
            times = [reached[source] + ps for source, ps, _ in self.before.get(node, ()) if source in reached]
            if times:
                reached[node] = max(*times, reached.get(node, 0))
        return reached

    def way(self, node: Any, reached: Mapping[Any, int], starts: Mapping[int, tuple[int, str]]
            ) -> tuple[str, tuple[str, ...]]:
        """Where the longest path to a node starts, and the types of the cells on it."""
        cells: list[str] = []
        while node not in starts or starts[node][0] < reached[node]:
            node, cell = next((source, cell) for source, ps, cell in self.before[node]
                              if source in reached and reached[source] + ps == reached[node])
            cells.append(cell)
        return starts[node][1], tuple(cell for cell in reversed(cells) if cell)


def _delays_of(name: str, cell: Cell, module: str, table: Mapping[str, CellDelays]) -> list[Arc]:
    """The arcs that hold for a cell with its parameters."""
    if cell.type not in table:
        raise BoardError(f"The netlist of {module} has the cell {cell.type} ({name}), which has no delays in "
                         "delays.json; add them there to have a clock estimate.")
    delays = table[cell.type]
    parameters = {**dict(delays.defaults), **cell.parameters}
    for key, value in delays.only:
        if parameters[key] != value:
            raise BoardError(f"The netlist of {module} has the {cell.type} {name} with {key} {parameters[key]!r}, but "
                             f"delays.json has delays for {value!r} only; add them there to have an estimate.")
    return [arc for arc in delays.arcs if all(bool(parameters[key]) == bool(value) for key, value in arc.when)]


def _port(ports: Mapping[str, tuple[int | None, ...]], place: str) -> list[tuple[str, int]]:
    """The bits of a port that are no constants, or the one bit of it that ``place`` names, each with its name."""
    found = re.fullmatch(r"(\w+)\[(\d+)\]", place)
    if found is None:
        return list(_named({place: ports.get(place, ())}))
    bits = ports.get(found[1], ())
    bit = bits[int(found[2])] if int(found[2]) < len(bits) else None
    return [] if bit is None else [(place, bit)]


def _named(ports: Mapping[str, tuple[int | None, ...]]) -> Iterable[tuple[str, int]]:
    """Every bit that is no constant, with its name: the port's, and its number where there are several."""
    for port, bits in ports.items():
        for number, bit in enumerate(bits):
            if bit is not None:
                yield (f"{port}[{number}]" if len(bits) > 1 else port), bit


def _bits(bits: Iterable[int | str]) -> tuple[int | None, ...]:
    return tuple(bit if isinstance(bit, int) else None for bit in bits)


def _parameter(text: str) -> int | str:
    # Yosys writes numbers in binary, and marks a text that looks like one with a blank behind it.
    return int(text, 2) if re.fullmatch("[01]+", text) else text.rstrip()
