"""Blocks of random networks: each reads a quantized image, and gives another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import helper

from tests.ops.stages.table.functions import FUNCTIONS
from tests.random_layers import RandomNet

__all__ = ["BLOCKS", "first_opset"]

#: Longest side of any image, and most channels, so that a C-simulation takes seconds.
_LONGEST, _CHANNELS = 26, 8

#: Functions that newer opsets have as an operator, and the first opset that has it.
_NEWER = {"HardSwish": 14, "Mish": 18, "Gelu": 20, "Swish": 24}
_FUNCTIONS = (*FUNCTIONS, *_NEWER)


def first_opset(turn: int) -> int:
    """The first opset that has the function of that turn."""
    return _NEWER.get(_FUNCTIONS[turn % len(_FUNCTIONS)], 0)


@dataclass(frozen=True)
class Block:
    """From a quantized image to another one.

    Attributes:
        make: adds its nodes.
        grows: how many times as high and wide the image may become.
        least: shortest side that it can read.
        channels: least number of channels that it can read.
    """

    make: Callable[[RandomNet, str], str]
    grows: int = 1
    least: int = 1
    channels: int = 1

    def takes(self, net: RandomNet, image: str) -> bool:
        """Whether it can read that image."""
        _, channels, height, width = net.shapes[image]
        return (channels >= self.channels and min(height, width) >= self.least
                and (self.grows == 1 or max(height, width) * self.grows <= _LONGEST))


def _some(net: RandomNet, most: int = 4) -> int:
    return int(net.random.integers(1, most + 1))


# Convolutions.


def convolution(net: RandomNet, x: str) -> str:
    """Any kernel, stride, dilation and padding."""
    x = carried(net, x)
    kernel = net.one_of([(3, 3), (1, 3), (3, 1), (2, 3), (2, 2), (5, 3)])
    stride = net.one_of([(1, 1), (2, 2), (2, 1), (1, 3)], [5, 2, 1, 1])
    dilation = net.one_of([(1, 1), (2, 2), (1, 3)], [4, 1, 1])
    beyond = [gap * (size - 1) for gap, size in zip(dilation, kernel, strict=True)]
    pads = [int(net.random.integers(0, each + 1)) for each in beyond * 2] if net.chance(0.5) else None
    if pads is not None and any(side + pads[axis] + pads[axis + 2] <= beyond[axis]
                                for axis, side in enumerate(net.shapes[x][2:])):
        pads = None
    return net.block(x, _some(net), kernel, stride=stride, dilation=dilation, pads=pads)


def pointwise(net: RandomNet, x: str) -> str:
    """One tap."""
    return net.block(x, _some(net), 1)


def grouped(net: RandomNet, x: str) -> str:
    """Groups of channels, up to one for each, with one filter a group or several."""
    channels = net.shapes[x][1]
    groups = net.one_of([number for number in range(2, channels + 1) if channels % number == 0])
    if groups == channels and net.chance(0.3):
        scales = [net.scale_about(net.reach(x) / 8) for _ in range(channels)]
        x = net.quant(net.behind(x), 4, signed=1, scale=np.reshape(scales, (1, channels, 1, 1)))
    return net.block(x, groups * _some(net, max(1, 6 // groups)), net.one_of([3, 1, (3, 2)]), group=groups,
                     stride=net.one_of([(1, 1), (2, 2)], [3, 1]), dilation=net.one_of([(1, 1), (2, 1)], [3, 1]))


def transposed(net: RandomNet, x: str) -> str:
    """A transposed convolution of any stride up to 3, padding and output padding."""
    stride = net.one_of([(2, 2), (1, 2), (2, 1) if max(net.shapes[x][2:]) * 3 > _LONGEST else (3, 2)])
    kernel = tuple(int(each) for each in net.random.integers(2, 5, 2))
    pads = [int(net.random.integers(0, kernel[axis])) // 2 for axis in (0, 1, 0, 1)]
    more = tuple(int(net.random.integers(0, each)) for each in stride)
    return net.levels(net.behind(net.transposed_sums(x, _some(net, 3), kernel, stride, pads, more)))


# Poolings.


def carried(net: RandomNet, x: str, *, same: bool = False) -> str:
    """Now and then moved on, or bent, without a quantizer behind it; as large as it was where it must be the same."""
    if not net.chance(0.25):
        return x
    moves = ["largest", "relu", "leaky", "negative"]
    kind = net.one_of(moves if same else [*moves, "repeated", "mean"])
    if kind == "largest":
        return pooled(net, x, "MaxPool", (3, 3), (1, 1), [1] * 4)
    if kind == "repeated":
        return net.resize(x, 1, 2) if net.shapes[x][3] * 2 <= _LONGEST else x
    if kind == "mean":
        return pooled(net, x, "AveragePool", (2, 2), (1, 1), [0] * 4) if min(net.shapes[x][2:]) > 3 else x
    if kind == "negative":
        return net.add("Mul", [x, net.constant(f"negative{len(net.nodes)}", -0.5)], net.shapes[x])
    return net.relu(x) if kind == "relu" else net.leaky(x)


def largest(net: RandomNet, x: str) -> str:
    """A maximum of levels or of sums, whose windows may overlap, be padded or hang over the edge."""
    x = carried(net, net.normalized(net.sums(x, _some(net, 3))) if net.chance(0.3) else x)
    window, stride, pads, hangs = net.one_of([
        ((2, 2), (2, 2), [0] * 4, 0), ((3, 3), (2, 2), [1] * 4, 0), ((2, 3), (1, 2), [0, 1, 1, 0], 0),
        ((2, 2), (2, 2), [0] * 4, 1), ((3, 3), (2, 2), [0] * 4, 1), ((3, 2), (1, 1), [1, 0, 1, 1], 0)])
    return net.levels(pooled(net, x, "MaxPool", window, stride, pads, ceil_mode=hangs))


def pooled(net: RandomNet, x: str, kind: str, window: tuple[int, int], stride: tuple[int, int], pads: list[int],
           **settings: int) -> str:
    """A pooling, with the size that ONNX gives it."""
    over = [side + pads[axis] + pads[axis + 2] - window[axis] for axis, side in enumerate(net.shapes[x][2:])]
    size = [each // step + 1 for each, step in zip(over, stride, strict=True)]
    if settings.get("ceil_mode"):
        # A last window that would begin behind the image and its padding before it is left out.
        size = [size[axis] + int(over[axis] % stride[axis] > 0
                                 and size[axis] * stride[axis] < net.shapes[x][2 + axis] + pads[axis])
                for axis in (0, 1)]
    settings = {name: value for name, value in settings.items() if value}
    return net.add(kind, [x], (1, net.shapes[x][1], *size), kernel_shape=list(window), strides=list(stride),
                   pads=pads, **settings)


def average(net: RandomNet, x: str) -> str:
    """A mean of levels, of which some are no fixed-point numbers, or of sums."""
    window, stride, pads = net.one_of([((2, 2), (2, 2), [0] * 4), ((3, 3), (2, 2), [1] * 4), ((3, 2), (1, 1), [0] * 4),
                                       ((2, 2), (1, 1), [1, 0, 0, 1]), ((4, 1), (2, 1), [0] * 4)],
                                      [1, 1, 1, 1, 1] if not net.powers else [0, 1, 1, 0, 0])
    x = carried(net, net.sums(x, _some(net, 3)) if net.chance(0.25) and not any(pads) else x)
    return net.levels(pooled(net, x, "AveragePool", window, stride, pads, count_include_pad=int(any(pads))))


def truncated(net: RandomNet, x: str) -> str:
    """A mean in which the last bits are left out, in both versions of QONNX."""
    step, bits = net.scale_about(net.reach(x) / 16), net.one_of([3, 4, 5])
    x = net.quant(net.relu(x), bits, scale=step)
    rows, columns = net.one_of([(2, 2), (4, 2), (2, 1)])
    mean = pooled(net, x, "AveragePool", (rows, columns), (rows, columns), [0] * 4)
    part, mode = np.float32(step) / (rows * columns), net.one_of(["ROUND", "FLOOR"])
    if net.chance(0.4):
        numbers, settings = (part, 0, bits + 4, bits + 2), {}
    else:
        numbers, settings = (part, 0, bits + 4, part * 4, bits), {"signed": 0}
    names = [net.constant(f"trunc{len(net.nodes)}_{index}", number) for index, number in enumerate(numbers)]
    x = net.add("Trunc", [mean, *names], net.shapes[mean], domain="qonnx.custom_op.general", rounding_mode=mode,
                **settings)
    return net.levels(x)


# Ways up.


def repeated(net: RandomNet, x: str) -> str:
    """Every pixel several times, of levels or of sums."""
    x = net.normalized(net.sums(x, _some(net, 3))) if net.chance(0.3) else x
    forms = [("asymmetric", "floor"), ("half_pixel", "round_prefer_ceil"), ("pytorch_half_pixel", "round_prefer_floor")]
    rows, columns = net.one_of([(2, 2), (1, 2), (2, 1) if max(net.shapes[x][2:]) * 3 > _LONGEST else (3, 1)])
    coordinates, nearest = net.one_of(forms)
    up = net.resize(x, rows, columns, coordinate_transformation_mode=coordinates, nearest_mode=nearest)
    return net.levels(up)


def bilinear(net: RandomNet, x: str) -> str:
    """Between pixels, in all coordinates, also by factors at which fractions come out."""
    coordinates = net.one_of(["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"])
    rows, columns = net.one_of([(2, 2), (1, 2), (2, 1), (2, 2) if max(net.shapes[x][2:]) * 3 > _LONGEST else (3, 2)])
    return net.levels(net.resize(x, rows, columns, mode="linear", coordinate_transformation_mode=coordinates))


def blocks_of_channels(net: RandomNet, x: str) -> str:
    """DepthToSpace, of levels or of sums; or the other way."""
    _, given, height, width = net.shapes[x]
    if net.turn % 3 and given <= 2 and not height % 2 and not width % 2:
        return net.block(net.add("SpaceToDepth", [x], (1, 4 * given, height // 2, width // 2), blocksize=2),
                         _some(net), 1)
    channels = _some(net, 2)
    x = net.block(x, 4 * channels, 1) if net.chance(0.7) else net.conv(x, 4 * channels)
    _, _, height, width = net.shapes[x]
    return net.levels(net.add("DepthToSpace", [x], (1, channels, 2 * height, 2 * width), blocksize=2,
                              mode=net.one_of(["DCR", "CRD"])))


# Joins.


def _other(net: RandomNet, x: str, channels: int) -> str:
    """Another quantized image of the same size: what came before, or a branch."""
    given = net.shapes[x]
    earlier = [name for name in net.quantized if name != x and net.shapes[name] == (given[0], channels, *given[2:])]
    if earlier and net.chance(0.6):
        return net.one_of(earlier)
    return net.block(x, channels, net.one_of([1, 3]))


def _same_scale(net: RandomNet, x: str) -> str:
    """Another image of the very scale that it has."""
    return pooled(net, x, "MaxPool", (3, 3), (1, 1), [1] * 4) if net.chance(0.5) else net.relu(x)


def concat(net: RandomNet, x: str) -> str:
    """Channels of two or three images, of one scale or of several."""
    if net.chance(0.25):
        return net.block(net.concat(_same_scale(net, x), x), _some(net))
    parts = [x, *(_other(net, x, _some(net, 2)) for _ in range(net.one_of([1, 1, 2])))]
    joined = net.concat(*(carried(net, parts[index], same=True) for index in net.random.permutation(len(parts))))
    return net.levels(net.normalized(joined) if net.chance(0.25) else joined)


def added(net: RandomNet, x: str) -> str:
    """A residual: a sum of levels of one scale or of two, or with sums."""
    channels = net.shapes[x][1]
    if net.chance(0.25):
        return net.block(net.add("Add", [x, _same_scale(net, x)], net.shapes[x]), _some(net))
    x = net.with_bits(x, 2, 5)
    other = net.sums(x, channels, 1) if net.chance(0.3) else net.with_bits(_other(net, x, channels), 2, 5)
    total = net.add("Add", net.one_of([[x, other], [other, x]]), net.shapes[x])
    return net.levels(net.behind(total), int(net.random.integers(2, 7)))


def product(net: RandomNet, x: str) -> str:
    """Two images of one shape."""
    other = _other(net, x, net.shapes[x][1])
    return _multiplied(net, x, other)


def _multiplied(net: RandomNet, x: str, factor: str) -> str:
    result = net.add("Mul", net.one_of([[x, factor], [factor, x]]), net.shapes[x])
    return net.levels(result) if net.chance(0.7) else net.block(result, _some(net))


def attention(net: RandomNet, x: str) -> str:
    """A gate of one channel for all of a pixel's."""
    psi = net.levels(net.sums(x, 1, 1), int(net.random.integers(3, 9)))
    return _multiplied(net, x, net.levels(_gate(net, psi)))


def excitation(net: RandomNet, x: str) -> str:
    """Squeeze and excitation: a gate of one pixel for all of the image's."""
    channels = net.shapes[x][1]
    squeezed = net.levels(_whole(net, x), int(net.random.integers(3, 9)))
    if net.chance(0.5):
        squeezed = net.block(squeezed, 2, 1)
    psi = net.levels(net.sums(squeezed, channels, 1), int(net.random.integers(3, 9)))
    return _multiplied(net, x, net.levels(_gate(net, psi)))


def _gate(net: RandomNet, x: str) -> str:
    kind = net.one_of(["Sigmoid", "HardSigmoid", "Relu"])
    return net.add(kind, [x], net.shapes[x])


def _whole(net: RandomNet, x: str) -> str:
    """A pooling of the whole image, as files spell it."""
    shape = (*net.shapes[x][:2], 1, 1)
    kind = net.one_of(["GlobalAveragePool", "GlobalMaxPool", "ReduceMean"])
    if kind != "ReduceMean":
        return net.add(kind, [x], shape)
    if net.opset < 18:
        return net.add(kind, [x], shape, axes=[2, 3], keepdims=1)
    return net.add(kind, [x, net.constant(f"axes{len(net.nodes)}", [-2, -1], np.int64)], shape, keepdims=1)


# What moves values, and functions of one value.


def framed(net: RandomNet, x: str) -> str:
    """Zeros around an image, or behind its channels; of levels or of sums."""
    x = net.sums(x, _some(net, 2)) if net.chance(0.3) else x
    pads = [0, 0, *net.random.integers(0, 3, 2), 0, net.one_of([0, 0, 1]), *net.random.integers(0, 3, 2)]
    shape = [side + int(pads[axis] + pads[axis + 4]) for axis, side in enumerate(net.shapes[x])]
    return net.levels(net.add("Pad", [x, net.constant(f"pads{len(net.nodes)}", pads, np.int64)], shape))


def cropped(net: RandomNet, x: str) -> str:
    """A part of the rows, the columns or the channels; every second row; or the channels in two parts."""
    if net.turn % 2 and net.shapes[x][1] > 1:
        return halves(net, x)
    if net.turn % 4 == 2 and net.shapes[x][2] > 3:
        return every_second(net, x)
    axis = net.one_of([axis for axis in (1, 2, 3) if net.shapes[x][axis] > 1])
    size = net.shapes[x][axis]
    start = int(net.random.integers(0, size // 2))
    end = int(net.random.integers(start + (1 if axis == 1 else 2), size + 1)) if size > start + 2 else size
    shape = [*net.shapes[x][:axis], end - start, *net.shapes[x][axis + 1:]]
    names = [net.constant(f"slice{len(net.nodes)}_{index}", [value], np.int64)
             for index, value in enumerate((start, end if end < size else 2**31, axis))]
    return net.levels(net.add("Slice", [x, *names], shape)) if net.chance(0.5) else net.block(
        net.add("Slice", [x, *names], shape), _some(net))


def halves(net: RandomNet, x: str) -> str:
    """The channels in two parts, which meet again behind quantizers of their own."""
    batch, channels, *size = net.shapes[x]
    sizes = [channels // 2, channels - channels // 2]
    split = net.constant(f"split{len(net.nodes)}", sizes, np.int64)
    parts = [f"t{len(net.nodes)}_{index}" for index in (0, 1)]
    net.nodes.append(helper.make_node("Split", [x, split], parts, name=f"Split_{len(net.nodes)}", axis=1))
    for name, part, count in zip(parts, np.split(net.values[x], sizes[:1], axis=1), sizes, strict=True):
        net.values[name], net.shapes[name] = part, (batch, count, *size)
    return net.levels(net.concat(*(net.block(part, _some(net, 2), 1) for part in reversed(parts))))


def every_second(net: RandomNet, x: str) -> str:
    """Every second row, from the second one on."""
    _, channels, height, width = net.shapes[x]
    names = [net.constant(f"steps{len(net.nodes)}_{index}", [value], np.int64)
             for index, value in enumerate((1, height, 2, 2))]
    return net.levels(net.add("Slice", [x, *names], (1, channels, height // 2, width)))


def function(net: RandomNet, x: str) -> str:
    """A table between two quantizers."""
    x = net.levels(x, int(net.random.integers(2, 9)))
    name = _FUNCTIONS[net.turn % len(_FUNCTIONS)]
    return net.levels(FUNCTIONS[name](net, x) if name in FUNCTIONS else net.add(name, [x], net.shapes[x]))


def limits(net: RandomNet, x: str) -> str:
    """Clip, of sums or levels, with a quantizer behind it or none."""
    x = net.clipped(net.sums(x, _some(net, 3)) if net.chance(0.5) else x)
    return net.levels(x)


def bent(net: RandomNet, x: str) -> str:
    """Normalization, slopes and constants behind a quantizer."""
    return net.levels(net.behind(net.behind(x)))


def turned(net: RandomNet, x: str) -> str:
    """Channels last between two Transposes."""
    x = net.transpose(x, (0, 2, 3, 1))
    x = net.relu(x) if net.chance(0.5) else x
    return net.transpose(net.levels(x, zero=0), (0, 3, 1, 2))


BLOCKS = {
    "convolution": Block(convolution, least=3), "pointwise": Block(pointwise), "grouped": Block(grouped, channels=2),
    "transposed": Block(transposed, grows=2), "largest": Block(largest, least=3), "average": Block(average, least=4),
    "truncated": Block(truncated, least=4), "repeated": Block(repeated, grows=2), "bilinear": Block(bilinear, 2, 2),
    "blocks of channels": Block(blocks_of_channels, grows=2), "concat": Block(concat), "added": Block(added),
    "product": Block(product), "attention": Block(attention), "excitation": Block(excitation, least=2),
    "framed": Block(framed), "cropped": Block(cropped, least=3), "function": Block(function), "limits": Block(limits),
    "bent": Block(bent), "turned": Block(turned),
}
