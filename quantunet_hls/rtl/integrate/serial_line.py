"""A whole design for a board with a serial line: PLL, line, network, lights, pins.

The line may be a USB port behind a converter, so a cable is all that it takes: :mod:`.host`
sends an image and gets the network's output back. Pins and oscillator are the board's
(:class:`quantunet_hls.boards.SerialLine`), the PLL and the constraints its family's.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.boards import Board, SerialLine
from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.files import write_json, write_text
from quantunet_hls.core.names import identifier
from quantunet_hls.data.tile_places import owned, starts
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.design import Design
from quantunet_hls.rtl.generate.verilog import write_verilog
from quantunet_hls.rtl.integrate.uart import FrameLink, UartReceiver, UartTransmitter, code_bytes
from quantunet_hls.rtl.place.route import driver_of, place_and_route
from quantunet_hls.rtl.synthesize.mapping import MappedDesign
from quantunet_hls.rtl.synthesize.module import MappedModule, MappingOptions, map_module
from quantunet_hls.targets.place import PinnedPort, Placed
from quantunet_hls.targets.pll import PllCell

__all__ = ["SerialLineTop", "baud_rate", "constraints", "host_facts", "map_top", "place_whole", "top_name",
           "write_host", "write_top"]

#: Tried in this order; the usual converters (FT231X and the like) make all of them exactly.
BAUD_RATES = (1_000_000, 500_000, 115_200)

#: How far the two ends' bits may differ in length: at the tenth bit a sixth of a bit is left.
BAUD_TOLERANCE = 0.015

#: How host.py has the places of tiles while it is part of the package.
_SHARED = "from quantunet_hls.data.tile_places import owned, starts\n"
#: What these functions are written with.
_NEEDED = "from collections.abc import Iterator, Sequence\nfrom itertools import pairwise\n"

#: Seconds without a byte after which a request counts as given up.
PAUSE_S = 0.25


def top_name(graph: StreamGraph, board: Board) -> str:
    """Name of the top module."""
    return identifier(f"{graph.name}_{board.name}")


def baud_rate(clock_mhz: float) -> tuple[int, int]:
    """The fastest rate that a clock can be divided to, and the divisor.

    Raises:
        BoardError: a clock that makes none of the rates.
    """
    for rate in BAUD_RATES:
        divisor = round(clock_mhz * 1e6 / rate)
        if divisor >= 8 and abs(clock_mhz * 1e6 / divisor / rate - 1) <= BAUD_TOLERANCE:
            return rate, divisor
    raise BoardError(f"A clock of {clock_mhz:g} MHz makes no usual baud rate; ask for 8 MHz or more.")


class SerialLineTop(wiring.Component):
    """The top module; its design's top module stands in another file.

    Lights: 0 clock is there, 1 at work, 2 the last request was refused, 3 and on images counted.

    Args:
        line: the board's ports.
        pll: set.
        pause: clocks without a byte after which a request counts as given up; :data:`PAUSE_S` by default.
    """

    def __init__(self, graph: StreamGraph, line: SerialLine, pll: PllCell, *, pause: int | None = None):
        self.graph, self.line, self.pll = graph, line, pll
        self.pause = int(PAUSE_S * pll.mhz * 1e6) if pause is None else pause
        ways = {line.clock: In, line.receive: In, line.transmit: Out, line.reset: In, line.lights: Out}
        super().__init__({port.port: way(len(port.sites)) for port, way in ways.items() if port})

    def _port(self, port: PinnedPort) -> Any:
        return getattr(self, port.port)

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, last = self.graph.input, self.graph.output
        clock, locked = Signal(), Signal()
        m.submodules.pll = self._pll(clock, locked)
        pressed = self._port(self.line.reset) if self.line.reset else 0
        m.domains.boot = boot = ClockDomain("boot", reset_less=True)
        m.domains.sync = domain = ClockDomain("sync")
        stop, stopped = Signal(init=1), Signal(init=1)
        m.d.boot += [stop.eq(~locked | pressed), stopped.eq(stop)]
        m.d.comb += [boot.clk.eq(clock), domain.clk.eq(clock), domain.rst.eq(stopped)]

        _, divisor = baud_rate(self.pll.mhz)
        m.submodules.receiver = receiver = UartReceiver(divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor)
        m.submodules.link = link = FrameLink(first, last, self.pause)
        m.d.comb += [
            receiver.line.eq(self._port(self.line.receive)),
            self._port(self.line.transmit).eq(transmitter.line),
            link.data.eq(receiver.data), link.valid.eq(receiver.valid),
            transmitter.i.payload.eq(link.o.payload), transmitter.i.valid.eq(link.o.valid),
            link.o.ready.eq(transmitter.i.ready),
        ]
        if self.line.lights:
            m.d.comb += self._port(self.line.lights).eq(Cat(~stopped, link.busy, link.failed, link.frames))
        ready = Signal()
        m.d.comb += link.frame.ready.eq(ready)
        m.submodules.network = Instance(
            self.graph.name, i_clk=clock, i_rst=stopped,
            i_i_payload=link.frame.payload, i_i_valid=link.frame.valid, o_i_ready=ready,
            o_o_payload=link.result.payload, o_o_valid=link.result.valid, i_o_ready=link.result.ready)
        return m

    def _pll(self, clock: Signal, locked: Signal) -> Instance:
        pll = self.pll
        return Instance(
            pll.type,
            **{f"a_{name}": value for name, value in pll.attributes.items()},
            **{f"p_{name}": value for name, value in pll.parameters.items()},
            **{f"i_{pll.source}": self._port(self.line.clock), f"i_{pll.feedback}": clock, f"o_{pll.output}": clock,
               f"o_{pll.locked}": locked},
            **{f"i_{name}": value for name, value in pll.constants.items()})


def constraints(board: Board) -> str:
    """Pins and clock of a board's top, in the form of its family's tool.

    Raises:
        BoardError: a board without a serial line, or of a family that nothing places and routes.
    """
    line = _line_of(board)
    return driver_of(board).constraints(line.ports, line.clock.port, line.clock_mhz, line.configuration)


def _line_of(board: Board) -> SerialLine:
    if board.serial_line is None:
        raise BoardError(f"There is no whole design for {board.title}; its board file has no serial_line.")
    return board.serial_line


def _pll_of(board: Board) -> PllCell:
    """The PLL, set to a clock up to the board's."""
    pll = board.part_family.pll
    if pll is None:
        raise BoardError(f"There is no whole design for {board.title}; the PLL of its {board.part} is not known here.")
    return pll.cell_for(_line_of(board).clock_mhz, board.clock_mhz)


def write_top(graph: StreamGraph, board: Board, folder: Path, *, pause: int | None = None) -> Path:
    """Write the top's Verilog for a clock up to the board's; returns the file.

    Raises:
        BoardError: a board without a serial line, or a clock that its PLL or the line can't have.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    name = top_name(graph, board)
    return write_verilog(folder, {name: SerialLineTop(graph, _line_of(board), _pll_of(board), pause=pause)})[name]


def map_top(design: Design, board: Board, folder: Path) -> MappedModule:
    """Map the board's top, with the design as a black box in it.

    Args:
        design: without probes.
        board: with its clock.
        folder: for its Verilog, and for the netlist, which is kept by content.

    Raises:
        BoardError: a board without a serial line, or a clock that its PLL or the line can't have.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    name = top_name(design.graph, board)
    files = {name: write_top(design.graph, board, folder), design.top: design.files[design.top]}
    return map_module(name, files, MappingOptions(board.part_family, attributes=True), (design.top,), folder)


def place_whole(design: Design, mapped: MappedDesign, board: Board, folder: Path) -> Placed:
    """Place and route a design with its board's top; beside the bitstream stand ``host.py`` and what it needs.

    Args:
        design: without probes.
        mapped: its netlists, that of :func:`map_top` among them.

    Raises:
        BoardError: the routed design is slower than the clock that its PLL makes; there is then no bitstream.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    mhz = _pll_of(board).mhz
    placed = place_and_route(top_name(design.graph, board), [module.netlist for module in mapped.layers.values()],
                             replace(board, clock_ns=1000 / mhz), folder, constraints=constraints(board))
    if placed.clock_mhz < mhz:
        placed.bitstream.unlink()
        raise BoardError(f"The routed design reaches {placed.clock_mhz:.1f} MHz, less than the {mhz:g} MHz "
                         f"of its PLL on {board.title}; ask for a longer clock period.")
    write_host(design.graph, board, folder)
    return placed


def write_host(graph: StreamGraph, board: Board, folder: Path) -> Path:
    """Write ``host.py`` and the ``host.json`` that it reads; returns the script."""
    script = folder / "host.py"
    text = resources.files("quantunet_hls.rtl.integrate").joinpath("host.py").read_text(encoding="utf-8")
    # The script stands alone, so what it shares with the package stands in it.
    shared = "\n\n".join(inspect.getsource(function) for function in (starts, owned))
    write_text(script, text.replace(_SHARED, f"{_NEEDED}\n\n{shared}"))
    write_json(folder / "host.json", host_facts(graph, board))
    return script


def host_facts(graph: StreamGraph, board: Board) -> dict[str, Any]:
    """What the host must know of a design.

    Raises:
        BoardError: as :func:`write_top`.
    """
    mhz = _pll_of(board).mhz
    return {"design": graph.name, "board": board.title, "baud": baud_rate(mhz)[0], "clock_mhz": mhz,
            "input": _stream(graph.input),
            "output": {**_stream(graph.output), "classes": graph.output.class_count}}


def _stream(layer: StreamLayer) -> dict[str, Any]:
    return {"height": layer.shape.height, "width": layer.shape.width, "channels": layer.shape.channels,
            "bytes": code_bytes(layer), "signed": layer.type.signed, "fraction": layer.type.fraction,
            "low": layer.type.low, "high": layer.type.high}
