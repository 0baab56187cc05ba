"""Small stream graphs with seeded weights, for the tests of this folder."""

import numpy as np

from quantunet_hls.rtl.graph import (
    Cast,
    Concat,
    Convolution,
    Depthwise,
    Input,
    LeakyRelu,
    Pointwise,
    Pooling,
    Relu,
    Shape,
    StreamGraph,
    Upsample,
    Window,
)
from quantunet_hls.types.fixed import FixedType

PIXEL = FixedType(8, 8, False)
CODE = FixedType(6, 4, False, "RND_CONV", "SAT")
SIGNED = FixedType(7, 4, True, "RND", "SAT_SYM")
RELU = (Relu(CODE),)
SAME = Window((3, 3), padding=(1, 1, 1, 1))


def convolution(name, source, inputs, outputs, size, source_type, *, window=SAME, steps=RELU, seed=0):
    """A convolution of 4-bit weights (four fraction bits) on an image of ``size`` (height, width)."""
    rng = np.random.default_rng(seed)
    shape = Shape(*size, inputs)
    height, width = window.output(shape)
    return Convolution(
        name, (source,), Shape(height, width, outputs), steps[-1].type, shape, source_type, window,
        rng.integers(-7, 8, (*window.kernel, inputs, outputs)), rng.integers(-300, 300, outputs),
        source_type.fraction + 4, steps)


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
        Depthwise("each", ("pool",), low, SIGNED, low, CODE, SAME, rng.integers(-7, 8, (3, 3, 6)),
                  rng.integers(-50, 50, 6), 8, (leaky,), slack=half[1]),
        convolution("mid", "each", 6, 4, half, SIGNED, window=Window((1, 3), padding=(0, 0, 1, 1)), seed=2,
                    steps=(Cast(FixedType(12, 6)), Relu(CODE))),
        Upsample("up", ("mid",), Shape(height, width, 4), CODE, Shape(*half, 4), (2, 2)),
        Concat("both", ("down", "up"), Shape(height, width, 10), CODE, (6, 4)),
        convolution("merge", "both", 10, 4, (height, width), CODE, seed=3, steps=(Cast(SIGNED),),
                    window=Window((3, 3), padding=(2, 2, 1, 1), dilation=(2, 1))),
        Pooling("mean", ("merge",), Shape(*half, 4), mean, Shape(height, width, 4), SIGNED, Window((2, 2), (2, 2)),
                "average", (Cast(mean),)),
        Pointwise("shift", ("mean",), Shape(*half, 4), FixedType(5, 2, True, "RND_INF", "SAT"), mean,
                  (Cast(FixedType(5, 2, True, "RND_INF", "SAT")),)),
        convolution("head", "shift", 4, 2, half, FixedType(5, 2), window=Window((3, 2), (2, 1), (0, 1, 1, 0)),
                    steps=(Cast(FixedType(14, 6)),), seed=4),
    ))


def frames_for(graph, count, seed=0):
    """Random frames over the input type's whole range."""
    first = graph.input
    shape = first.shape
    return np.random.default_rng(seed).integers(
        first.type.low, first.type.high + 1, (count, shape.height, shape.width, shape.channels))
