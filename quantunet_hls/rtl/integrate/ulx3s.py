"""A whole design for the Radiona ULX3S: PLL, serial line, network, lights, pins.

The serial line is the board's USB port (an FT231X), so a cable is all that it
takes: :mod:`.host` sends an image and gets the network's output back.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.files import write_json, write_text
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.stitch import Design
from quantunet_hls.rtl.generate.verilog import write_verilog
from quantunet_hls.rtl.integrate.uart import FrameLink, UartReceiver, UartTransmitter, code_bytes
from quantunet_hls.rtl.place.ecp5 import Placed, place_ecp5
from quantunet_hls.rtl.place.pll import Dividers, dividers_for
from quantunet_hls.rtl.synthesize.mapping import MappedDesign, MappedModule, MappingOptions, map_module

__all__ = ["OSCILLATOR_MHZ", "Ulx3sTop", "baud_rate", "constraints", "host_facts", "map_ulx3s", "place_ulx3s",
           "top_name", "write_host", "write_top"]

OSCILLATOR_MHZ = 25.0

#: Tried in this order; the FT231X makes all of them exactly.
BAUD_RATES = (1_000_000, 500_000, 115_200)

#: How far the two ends' bits may differ in length: at the tenth bit a sixth of a bit is left.
BAUD_TOLERANCE = 0.015

#: Seconds without a byte after which a request counts as given up.
PAUSE_S = 0.25

#: Pins of board versions 2 and 3 (ULX3S manual; the names are from the FT231X's side).
_PINS = {
    "clk_25mhz": ("G2", "PULLMODE=NONE"),
    "ftdi_rxd": ("L4", "PULLMODE=UP DRIVE=4"),
    "ftdi_txd": ("M1", "PULLMODE=UP"),
    "btn": ("R1", "PULLMODE=DOWN"),
    **{f"led[{n}]": (site, "PULLMODE=NONE DRIVE=4")
       for n, site in enumerate(("B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3"))},
}


def top_name(graph: StreamGraph) -> str:
    """Name of the top module."""
    return f"{graph.name}_ulx3s"


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


class Ulx3sTop(wiring.Component):
    """The top module; its design's top module stands in another file.

    Lights: 0 clock is there, 1 at work, 2 the last request was refused, 3 to 7 images counted.
    The button "fire 1" resets.

    Args:
        pause: clocks without a byte after which a request counts as given up; :data:`PAUSE_S` by default.
    """

    def __init__(self, graph: StreamGraph, dividers: Dividers, *, pause: int | None = None):
        self.graph, self.dividers = graph, dividers
        self.pause = int(PAUSE_S * dividers.mhz * 1e6) if pause is None else pause
        super().__init__({"clk_25mhz": In(1), "ftdi_txd": In(1), "ftdi_rxd": Out(1), "btn": In(1), "led": Out(8)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, last = self.graph.input, self.graph.output
        clock, locked = Signal(), Signal()
        m.submodules.pll = self._pll(clock, locked)
        m.domains.boot = boot = ClockDomain("boot", reset_less=True)
        m.domains.sync = domain = ClockDomain("sync")
        stop, stopped = Signal(init=1), Signal(init=1)
        m.d.boot += [stop.eq(~locked | self.btn), stopped.eq(stop)]
        m.d.comb += [boot.clk.eq(clock), domain.clk.eq(clock), domain.rst.eq(stopped)]

        _, divisor = baud_rate(self.dividers.mhz)
        m.submodules.receiver = receiver = UartReceiver(divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(divisor)
        m.submodules.link = link = FrameLink(first, last, self.pause)
        m.d.comb += [
            receiver.line.eq(self.ftdi_txd), self.ftdi_rxd.eq(transmitter.line),
            link.data.eq(receiver.data), link.valid.eq(receiver.valid),
            transmitter.i.payload.eq(link.o.payload), transmitter.i.valid.eq(link.o.valid),
            link.o.ready.eq(transmitter.i.ready),
            self.led.eq(Cat(~stopped, link.busy, link.failed, link.frames[:5])),
        ]
        ready = Signal()
        m.d.comb += link.frame.ready.eq(ready)
        m.submodules.network = Instance(
            self.graph.name, i_clk=clock, i_rst=stopped,
            i_i_payload=link.frame.payload, i_i_valid=link.frame.valid, o_i_ready=ready,
            o_o_payload=link.result.payload, o_o_valid=link.result.valid, i_o_ready=link.result.ready)
        return m

    def _pll(self, clock: Signal, locked: Signal) -> Instance:
        chosen = self.dividers
        return Instance(
            "EHXPLLL",
            # Lattice's own tools put these on every PLL; they set the loop filter.
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1", a_MFG_GMCREF_SEL="2",
            a_FREQUENCY_PIN_CLKI=f"{chosen.source_mhz:g}", a_FREQUENCY_PIN_CLKOP=f"{chosen.mhz:g}",
            p_CLKI_DIV=chosen.input, p_CLKFB_DIV=chosen.feedback, p_CLKOP_DIV=chosen.output,
            p_CLKOP_CPHASE=chosen.output - 1, p_CLKOP_FPHASE=0, p_CLKOP_ENABLE="ENABLED", p_FEEDBK_PATH="CLKOP",
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED", p_STDBY_ENABLE="DISABLED", p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA", p_OUTDIVIDER_MUXB="DIVB", p_OUTDIVIDER_MUXC="DIVC", p_OUTDIVIDER_MUXD="DIVD",
            i_CLKI=self.clk_25mhz, i_CLKFB=clock, o_CLKOP=clock, o_LOCK=locked,
            i_RST=0, i_STDBY=0, i_PHASESEL0=0, i_PHASESEL1=0, i_PHASEDIR=1, i_PHASESTEP=1, i_PHASELOADREG=1,
            i_PLLWAKESYNC=0, i_ENCLKOP=0)


def constraints() -> str:
    """Pins and clock in nextpnr's LPF."""
    lines = [f'FREQUENCY PORT "clk_25mhz" {OSCILLATOR_MHZ:g} MHZ;']
    for port, (site, options) in _PINS.items():
        lines += [f'LOCATE COMP "{port}" SITE "{site}";', f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33 {options};']
    # Configuration by USB (JTAG) and from flash, as the board's own designs set it.
    lines.append("SYSCONFIG CONFIG_IOVOLTAGE=3.3 COMPRESS_CONFIG=ON MCCLK_FREQ=62 MASTER_SPI_PORT=ENABLE;")
    return "\n".join(lines) + "\n"


def write_top(graph: StreamGraph, clock_mhz: float, folder: Path, *, pause: int | None = None) -> tuple[Path, Dividers]:
    """Write ``<design>_ulx3s.v`` for a clock up to the wanted one; returns the file and the PLL's setting.

    Raises:
        BoardError: a clock that the PLL or the serial line can't have.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    dividers = dividers_for(OSCILLATOR_MHZ, clock_mhz)
    name = top_name(graph)
    return write_verilog(folder, {name: Ulx3sTop(graph, dividers, pause=pause)})[name], dividers


def map_ulx3s(design: Design, board: Board, folder: Path) -> MappedModule:
    """Map the board's top, with the design as a black box in it.

    Args:
        design: without probes.
        board: with its clock.
        folder: for its Verilog, and for the netlist, which is kept by content.

    Raises:
        BoardError: a clock that the PLL or the serial line can't have.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    top, _ = write_top(design.graph, board.clock_mhz, folder)
    name = top_name(design.graph)
    files = {name: top, design.top: design.files[design.top]}
    return map_module(name, files, MappingOptions(board.part_family, attributes=True), (design.top,), folder)


def place_ulx3s(design: Design, mapped: MappedDesign, board: Board, folder: Path) -> Placed:
    """Place and route a design with its board's top; beside the bitstream stand ``host.py`` and what it needs.

    Args:
        design: without probes.
        mapped: its netlists, that of :func:`map_ulx3s` among them.

    Raises:
        BoardError: the routed design is slower than the clock that its PLL makes; there is then no bitstream.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    dividers = dividers_for(OSCILLATOR_MHZ, board.clock_mhz)
    placed = place_ecp5(top_name(design.graph), [module.netlist for module in mapped.layers.values()],
                        replace(board, clock_ns=1000 / dividers.mhz), folder, constraints=constraints())
    if placed.clock_mhz < dividers.mhz:
        placed.bitstream.unlink()
        raise BoardError(f"The routed design reaches {placed.clock_mhz:.1f} MHz, less than the {dividers.mhz:g} MHz "
                         f"of its PLL on {board.title}; ask for a longer clock period.")
    write_host(design.graph, dividers, board, folder)
    return placed


def write_host(graph: StreamGraph, dividers: Dividers, board: Board, folder: Path) -> Path:
    """Write ``host.py`` and the ``host.json`` that it reads; returns the script."""
    script = folder / "host.py"
    write_text(script, resources.files("quantunet_hls.rtl.integrate").joinpath("host.py").read_text(encoding="utf-8"))
    write_json(folder / "host.json", host_facts(graph, dividers, board))
    return script


def host_facts(graph: StreamGraph, dividers: Dividers, board: Board) -> dict[str, Any]:
    """What the host must know of a design."""
    return {"design": graph.name, "board": board.title, "baud": baud_rate(dividers.mhz)[0],
            "clock_mhz": dividers.mhz, "input": _stream(graph.input), "output": _stream(graph.output)}


def _stream(layer: StreamLayer) -> dict[str, Any]:
    return {"height": layer.shape.height, "width": layer.shape.width, "channels": layer.shape.channels,
            "bytes": code_bytes(layer), "signed": layer.type.signed, "fraction": layer.type.fraction,
            "low": layer.type.low, "high": layer.type.high}
