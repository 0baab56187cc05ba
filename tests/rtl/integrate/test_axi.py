"""The bus wrapper with a small network inside, on Amaranth's own simulator."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.integrate.axi import REGISTERS, AxiTop, stream_bytes, write_axi
from quantunet_hls.rtl.reference import execute
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import PIXEL, convolution, frames_for


@pytest.fixture(scope="module")
def graph():
    logits = FixedType(13, 6)
    return StreamGraph("wrapped", (
        Input("image", (), Shape(3, 4, 2), PIXEL, lanes=2),
        convolution("head", "image", 2, 1, (3, 4), PIXEL, stages=(Cast(logits),), seed=3),
    ))


def test_frames_leave_with_their_last_beat_marked_and_are_counted(graph):
    top = AxiTop(graph, inline=True)
    frames = frames_for(graph, 3)
    expected = execute(graph, frames)["head"].reshape(-1)
    beats = [int(low) | int(high) << 8 for low, high in frames.reshape(-1, 2)]
    seen, registers = [], {}

    async def clocked(ctx):
        ctx.set(top.aclk, 0)
        await ctx.delay(5e-7)
        ready, valid = ctx.get(top.s_axis_tready & top.s_axis_tvalid), ctx.get(top.m_axis_tvalid & top.m_axis_tready)
        output = ctx.get(top.m_axis_tdata), ctx.get(top.m_axis_tlast)
        bus = ctx.get(top.s_axi_rvalid), ctx.get(top.s_axi_rdata), ctx.get(top.s_axi_bvalid)
        ctx.set(top.aclk, 1)
        await ctx.delay(5e-7)
        if valid:
            seen.append(output)
        return ready, bus

    async def read(ctx, name):
        ctx.set(top.s_axi_araddr, REGISTERS[name])
        ctx.set(top.s_axi_arvalid, 1)
        await clocked(ctx)
        ctx.set(top.s_axi_arvalid, 0)
        ctx.set(top.s_axi_rready, 1)
        _, (valid, data, _) = await clocked(ctx)
        assert valid
        return data

    async def write_control(ctx, value):
        ctx.set(top.s_axi_awaddr, REGISTERS["control"])
        ctx.set(top.s_axi_wdata, value)
        ctx.set(top.s_axi_wstrb, 15)
        for port in (top.s_axi_awvalid, top.s_axi_wvalid, top.s_axi_bready):
            ctx.set(port, 1)
        await clocked(ctx)
        ctx.set(top.s_axi_awvalid, 0)
        ctx.set(top.s_axi_wvalid, 0)
        _, (_, _, answered) = await clocked(ctx)
        assert answered

    async def bench(ctx):
        ctx.set(top.aresetn, 0)
        await clocked(ctx)
        ctx.set(top.aresetn, 1)
        await write_control(ctx, 1)
        ctx.set(top.s_axis_tvalid, 1)
        assert not (await clocked(ctx))[0]
        ctx.set(top.s_axis_tvalid, 0)
        await write_control(ctx, 0)
        ctx.set(top.m_axis_tready, 1)
        sent = 0
        while len(seen) < len(expected):
            ctx.set(top.s_axis_tvalid, int(sent < len(beats)))
            if sent < len(beats):
                ctx.set(top.s_axis_tdata, beats[sent])
                ctx.set(top.s_axis_tlast, int(sent % 12 == 11 and sent > 12))
            sent += (await clocked(ctx))[0]
        for name in REGISTERS:
            registers[name] = await read(ctx, name)

    m = Module()
    m.submodules.top = top
    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    width = 8 * stream_bytes(graph.output)
    codes = np.array([data - (1 << width) if data >> (width - 1) else data for data, _ in seen])
    assert (codes == expected).all()
    assert [last for _, last in seen] == [0] * 11 + [1] + [0] * 11 + [1] + [0] * 11 + [1]
    assert registers["frames"] == 3
    assert registers["misplaced_last"] == 1
    assert graph.cycles <= registers["interval"] <= graph.cycles + 12
    assert registers["latency"] > graph.cycles
    assert registers["version"] == int(graph.digest()[:8], 16)
    assert registers["control"] == 0


def test_the_wrapper_is_written_as_verilog_with_the_ports_that_tools_infer(graph, tmp_path):
    text = write_axi(graph, tmp_path).read_text()
    assert "module wrapped_axi(" in text
    assert "wrapped core (" in text
    for port in ("aclk", "aresetn", "s_axis_tdata", "m_axis_tlast", "s_axi_araddr"):
        assert f" {port};" in text
