"""Random U-Nets as stream graphs: many shapes, widths and layer kinds, as small as synthesis should be quick."""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.argmax.stream import ArgMax
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.convolution.stream import Convolution, Grouped
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_TYPE, Sigmoid, sigmoid_table
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.ops.window import Window
from quantunet_hls.ops.zero_insertion.stream import ZeroInsertion
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["random_unet"]

_SAME = Window((3, 3), padding=(1, 1, 1, 1))
_PIXEL = FixedType(8, 8, False)
_POINT = Window((1, 1))


def random_unet(seed: int, name: str = "net") -> StreamGraph:
    """A U-Net of depth 1 to 3, 4 to 8 channels at the top, images of 16 to 64 pixels, 2 to 8 bits a weight and value.

    Every layer has widths of its own, each level one or two convolutions; weights are normally distributed, so
    that sums and digits are about as large as those of a trained network.
    """
    return _RandomUNet(seed).graph(f"{name}{seed}")


class _RandomUNet:
    """A network under construction; layers are appended in order."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.layers: list[StreamLayer] = []

    def graph(self, name: str) -> StreamGraph:
        rng = self.rng
        depth, base = int(rng.choice((1, 2, 3), p=(0.6, 0.3, 0.1))), int(rng.choice((4, 6, 8)))
        height, width = (int(rng.integers(16 >> depth, (64 >> depth) + 1)) << depth for _ in range(2))
        classes, convolutions = int(rng.integers(1, 5)), 1 + int(rng.random() < 0.4)
        current: StreamLayer = Input("image", (), Shape(height, width, int(rng.choice((1, 3)))), _PIXEL)
        self.layers = [current]
        skips = []
        for level in range(depth):
            skips.append(self.block(f"enc{level}", current, base << level, convolutions))
            current = self.pooled(f"pool{level}", skips[-1])
        current = self.block("mid", current, base << depth, convolutions)
        for level in reversed(range(depth)):
            skip = skips[level]
            # Both branches of a concat have one type.
            up = self.convolution(f"up{level}", self.grown(level, current), base << level, skip.stages)
            shape = Shape(skip.shape.height, skip.shape.width, skip.shape.channels + up.shape.channels)
            both = self.add(Concat(f"both{level}", (skip.name, up.name), shape, skip.type,
                                   (skip.shape.channels, up.shape.channels)))
            current = self.block(f"dec{level}", both, base << level, convolutions)
        self.head(current, classes)
        return StreamGraph(name, tuple(self.layers))

    def add(self, layer: StreamLayer) -> StreamLayer:
        self.layers.append(layer)
        return layer

    def activation(self) -> tuple[Stage, ...]:
        bits = int(self.rng.integers(2, 9))
        if bits > 2 and self.rng.random() < 0.2:
            return (LeakyRelu(FixedType(bits, bits - 4, True, "RND", "SAT"), int(self.rng.integers(1, 32)), 6),)
        return (Relu(FixedType(bits, bits - 3, False, "RND_CONV", "SAT")),)

    def weights(self, shape: tuple[int, ...]) -> tuple[Integers, int]:
        """Codes, and the fraction bits that go with them."""
        bits = int(self.rng.integers(2, 9))
        high = (1 << (bits - 1)) - 1
        codes = np.rint(self.rng.normal(0, max(high / 2.5, 0.7), shape)).astype(np.int64).clip(-high, high)
        codes.flat[:2] = -high, high
        return codes, bits

    def convolution(self, name: str, source: StreamLayer, outputs: int, stages: tuple[Stage, ...] | None = None,
                    window: Window = _SAME) -> Convolution:
        stages = stages or self.activation()
        weights, fraction = self.weights((*window.kernel, source.shape.channels, outputs))
        size = window.output(source.shape)
        layer = Convolution(name, (source.name,), Shape(*size, outputs), stages[-1].type, source.shape, source.type,
                            window, weights, self.rng.integers(-300, 300, outputs),
                            source.type.fraction + fraction, stages)
        self.layers.append(layer)
        return layer

    def block(self, name: str, source: StreamLayer, outputs: int, convolutions: int) -> Convolution:
        if self.rng.random() < 0.15:
            shape, between = source.shape, self.activation()
            weights, fraction = self.weights((3, 3, 1, shape.channels))
            source = self.add(Grouped(f"{name}_each", (source.name,), shape, between[-1].type, shape, source.type,
                                        _SAME, weights, self.rng.integers(-50, 50, shape.channels),
                                        source.type.fraction + fraction, between))
        layer = self.convolution(f"{name}a", source, outputs)
        return self.convolution(f"{name}b", layer, outputs) if convolutions == 2 else layer

    def pooled(self, name: str, source: StreamLayer) -> StreamLayer:
        shape = source.shape
        half = Shape(shape.height // 2, shape.width // 2, shape.channels)
        operation = "average" if self.rng.random() < 0.2 else "max"
        return self.add(Pooling(name, (source.name,), half, source.type, shape, source.type, Window((2, 2), (2, 2)),
                                operation, (Cast(source.type),), slack=shape.width))

    def grown(self, level: int, source: StreamLayer) -> StreamLayer:
        shape = source.shape
        twice = Shape(shape.height * 2, shape.width * 2, shape.channels)
        kind = ZeroInsertion if self.rng.random() < 0.25 else Upsample
        return self.add(kind(f"grow{level}", (source.name,), twice, source.type, shape, (2, 2)))

    def head(self, source: StreamLayer, classes: int) -> None:
        logits = FixedType(int(self.rng.integers(4, 13)), 2, True, "TRN", "SAT")
        stages: tuple[Stage, ...] = (Cast(logits),)
        result = self.rng.choice(("logits", "sigmoid", "mask"), p=(0.4, 0.2, 0.4))
        if result == "sigmoid":
            stages = (*stages, Sigmoid(SIGMOID_TYPE, sigmoid_table(1024, SIGMOID_TYPE, SIGMOID_TYPE)))
        elif result == "mask" and classes == 1:
            stages = (*stages, Threshold(0, 2))
        head = self.convolution("head", source, classes, stages, _POINT)
        if result == "mask" and classes > 1:
            shape = Shape(head.shape.height, head.shape.width, 1)
            self.add(ArgMax("mask", ("head",), shape, covering(0, classes - 1), head.shape, logits))
