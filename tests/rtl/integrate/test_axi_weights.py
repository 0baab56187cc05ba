"""Files of weights through the bus wrapper, on Amaranth's own simulator: one network, then another in one block."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from quantunet_hls import boards
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.storage import all_loaded, loaded_like, streamed
from quantunet_hls.rtl.integrate.axi import FAULT_BIT, AxiTop, registers_of, stream_bytes
from quantunet_hls.rtl.integrate.ipxact import component_xml, ports_of
from quantunet_hls.rtl.integrate.vivado import packaging_script
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.weights_file import Fault, checksum, memory_of, weights_of
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import CODE, PIXEL, convolution, frames_for


def network(seed):
    return StreamGraph("wrapped", (
        Input("image", (), Shape(3, 4, 2), PIXEL, lanes=2),
        convolution("body", "image", 2, 2, (3, 4), PIXEL, seed=seed),
        convolution("head", "body", 2, 1, (3, 4), CODE, stages=(Cast(FixedType(13, 6)),), seed=seed + 1),
    ))


def beats_of(codes):
    return [int(low) | int(high) << 8 for low, high in codes.reshape(-1, 2)]


class Bench:
    """The block, clock by clock."""

    def __init__(self, graph):
        self.graph, self.top, self.seen = graph, AxiTop(graph, inline=True), []

    def run(self, work):
        async def bench(ctx):
            self.ctx = ctx
            ctx.set(self.top.aresetn, 0)
            await self.clock()
            ctx.set(self.top.aresetn, 1)
            ctx.set(self.top.m_axis_tready, 1)
            await work(self)

        m = Module()
        m.submodules.top = self.top
        simulator = Simulator(m)
        simulator.add_testbench(bench)
        simulator.run()

    async def clock(self):
        ctx, top = self.ctx, self.top
        ctx.set(top.aclk, 0)
        await ctx.delay(5e-7)
        moved = {bus: ctx.get(getattr(top, f"{bus}_tvalid") & getattr(top, f"{bus}_tready"))
                 for bus in ("s_axis", "s_axis_weights", "m_axis")}
        data = ctx.get(top.m_axis_tdata)
        ctx.set(top.aclk, 1)
        await ctx.delay(5e-7)
        if moved["m_axis"]:
            self.seen.append(data)
        return moved

    async def send(self, bus, words, clocks=4000):
        """Words by a bus, TLAST at the last; how many were taken in so many clocks."""
        sent = 0
        while sent < len(words) and clocks:
            self.ctx.set(getattr(self.top, f"{bus}_tvalid"), 1)
            self.ctx.set(getattr(self.top, f"{bus}_tdata"), int(words[sent]))
            self.ctx.set(getattr(self.top, f"{bus}_tlast"), sent == len(words) - 1)
            sent += (await self.clock())[bus]
            clocks -= 1
        self.ctx.set(getattr(self.top, f"{bus}_tvalid"), 0)
        return sent

    async def read(self, register):
        ctx, top = self.ctx, self.top
        ctx.set(top.s_axi_araddr, registers_of(self.graph)[register])
        ctx.set(top.s_axi_arvalid, 1)
        ctx.set(top.s_axi_rready, 1)
        await self.clock()
        ctx.set(top.s_axi_arvalid, 0)
        value = ctx.get(top.s_axi_rdata)
        await self.clock()
        return value

    async def frame(self, codes):
        """A frame, to the end."""
        wanted = len(self.seen) + self.graph.output.beats
        await self.send("s_axis", beats_of(codes))
        while len(self.seen) < wanted:
            await self.clock()


def test_a_second_networks_file_by_the_same_port_gives_its_integers():
    graphs = [all_loaded(network(3), any_weights=True)]
    graphs.append(loaded_like(network(40), graphs[0]))
    frames, files = frames_for(graphs[0], 3), [weights_of(graph) for graph in graphs]
    status = []

    async def work(bench):
        # Before the weights are there no pixel is taken.
        assert await bench.send("s_axis", [1], clocks=100) == 0
        changed = files[0].copy()
        changed[5] ^= 1 << 20
        for words in (changed, files[0]):
            assert await bench.send("s_axis_weights", words) == len(words)
            for _ in range(8):
                await bench.clock()
            status.append((await bench.read("weights"), await bench.read("checksum")))
        await bench.frame(frames[0])
        await bench.frame(frames[1])
        # A file that comes while a frame is under way waits for its end.
        beats = beats_of(frames[2])
        await bench.send("s_axis", beats[:7])
        assert await bench.send("s_axis_weights", files[1], clocks=100) == 0
        bench.ctx.set(bench.top.s_axis_weights_tvalid, 1)
        await bench.send("s_axis", beats[7:])
        assert await bench.send("s_axis_weights", files[1]) == len(files[1])
        await bench.frame(frames[0])
        status.append((await bench.read("weights"), await bench.read("checksum")))

    bench = Bench(graphs[0])
    bench.run(work)
    width = 8 * stream_bytes(graphs[0].output)
    codes = np.array([data - (1 << width) if data >> (width - 1) else data for data in bench.seen])
    first, second = (execute(graph, frames)["head"].reshape(3, -1) for graph in graphs)
    assert (codes.reshape(4, -1) == np.stack([*first, second[0]])).all()
    assert (first[0] != second[0]).any()
    assert [value for value, _ in status] == [Fault.CHECKSUM << FAULT_BIT, 1, 1]
    assert [value for _, value in status[1:]] == [checksum(words[:-1]) for words in files]


class MemoryBench(Bench):
    """The block with external memory behind its bus, which answers a burst after so many clocks."""

    def __init__(self, graph, image, place):
        super().__init__(graph)
        self.image, self.place, self.bursts, self.waits, self.status = image, place, [], 7, 0

    async def clock(self):
        ctx, top = self.ctx, self.top
        self.waits = max(self.waits - 1, 0) if self.bursts else 7
        answers = bool(self.bursts) and not self.waits
        ctx.set(top.m_axi_weights_arready, 1)
        ctx.set(top.m_axi_weights_rvalid, answers)
        if answers:
            at, left = self.bursts[0]
            words = self.image[at // 4: at // 4 + 4]
            ctx.set(top.m_axi_weights_rdata, sum(int(word) << 32 * place for place, word in enumerate(words)))
            ctx.set(top.m_axi_weights_rlast, left == 1)
            ctx.set(top.m_axi_weights_rresp, self.status)
        asked = ctx.get(top.m_axi_weights_arvalid)
        address, beats = ctx.get(top.m_axi_weights_araddr), ctx.get(top.m_axi_weights_arlen) + 1
        moved = await super().clock()
        if answers:
            self.bursts[0] = (at + 16, left - 1)
            self.bursts = self.bursts if left > 1 else self.bursts[1:]
        if asked:
            assert 0 <= address - self.place <= self.image.nbytes - 16 * beats
            assert address // 4096 == (address + 16 * beats - 1) // 4096
            self.bursts.append((address - self.place, beats))
        return moved

    async def write(self, register, value):
        ctx, top = self.ctx, self.top
        ctx.set(top.s_axi_awaddr, registers_of(self.graph)[register])
        ctx.set(top.s_axi_wdata, value)
        ctx.set(top.s_axi_wstrb, 15)
        for name in ("awvalid", "wvalid", "bready"):
            ctx.set(getattr(top, f"s_axi_{name}"), 1)
        await self.clock()
        ctx.set(top.s_axi_awvalid, 0)
        ctx.set(top.s_axi_wvalid, 0)
        await self.clock()


@pytest.mark.slow
def test_weights_are_read_from_where_the_registers_say():
    graph = streamed(network(3), {"body": 3, "head": 1})
    frames, place = frames_for(graph, 2), 0x5_1234_5000
    bench, status = MemoryBench(graph, memory_of(graph), place), []

    async def work(bench):
        assert await bench.send("s_axis_weights", weights_of(graph), clocks=20) == 0
        await bench.write("memory_base_high", place >> 32)
        # The lowest bits are left out.
        await bench.write("memory_base", (place & 0xFFFF_FFFF) + 0xFF0)
        assert await bench.read("memory_base_high") == 5
        assert await bench.send("s_axis_weights", weights_of(graph)) == len(weights_of(graph))
        await bench.frame(frames[0])
        status.append(await bench.read("memory"))
        # Memory that answers with an error: the block says so, and nothing more comes out.
        bench.status = 2
        await bench.send("s_axis", beats_of(frames[1]), clocks=400)
        status.append(await bench.read("memory"))

    bench.run(work)
    width = 8 * stream_bytes(graph.output)
    codes = np.array([data - (1 << width) if data >> (width - 1) else data for data in bench.seen])
    expected = execute(graph, frames)["head"].reshape(2, -1)
    assert (codes[: graph.output.beats] == expected[0]).all()
    assert len(codes) < 2 * graph.output.beats
    assert [value & 2 for value in status] == [0, 2]
    assert status[0] == 0


def test_tools_find_the_bus_to_external_memory_and_its_registers():
    graph, board = streamed(network(3), {"body": 3}), boards.load("kv260")
    top = AxiTop(graph)
    top._MustUse__silence = True
    text = component_xml("wrapped", ports_of(top), ["hdl/wrapped.v"], registers_of(graph), board)
    for name in ("m_axi_weights", "memory_base", "memory_base_high", "memory"):
        assert f"<spirit:name>{name}</spirit:name>" in text
    assert "s_axi:s_axis_weights:m_axi_weights" in text
    assert '<spirit:addressSpaceRef spirit:addressSpaceRef="m_axi_weights"' in text


def test_tools_find_the_bus_of_weights_and_their_registers():
    graph, board = all_loaded(network(3)), boards.load("kv260")
    loaded, plain = AxiTop(graph), AxiTop(network(3))
    for top in (loaded, plain):
        # No hardware is made of them.
        top._MustUse__silence = True
    ports = ports_of(loaded)
    text = component_xml("wrapped", ports, ["hdl/wrapped.v"], registers_of(graph), board)
    for name in ("s_axis_weights", "weights", "checksum"):
        assert f"<spirit:name>{name}</spirit:name>" in text
    assert "s_axis:m_axis:s_axi:s_axis_weights" in text
    without = component_xml("wrapped", ports_of(plain), [], registers_of(network(3)), board)
    assert "s_axis_weights" not in without
    assert "-busif s_axis_weights" in packaging_script("wrapped", [], board, ("s_axis", "s_axis_weights"))
