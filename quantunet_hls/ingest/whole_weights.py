"""Weights as the whole numbers that their quantizers make of them, and what the sums of their products stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.filters import filter_axis, filters_of, weights_of
from quantunet_hls.ops.qonnx.graph import attribute, constant, shape_of
from quantunet_hls.ops.qonnx.quantizers import is_shift, levels_of, quantizers_of
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.ops.qonnx.values import Line, exact, per_channel
from quantunet_hls.ops.qonnx.weights import MAX_BITS, is_fixed_point
from quantunet_hls.types.fixed import Integers, covering

__all__ = ["WholeWeights", "common_measure", "power_of_two", "whole_weights"]


@dataclass(frozen=True, eq=False)
class WholeWeights:
    """What a layer multiplies with.

    Attributes:
        weights: whole or fixed-point numbers, in the file's order of axes.
        changed: whether they are others than the file's.
        lines: for each filter from the sums of products to the file's numbers, bias included.
        is_file: whether sums and bias are the file's own numbers, so that the bias stays in the layer.
    """

    weights: np.ndarray
    changed: bool
    lines: tuple[Line, ...]
    is_file: bool


def whole_weights(model: ModelWrapper, node: NodeProto, inputs: Sequence[Line]) -> WholeWeights:
    """The weights of a node whose input channels hold numbers of these lines.

    Raises:
        IllegalGraphError: input channels are summed whose scales have no common measure, or padded with what is no
            zero.
    """
    axis = filter_axis(node)
    filters = shape_of(model, node.input[1])[axis]
    read = _read_by(model, node, inputs, filters)
    values, scales = _weights(model, node, axis, filters)
    bias, plain_bias = _bias(model, node, filters)
    factors = [channels.factor for channels in read]
    common = power_of_two(factors[0]) is not None and len(set(factors)) == 1
    weights, changed = _weighed(node, values, read), scales is not None
    changed = changed or weights is not values
    if scales is None and common and factors[0] != 1:
        weights, factors, changed = weights * float(factors[0]), [Fraction(1)] * filters, True
    own = scales or [Fraction(1)] * filters
    offsets = any(any(channels.offsets) for channels in read)
    if offsets:
        # Without padding every window has all of its pixels, so what they are off by is one number a filter.
        sums = filters_of(node, values).sum((1, 2))
        bias = [each + scale * channels.off_by([exact(total) for total in totals])
                for each, channels, totals, scale in zip(bias, read, sums, own, strict=True)]
    each = [factor * scale for factor, scale in zip(factors, own, strict=True)]
    is_file = scales is None and plain_bias and not offsets and all(factor == 1 for factor in each)
    return WholeWeights(weights, changed, tuple(map(Line, each, bias)), is_file)


def power_of_two(number: Fraction) -> int | None:
    """Of which power of two a number is that one; None where it is none."""
    if number <= 0 or number.numerator & (number.numerator - 1) or number.denominator & (number.denominator - 1):
        return None
    return number.numerator.bit_length() - number.denominator.bit_length()


@dataclass(frozen=True)
class _Channels:
    """The input channels that a filter reads.

    Attributes:
        factor: what one of hardware's numbers stands for, where it is multiplied by its channel's multiple.
        multiples: whole numbers.
        offsets: of the file's numbers.
    """

    factor: Fraction
    multiples: tuple[int, ...]
    offsets: tuple[Fraction, ...]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Channels:
        """With the largest factor that all of them are whole multiples of."""
        factors, offsets = [line.factor for line in lines], tuple(line.offset for line in lines)
        if len(set(factors)) == 1:
            return cls(factors[0], (1,) * len(lines), offsets)
        measure = common_measure(factors)
        return cls(measure, tuple(int(factor / measure) for factor in factors), offsets)

    def off_by(self, weights: Sequence[Fraction]) -> Fraction:
        """What the offsets add to a sum with these weights, one a channel."""
        return sum((offset * weight for offset, weight in zip(self.offsets, weights, strict=True)), Fraction(0))


def common_measure(numbers: Sequence[Fraction]) -> Fraction:
    """The largest number of which all of them are whole multiples."""
    whole = lcm(*(number.denominator for number in numbers))
    return Fraction(gcd(*(int(number * whole) for number in numbers)), whole)


def _read_by(model: ModelWrapper, node: NodeProto, inputs: Sequence[Line], filters: int) -> list[_Channels]:
    """What each filter reads; those of a group read the same channels."""
    group = attribute(node, "group", 1)
    each = len(inputs) // group
    read = [_Channels.of(inputs[start:start + each]) for start in range(0, group * each, each)]
    padded = any(attribute(node, "pads", [0])) or node.op_type != "Conv"
    if padded and any(any(channels.offsets) for channels in read):
        raise IllegalGraphError(node.name, "it pads an image in which no number stands for 0",
                                "put a quantizer in front of it")
    return [read[filter_ // (filters // group)] for filter_ in range(filters)]


def _weighed(node: NodeProto, weights: np.ndarray, read: Sequence[_Channels]) -> np.ndarray:
    """Weights times their channels' multiples; the very array where all of these are 1."""
    multiples = [channels.multiples for channels in read]
    largest = max(abs(multiple) for each in multiples for multiple in each)
    if all(multiple == 1 for each in multiples for multiple in each):
        return weights
    if largest < 1 << MAX_BITS:
        found = filters_of(node, weights) * np.array(multiples, np.float64)[:, np.newaxis, np.newaxis]
        steps, _ = to_steps(found)
        if covering(int(steps.min()), int(steps.max()), signed=True).width <= MAX_BITS:
            return weights_of(node, found)
    raise IllegalGraphError(node.name, f"it sums channels of different scales, which weights of {MAX_BITS} bits do not "
                            "bring together", "put a quantizer with one scale in front of it")


def _weights(model: ModelWrapper, node: NodeProto, axis: int, filters: int
             ) -> tuple[np.ndarray, list[Fraction] | None]:
    """The file's numbers and None; or levels, and the scale of each filter."""
    value = constant(model, node.input[1])
    if value is not None:
        return np.asarray(value, np.float64), None
    quantizer = model.find_producer(node.input[1])
    raw, scale = constant(model, quantizer.input[0]), constant(model, quantizer.input[1])
    assert raw is not None
    assert scale is not None
    levels: Integers = levels_of(raw, np.broadcast_to(scale, raw.shape), quantizers_of(model, quantizer)[0])
    if is_shift(model, quantizer):
        return levels * np.asarray(scale, np.float64), None
    scales = per_channel(np.asarray(scale), axis, raw.ndim, filters)
    if scales is None:
        raise IllegalGraphError(node.name, "the scales of its weights differ within a filter",
                                "use one scale a filter, or one for all")
    return levels, scales


def _bias(model: ModelWrapper, node: NodeProto, filters: int) -> tuple[list[Fraction], bool]:
    """The bias of each filter, and whether it is of a fixed-point type."""
    if len(node.input) < 3:
        return [Fraction(0)] * filters, True
    value = constant(model, node.input[2])
    if value is not None:
        return [exact(each) for each in value], is_fixed_point(value)
    quantizer = model.find_producer(node.input[2])
    raw, scale = constant(model, quantizer.input[0]), constant(model, quantizer.input[1])
    assert raw is not None
    assert scale is not None
    scale = np.broadcast_to(scale, raw.shape)
    levels = levels_of(raw, scale, quantizers_of(model, quantizer)[0])
    return ([int(level) * exact(step) for level, step in zip(levels, scale, strict=True)],
            is_shift(model, quantizer))
