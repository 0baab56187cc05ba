"""Small stream graphs with seeded weights, for the tests of this folder."""

from dataclasses import replace

import numpy as np

from quantunet_hls.ops.argmax.stream import ArgMax
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.convolution.stream import Convolution, Grouped
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pointwise.stream import Pointwise
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.sigmoid.stage import Sigmoid
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.ops.window import Window
from quantunet_hls.ops.zero_insertion.stream import ZeroInsertion
from quantunet_hls.types.fixed import FixedType

PIXEL = FixedType(8, 8, False)
CODE = FixedType(6, 4, False, "RND_CONV", "SAT")
SIGNED = FixedType(7, 4, True, "RND", "SAT_SYM")
RELU = (Relu(CODE),)
SAME = Window((3, 3), padding=(1, 1, 1, 1))


def convolution(name, source, inputs, outputs, size, source_type, *, window=SAME, stages=RELU, seed=0):
    """A convolution of 4-bit weights (four fraction bits) on an image of ``size`` (height, width)."""
    rng = np.random.default_rng(seed)
    shape = Shape(*size, inputs)
    height, width = window.output(shape)
    return Convolution(
        name, (source,), Shape(height, width, outputs), stages[-1].type, shape, source_type, window,
        rng.integers(-7, 8, (*window.kernel, inputs, outputs)), rng.integers(-300, 300, outputs),
        source_type.fraction + 4, stages)


def every_kind(height=8, width=12):
    """A U-shaped graph that has every layer kind: its sizes are not square, its channels no powers of two."""
    half = (height // 2, width // 2)
    rng = np.random.default_rng(5)
    leaky = LeakyRelu(SIGNED, 13, 6)
    mean = FixedType(8, 4, True, "TRN_ZERO", "WRAP")
    full, low = Shape(height, width, 6), Shape(*half, 6)
    return StreamGraph("kinds", (
        Input("image", (), Shape(height, width, 3), PIXEL),
        convolution("down", "image", 3, 6, (height, width), PIXEL, seed=1),
        Pooling("pool", ("down",), low, CODE, full, CODE, Window((2, 2), (2, 2)), "max", (Cast(CODE),), slack=width),
        Grouped("each", ("pool",), low, SIGNED, low, CODE, SAME, rng.integers(-7, 8, (3, 3, 1, 6)),
                  rng.integers(-50, 50, 6), 8, (leaky,), slack=half[1]),
        convolution("mid", "each", 6, 4, half, SIGNED, window=Window((1, 3), padding=(0, 0, 1, 1)), seed=2,
                    stages=(Cast(FixedType(12, 6)), Relu(CODE))),
        Upsample("up", ("mid",), Shape(height, width, 4), CODE, Shape(*half, 4), (2, 2)),
        Concat("both", ("down", "up"), Shape(height, width, 10), CODE, (6, 4)),
        convolution("merge", "both", 10, 4, (height, width), CODE, seed=3, stages=(Cast(SIGNED),),
                    window=Window((3, 3), padding=(2, 2, 1, 1), dilation=(2, 1))),
        Pooling("mean", ("merge",), Shape(*half, 4), mean, Shape(height, width, 4), SIGNED, Window((2, 2), (2, 2)),
                "average", (Cast(mean),)),
        Pointwise("shift", ("mean",), Shape(*half, 4), FixedType(5, 2, True, "RND_INF", "SAT"), mean,
                  (Cast(FixedType(5, 2, True, "RND_INF", "SAT")),)),
        convolution("head", "shift", 4, 2, half, FixedType(5, 2), window=Window((3, 2), (2, 1), (0, 1, 1, 0)),
                    stages=(Cast(FixedType(14, 6)),), seed=4),
    ))


def windows_tables_and_classes(height=5, width=6):
    """Pooling windows that overlap, are padded and divide by no power of two; zeros between pixels; a sigmoid's
    table; a threshold; the class of each pixel."""
    rng = np.random.default_rng(6)
    table, quotient = FixedType(7, 6), FixedType(16, 10, True, "TRN_ZERO")
    mean, logit = FixedType(7, 4, True, "RND_CONV", "SAT"), FixedType(5, 4, True, "TRN", "SAT")
    index = FixedType(3, 0, False)
    full, spread, up = Shape(height, width, 2), Shape(9, 2 * width, 2), Shape(9, 2 * width, 3)
    second, third = Window((3, 3), (2, 1), (1, 1, 1, 1)), Window((3, 2), (2, 2), (1, 0, 0, 1))
    largest, low = Shape(*second.output(full), 2), Shape(*third.output(up), 3)
    classes = Shape(low.height, low.width, 1)
    head = convolution("head", "mean", 3, 5, (low.height, low.width), mean, seed=21, window=Window((1, 1)),
                       stages=(Cast(logit),))
    return StreamGraph("windows", (
        Input("image", (), full, SIGNED),
        Pooling("largest", ("image",), largest, SIGNED, full, SIGNED, second, "max", (Cast(SIGNED),), slack=width),
        ZeroInsertion("spread", ("largest",), spread, SIGNED, largest, (3, 2)),
        convolution("up", "spread", 2, 3, (spread.height, spread.width), SIGNED, seed=2,
                    window=Window((2, 3), padding=(1, 0, 1, 1)),
                    stages=(Cast(FixedType(11, 5)), Sigmoid(table, tuple(rng.integers(-64, 64, 48))))),
        Pooling("mean", ("up",), low, mean, up, table, third, "average",
                (Quotient(quotient, 6), Cast(mean)), slack=up.width),
        Pointwise("gate", ("mean",), low, index, mean, (Threshold(-3, 5), Cast(index))),
        replace(head, bias=np.zeros(5, np.int64)),
        ArgMax("mask", ("head",), classes, index, head.shape, logit),
        Concat("both", ("gate", "mask"), replace(classes, channels=4), index, (3, 1)),
    ))


def frames_for(graph, count, seed=0):
    """Random frames over the input type's whole range."""
    first = graph.input
    shape = first.shape
    return np.random.default_rng(seed).integers(
        first.type.low, first.type.high + 1, (count, shape.height, shape.width, shape.channels))
