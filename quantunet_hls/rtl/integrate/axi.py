"""The design as a block for a bus: AXI4-Stream in and out, AXI4-Lite for status and control.

Streams (AMBA AXI4-Stream, ARM IHI 0051)
    ``TDATA`` is one beat in a whole number of bytes, the code in the lowest bits
    and zeros (in) or the sign (out, where codes are signed) above. A pixel of
    the input is one beat. ``TLAST`` marks a frame's last beat on the way out; on
    the way in a beat count decides, and a ``TLAST`` elsewhere is only counted.
    Where weights are loaded at start-up, their file (docs/weights.md) comes by a
    stream of its own, ``s_axis_weights``, 32 bits wide, with ``TLAST`` at its last word;
    no pixel is taken before, nor any file while a frame is inside.

Registers (AMBA AXI4-Lite, ARM IHI 0022), 32 bits each
    ======  =================================================================
    0x00    control: bit 0 pauses the input, bit 1 clears the counters (self-clearing)
    0x04    frames that left
    0x08    cycles from the last frame's first beat in to its last beat out
    0x0C    cycles from the last beat out of one frame to that of the next
    0x10    frames whose ``TLAST`` came in at another beat than the last
    0x14    version: the first 32 bits of the stream graph's digest
    0x18    where weights are loaded: bit 0 they are there; bits 4 to 6 what was wrong with
            the last file, of :class:`~quantunet_hls.rtl.weights_file.Fault`
    0x1C    likewise: the checksum of the last file, as computed from what came
    0x20    where weights are streamed: address in external memory at which they begin, bits 12
    0x24    to 31 and 32 to 63; no file of weights is taken before the lower half was written
    0x28    likewise: bit 0, other weights lie there than the last file is for; bit 1, memory
            answered with an error
    ======  =================================================================

Memory (AMBA AXI4, ARM IHI 0022)
    Where weights are streamed, ``m_axi_weights`` reads them: bursts of up to 16 beats of 128 bits,
    no identifiers, so all is answered in order, nothing is ever written, and no burst crosses 4 KB.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amaranth.hdl import C, Cat, ClockDomain, ClockSignal, Instance, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.ops.hardware.streams import Fifo
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.reader import ADDRESS_BITS, MEMORY_PORTS
from quantunet_hls.rtl.generate.stitch import top_of
from quantunet_hls.rtl.generate.verilog import write_verilog

__all__ = ["FRAMES_IN_FLIGHT", "REGISTERS", "WEIGHT_REGISTERS", "AxiTop", "registers_of", "stream_bytes", "write_axi"]

#: Byte addresses of the registers.
REGISTERS = {"control": 0x00, "frames": 0x04, "latency": 0x08, "interval": 0x0C, "misplaced_last": 0x10,
             "version": 0x14}

#: Those that a design has besides whose weights are loaded.
WEIGHT_REGISTERS = {"weights": 0x18, "checksum": 0x1C}
#: And those that one has whose weights are streamed.
MEMORY_REGISTERS = {"memory_base": 0x20, "memory_base_high": 0x24, "memory": 0x28}
#: In ``weights``: where the number of the fault begins.
FAULT_BIT = 4

#: Of the memory's bus: bytes of a beat as a power of two; addresses that increase; reads that may be merged and split.
BEAT_SIZE, BURST_INCREASING, CACHE_MODIFIABLE = 4, 1, 0b0011

#: Frames whose start is remembered until they leave; more are never inside at once, but for those that lie in the
#: buffers of layers that compute whole frames with the weights that they stream.
FRAMES_IN_FLIGHT, FRAMES_OF_STREAMED = 4, 4


def registers_of(graph: StreamGraph) -> dict[str, int]:
    """Byte addresses of a design's registers."""
    return {**REGISTERS, **(WEIGHT_REGISTERS if graph.loading else {}), **(MEMORY_REGISTERS if graph.feeding else {})}


def _joined(name: str) -> str:
    """A signal of a channel as the bus calls it."""
    return name.replace("_", "")


#: The reading channels of the memory's bus.
_READING = {f"m_axi_weights_{_joined(name)}": member for name, member in MEMORY_PORTS.items()} | {
    f"m_axi_weights_{name}": Out(bits) for name, bits in (
        ("arsize", 3), ("arburst", 2), ("arcache", 4), ("arprot", 3))}


def stream_bytes(layer: StreamLayer) -> int:
    """Bytes of ``TDATA`` for a layer's beats."""
    return -(-layer.lanes * layer.type.width // 8)


class AxiTop(wiring.Component):
    """Wraps a design's top module; ports are named as AMD's tools infer them (``s_axis``, ``m_axis``, ``s_axi``).

    Args:
        inline: the design itself is inside, instead of an instance of its top module.
    """

    def __init__(self, graph: StreamGraph, *, inline: bool = False):
        # Weights that are loaded are no part of it.
        self.graph = graph = graph.hardware
        self.inline = inline
        address_bits = max(registers_of(graph).values()).bit_length()
        super().__init__({
            "aclk": In(1), "aresetn": In(1),
            "s_axis_tdata": In(8 * stream_bytes(graph.input)), "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "m_axis_tdata": Out(8 * stream_bytes(graph.output)), "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
            "m_axis_tlast": Out(1),
            "s_axi_awaddr": In(address_bits), "s_axi_awvalid": In(1), "s_axi_awready": Out(1),
            "s_axi_wdata": In(32), "s_axi_wstrb": In(4), "s_axi_wvalid": In(1), "s_axi_wready": Out(1),
            "s_axi_bresp": Out(2), "s_axi_bvalid": Out(1), "s_axi_bready": In(1),
            "s_axi_araddr": In(address_bits), "s_axi_arvalid": In(1), "s_axi_arready": Out(1),
            "s_axi_rdata": Out(32), "s_axi_rresp": Out(2), "s_axi_rvalid": Out(1), "s_axi_rready": In(1),
            **({"s_axis_weights_tdata": In(32), "s_axis_weights_tvalid": In(1), "s_axis_weights_tready": Out(1),
                "s_axis_weights_tlast": In(1)} if graph.loading else {}),
            **(_READING if graph.feeding else {}),
        })

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        m.domains.sync = domain = ClockDomain("sync")
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        first, last = self.graph.input, self.graph.output
        paused, clear = Signal(), Signal()
        out_code = Signal(last.lanes * last.type.width)
        core_ready, loaded, fault, checksum = Signal(), Signal(), Signal(3), Signal(32)
        taken = self.s_axis_tvalid & self.s_axis_tready
        given = self.m_axis_tvalid & self.m_axis_tready
        in_code = self.s_axis_tdata[: first.lanes * first.type.width]
        in_valid = self.s_axis_tvalid & ~paused
        given_in = {"i_payload": in_code, "i_valid": in_valid, "o_ready": self.m_axis_tready}
        given_out = {"i_ready": core_ready, "o_payload": out_code, "o_valid": self.m_axis_tvalid}
        if self.graph.loading:
            given_in |= {"weights_payload": Cat(self.s_axis_weights_tdata, self.s_axis_weights_tlast),
                         "weights_valid": self.s_axis_weights_tvalid}
            given_out |= {"weights_ready": self.s_axis_weights_tready, "loaded": loaded, "fault": fault,
                          "checksum": checksum}
        base, memory_fault = Signal(ADDRESS_BITS), Signal(2)
        if self.graph.feeding:
            self._memory(m, given_in, given_out, base, memory_fault)
        self._core(m, given_in, given_out)
        extended = out_code.as_signed() if last.type.signed and last.lanes == 1 else out_code
        m.d.comb += [self.s_axis_tready.eq(core_ready & ~paused), self.m_axis_tdata.eq(extended)]

        starts, ends = Signal(), Signal()
        last_in = self._beats(m, "beats_in", taken, first.beats, starts)
        last_out = self._beats(m, "beats_out", given, last.beats, Signal())
        m.d.comb += [self.m_axis_tlast.eq(last_out), ends.eq(given & last_out)]

        frames, latency, interval, misplaced = (Signal(32, name=name) for name in
                                                ("frames", "latency", "interval", "misplaced_last"))
        now, since = Signal(32), Signal(32)
        m.submodules.started = started = Fifo(
            32, FRAMES_IN_FLIGHT + FRAMES_OF_STREAMED * len(self.graph.feeding))
        m.d.comb += [started.i.payload.eq(now), started.i.valid.eq(starts), started.o.ready.eq(ends)]
        m.d.sync += [now.eq(now + 1), since.eq(Mux(ends, 1, since + 1))]
        with m.If(ends):
            m.d.sync += [frames.eq(frames + 1), latency.eq(now - started.o.payload + 1), interval.eq(since)]
        with m.If(taken & (self.s_axis_tlast != last_in)):
            m.d.sync += misplaced.eq(misplaced + 1)
        with m.If(clear):
            m.d.sync += [frames.eq(0), latency.eq(0), interval.eq(0), misplaced.eq(0)]
        version = C(int(self.graph.digest()[:8], 16), 32)
        weights = [Cat(loaded, C(0, FAULT_BIT - 1), fault), checksum] if self.graph.loading else []
        memory = [base[:32], base[32:], memory_fault] if self.graph.feeding else []
        self._registers(m, paused, clear, base,
                        [Cat(paused), frames, latency, interval, misplaced, version, *weights, *memory])
        return m

    def _memory(self, m: Module, given_in: dict[str, Any], given_out: dict[str, Any], base: Signal, fault: Signal
                ) -> None:
        """The reading channels, and the file of weights only where it is known from where to read."""
        known = Signal()
        with m.If(self._written(MEMORY_REGISTERS["memory_base"])):
            m.d.sync += known.eq(1)
        ready = Signal()
        m.d.comb += [
            self.s_axis_weights_tready.eq(ready & known), self.m_axi_weights_arsize.eq(BEAT_SIZE),
            self.m_axi_weights_arburst.eq(BURST_INCREASING), self.m_axi_weights_arcache.eq(CACHE_MODIFIABLE)]
        given_in["weights_valid"] = self.s_axis_weights_tvalid & known
        given_out["weights_ready"] = ready
        for name, member in MEMORY_PORTS.items():
            (given_out if member.flow is Out else given_in)[name] = getattr(self, f"m_axi_weights_{_joined(name)}")
        given_in["base"] = base
        given_out["memory_fault"] = fault

    def _written(self, address: int) -> Any:
        """Whether that register is being written."""
        moves = self.s_axi_awvalid & self.s_axi_wvalid & ~self.s_axi_bvalid
        return moves & (self.s_axi_awaddr[2:] == address >> 2)

    def _core(self, m: Module, given_in: dict[str, Any], given_out: dict[str, Any]) -> None:
        """The design, its ports by name."""
        if not self.inline:
            m.submodules.core = Instance(self.graph.name, i_clk=ClockSignal(), i_rst=ResetSignal(),
                                         **{f"i_{name}": value for name, value in given_in.items()},
                                         **{f"o_{name}": value for name, value in given_out.items()})
            return
        m.submodules.core = core = top_of(self.graph, inline=True)
        ports = {"_".join(map(str, path)): value for path, _, value in core.signature.flatten(core)}
        m.d.comb += [ports[name].eq(value) for name, value in given_in.items()]
        m.d.comb += [value.eq(ports[name]) for name, value in given_out.items()]

    def _beats(self, m: Module, name: str, moves: Any, beats: int, starts: Signal) -> Any:
        """Counts a frame's beats: high at its last one; ``starts`` is high as its first one moves."""
        count = Signal(range(max(beats, 2)), name=name)
        at_last = count == beats - 1
        m.d.comb += starts.eq(moves & (count == 0))
        with m.If(moves):
            m.d.sync += count.eq(Mux(at_last, 0, count + 1))
        return at_last

    def _registers(self, m: Module, paused: Signal, clear: Signal, base: Signal, values: list[Any]) -> None:
        """One write and one read at a time; a write waits for its address and its data together."""
        if self.graph.feeding:
            for half, name in enumerate(("memory_base", "memory_base_high")):
                for byte in range(4):
                    with m.If(self._written(MEMORY_REGISTERS[name]) & self.s_axi_wstrb[byte]):
                        m.d.sync += base.word_select(4 * half + byte, 8).eq(self.s_axi_wdata.word_select(byte, 8))
        write = self.s_axi_awvalid & self.s_axi_wvalid & ~self.s_axi_bvalid
        m.d.comb += [self.s_axi_awready.eq(write), self.s_axi_wready.eq(write),
                     self.s_axi_arready.eq(~self.s_axi_rvalid)]
        m.d.sync += clear.eq(0)
        with m.If(write):
            m.d.sync += self.s_axi_bvalid.eq(1)
            with m.If((self.s_axi_awaddr[2:] == REGISTERS["control"] >> 2) & self.s_axi_wstrb[0]):
                m.d.sync += [paused.eq(self.s_axi_wdata[0]), clear.eq(self.s_axi_wdata[1])]
        with m.Elif(self.s_axi_bready):
            m.d.sync += self.s_axi_bvalid.eq(0)
        with m.If(self.s_axi_arvalid & ~self.s_axi_rvalid):
            m.d.sync += self.s_axi_rvalid.eq(1)
            with m.Switch(self.s_axi_araddr[2:]):
                for index, value in enumerate(values):
                    with m.Case(index):
                        m.d.sync += self.s_axi_rdata.eq(value)
                with m.Default():
                    m.d.sync += self.s_axi_rdata.eq(0)
        with m.Elif(self.s_axi_rready):
            m.d.sync += self.s_axi_rvalid.eq(0)


def write_axi(graph: StreamGraph, folder: Path) -> Path:
    """Write ``<design>_axi.v``, to stand beside the files of :func:`quantunet_hls.rtl.generate.stitch.generate`.

    Raises:
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    name = f"{graph.name}_axi"
    return write_verilog(folder, {name: AxiTop(graph)})[name]
