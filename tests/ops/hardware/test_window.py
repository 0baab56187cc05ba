"""Windows and width adapters on Amaranth's own simulator, over random shapes."""

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.hardware.streams import WidthAdapter
from quantunet_hls.ops.hardware.window import WholeWindows, WindowGenerator
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.window import Window

BITS = 7


def stream_through(component, beats, expected, stall_seed):
    """Beats through a component with random pauses at both ends, until ``expected`` many came out."""
    rng = np.random.default_rng(stall_seed)
    pause = rng.choice([0.0, 0.4])
    waiting, seen = [int(beat) for beat in beats], []

    async def drive(ctx):
        while len(seen) < expected:
            if waiting and not ctx.get(component.i.valid) and rng.random() >= pause:
                ctx.set(component.i.payload, waiting.pop(0))
                ctx.set(component.i.valid, 1)
            ctx.set(component.o.ready, int(rng.random() >= pause))
            *_, taken, given, payload = await ctx.tick().sample(
                component.i.valid & component.i.ready, component.o.valid & component.o.ready, component.o.payload)
            if taken:
                ctx.set(component.i.valid, 0)
            if given:
                seen.append(payload)

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return seen


def words(codes, lanes):
    """Codes (..., channels) as beats of ``lanes`` channels, lowest first."""
    groups = codes.reshape(-1, lanes)
    return (groups << (BITS * np.arange(lanes))).sum(axis=1)


def beats_of(groups):
    """Each last axis of codes as one beat, of any width."""
    return [sum(int(code) << (BITS * place) for place, code in enumerate(group))
            for group in groups.reshape(-1, groups.shape[-1])]


@st.composite
def cases(draw):
    lanes = draw(st.sampled_from([1, 2]))
    shape = Shape(draw(st.integers(2, 6)), draw(st.integers(2, 6)), lanes * draw(st.integers(1, 4)))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple(draw(st.integers(0, s - 1)) for s in (span[0], span[0], span[1], span[1]))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    window = Window(kernel, stride, padding, dilation)
    order = draw(st.sampled_from(["taps", "parts", "columns", "whole"]))
    lanes = shape.channels if order in ("columns", "whole") else lanes
    return shape, lanes, window, draw(st.integers(1, 3)), order, draw(st.integers(0, 3))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.integers(0, 1000))
def test_windows_of_random_shapes(case, seed):
    shape, lanes, window, repeats, order, slack = case
    rows, columns = window.output(shape)
    assume(rows >= 1 and columns >= 1)
    frames = np.random.default_rng(seed).integers(0, 1 << BITS, (2, shape.height, shape.width, shape.channels))
    top, bottom, left, right = window.padding
    padded = np.pad(frames, ((0, 0), (top, bottom), (left, right), (0, 0)))
    beats = shape.channels // lanes
    parts = 1 if order != "parts" else beats // 2 if beats == 4 else beats
    expected = []
    for frame in padded:
        for row in range(rows):
            for column in range(columns):
                taps = np.array([[frame[row * window.stride[0] + y * window.dilation[0],
                                        column * window.stride[1] + x * window.dilation[1]]
                                  for x in range(window.kernel[1])] for y in range(window.kernel[0])])
                groups = taps.reshape(window.taps, -1, lanes)
                if order == "parts":
                    of_parts = groups.reshape(window.taps, parts, -1, lanes).transpose(1, 0, 2, 3)
                    expected += [beat for part in of_parts for beat in beats_of(part) * repeats]
                    continue
                if order == "columns":
                    groups = taps.transpose(1, 0, 2).reshape(window.kernel[1], -1)
                elif order == "whole":
                    groups = taps.transpose(1, 0, 2).reshape(1, -1)
                expected += beats_of(groups) * repeats
    if order == "whole":
        generator = WholeWindows(shape, BITS, window, repeats=repeats, slack=slack)
    else:
        generator = WindowGenerator(shape, BITS, lanes, window, repeats=repeats, parts=parts,
                                    columns=order == "columns", slack=slack)
    seen = stream_through(generator, words(frames, lanes), len(expected), seed)
    assert list(seen) == expected


@pytest.mark.parametrize(("lanes_in", "lanes_out"), [(1, 4), (6, 2), (4, 6), (3, 2)])
def test_width_adapters_keep_the_order_of_channels(lanes_in, lanes_out):
    codes = np.random.default_rng(1).integers(0, 1 << BITS, (24, 12))
    adapter = WidthAdapter(BITS, lanes_in, lanes_out)
    expected = words(codes, lanes_out)
    assert stream_through(adapter, words(codes, lanes_in), len(expected), 2) == list(expected)
