"""Random networks, layer by layer against the integer reference: none differs, none stands still."""

import numpy as np
import pytest

from quantunet_hls.ops.argmax.stream import ArgMax
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.convolution.stream import Grouped
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_TYPE, Sigmoid, sigmoid_table
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.ops.window import Window
from quantunet_hls.ops.zero_insertion.stream import ZeroInsertion
from quantunet_hls.rtl.fold.multipliers import with_multipliers
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.verilator import build_simulator, compare
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType, covering
from tests.rtl.graphs import PIXEL, SAME, convolution, frames_for


def random_unet(seed):
    """A U-Net of random size, widths, classes, activations, convolutions, poolings, ways up, and result."""
    rng = np.random.default_rng(seed)
    depth, base, classes = int(rng.integers(1, 3)), int(rng.integers(1, 4)), int(rng.integers(1, 5))
    size = tuple(int(n) * 2**depth for n in rng.integers(2, 5, 2))
    layers = [Input("image", (), Shape(*size, int(rng.integers(1, 4))), PIXEL)]

    def activation():
        bits = int(rng.integers(3, 8))
        if rng.random() < 0.4:
            return (LeakyRelu(FixedType(bits + 1, 3, True, "RND", "SAT"), int(rng.integers(1, 32)), 6),)
        return (Relu(FixedType(bits, 4, False, "RND_CONV", "SAT")),)

    def pooling(kind):
        window = (Window((2, 2), (2, 2)), Window((3, 3), (2, 2), (1, 1, 1, 1)), Window((2, 3), (2, 2), (0, 0, 1, 1)))[
            int(rng.integers(3))]
        if rng.random() < 0.6:
            return "max", window, (Cast(kind),)
        if window.taps == 4:
            return "average", window, (Cast(kind),)
        quotient = FixedType(kind.width + 10, kind.fraction + 6, kind.signed, "TRN_ZERO")
        return "average", window, (Quotient(quotient, window.taps), Cast(kind))

    def block(name, source, outputs, stages=None):
        shape = source.shape
        here, stages = (shape.height, shape.width), stages or activation()
        if rng.random() < 0.25:
            weights = rng.integers(-7, 8, (3, 3, 1, shape.channels))
            between = activation()
            source = Grouped(f"{name}_each", (source.name,), shape, between[0].type, shape, source.type, SAME,
                               weights, rng.integers(-50, 50, shape.channels), source.type.fraction + 4, between)
            layers.append(source)
        layers.append(convolution(name, source.name, shape.channels, outputs, here, source.type, stages=stages,
                                  seed=int(rng.integers(1 << 30))))
        return layers[-1]

    current, skips = layers[0], []
    for level in range(depth):
        current = block(f"enc{level}", current, base * 2**level)
        skips.append(current)
        shape = current.shape
        half = Shape(shape.height // 2, shape.width // 2, shape.channels)
        operation, window, stages = pooling(current.type)
        layers.append(Pooling(f"pool{level}", (current.name,), half, current.type, shape, current.type,
                              window, operation, stages, slack=shape.width))
        current = layers[-1]
    current = block("mid", current, base * 2**depth)
    for level in reversed(range(depth)):
        skip, shape = skips[level], current.shape
        twice = Shape(shape.height * 2, shape.width * 2, shape.channels)
        if rng.random() < 0.5:
            layers.append(Upsample(f"grow{level}", (current.name,), twice, current.type, shape, (2, 2)))
        else:
            # What a transposed convolution of stride 2 with a kernel of 2, 3 or 4 becomes.
            layers.append(ZeroInsertion(f"zeros{level}", (current.name,), twice, current.type, shape, (2, 2)))
            kernel, before, behind = ((2, 1, 0), (3, 1, 1), (4, 2, 1))[int(rng.integers(3))]
            window = Window((kernel, kernel), padding=(before, behind, before, behind))
            layers.append(convolution(f"grow{level}", f"zeros{level}", shape.channels, shape.channels,
                                      (twice.height, twice.width), current.type, window=window, stages=activation(),
                                      seed=int(rng.integers(1 << 30))))
        # Both branches of a concat have one type.
        up = block(f"up{level}", layers[-1], base * 2**level, skip.stages)
        layers.append(Concat(f"both{level}", (skip.name, up.name), Shape(
            shape.height * 2, shape.width * 2, skip.shape.channels + up.shape.channels), skip.type,
            (skip.shape.channels, up.shape.channels)))
        current = block(f"dec{level}", layers[-1], base * 2**level)
    logits = FixedType(20, 8) if rng.random() < 0.5 else FixedType(4, 1, True, "TRN", "SAT")
    stages = (Cast(logits),)
    result = rng.choice(["logits", "sigmoid", "mask"])
    if result == "sigmoid":
        stages = (*stages, Sigmoid(SIGMOID_TYPE, sigmoid_table(1024, SIGMOID_TYPE, SIGMOID_TYPE)))
    elif result == "mask" and classes == 1:
        stages = (*stages, Threshold(int(rng.integers(-9, 10)), 4))
    layers.append(convolution("head", current.name, current.shape.channels, classes,
                              (current.shape.height, current.shape.width), current.type, window=Window((1, 1)),
                              stages=stages))
    if result == "mask" and classes > 1:
        head = layers[-1].shape
        layers.append(ArgMax("mask", ("head",), Shape(head.height, head.width, 1), covering(0, classes - 1), head,
                             logits))
    return StreamGraph(f"net{seed}", tuple(layers))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_random_networks_equal_the_reference_with_and_without_stalls(seed, tmp_path):
    graph = random_unet(seed)
    slowest = max(layer.macs for layer in graph.layers)
    fastest = max(layer.shape.pixels * (layer.window.taps if hasattr(layer, "window") else 1) for layer in graph.layers)
    graph = fold(graph, max(slowest // int(1 + seed % 7), fastest))
    graph = with_multipliers(graph, ("dsp", "packed", "lut")[seed % 3], XCUP)
    frames = frames_for(graph, 3, seed)
    expected = execute(graph, frames)
    simulator = build_simulator(generate(graph, tmp_path, probes=True), tmp_path / "simulation", traced=True)
    for stalls in (Stalls(), Stalls(0.3, 0.3, seed + 1)):
        seen = simulator.run(frames, stalls=stalls)
        compare(expected, {**seen.traces, graph.output.name: seen.outputs}, graph)
        if stalls == Stalls():
            assert seen.cycles_per_frame <= 1.05 * graph.cycles
