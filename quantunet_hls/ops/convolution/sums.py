"""The sums of products of a convolution, with the accumulator's own rounding and overflow.

Where no product is rounded and no partial sum can saturate, the order of the
additions does not matter (wrapping keeps sums modulo a power of two) and one
convolution of torch does it. Else the products are added one by one, in the
order of hls4ml's ``nnet_dense_resource.h`` and ``nnet_depthwise_product.h``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.tensors.codes import Chain, Codes, Scale, assign
from quantunet_hls.types.fixed import Integers

__all__ = ["Ordered", "Sum", "Unordered", "compile_sum"]

_log = logging.getLogger(__name__)

_Compute = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Unordered:
    """A plain convolution.

    Attributes:
        layer: whose windows are taken.
        weights: integers (height, width, channels of a group, filters).
        bias: integers (filters), in steps of the products.
        after: what the accumulator does to the exact sum.
        peak: bound of the absolute values of all terms of a sum, added up.
    """

    layer: Convolution
    weights: Integers
    bias: Integers
    after: Chain
    peak: int

    @property
    def codes(self) -> Codes:
        """What is known of the accumulator."""
        return self.after.result

    def build(self, chain: Chain, work: torch.dtype, device: torch.device) -> tuple[_Compute, Chain]:
        """The convolution in that dtype, and what is left to do behind it.

        A shift at the front of the chain goes into the constants: a power of two costs a float no precision.
        """
        rest = self.after.then(chain)
        exponent = 0
        if rest.operations and isinstance(rest.operations[0], Scale):
            exponent = rest.operations[0].exponent
            rest = Chain(rest.operations[1:], rest.result, rest.peak)
        scale = 2.0**exponent
        kernel = np.ldexp(self.weights.transpose(3, 2, 0, 1).astype(np.float64), exponent)
        weight = torch.from_numpy(kernel).to(device, work).contiguous(memory_format=torch.channels_last)
        bias = torch.from_numpy(self.bias * scale).to(device, work)
        layer = self.layer
        top, bottom, left, right = layer.padding
        inside = (top, left) if top == bottom and left == right else (0, 0)

        def compute(x: Tensor) -> Tensor:
            x = x.to(work)
            if inside == (0, 0) and any(layer.padding):
                x = torch.nn.functional.pad(x, (left, right, top, bottom))
            return torch.nn.functional.conv2d(x, weight, bias, layer.stride, inside, layer.dilation, layer.groups)

        return compute, rest


@dataclass(frozen=True, eq=False)
class Ordered:
    """Products assigned and added one by one.

    Attributes:
        layer: whose windows are taken.
        product: assignment of a product to the accumulator's type.
        add: assignment of a sum.
        peak: largest integer on the way.
    """

    layer: Convolution
    product: Chain
    add: Chain
    peak: int

    @property
    def codes(self) -> Codes:
        """What is known of the accumulator."""
        return self.add.result

    def build(self, chain: Chain, work: torch.dtype, device: torch.device) -> tuple[_Compute, Chain]:
        """The loop over all products, in that dtype, and what is left to do behind it."""
        _log.info("%s: its accumulator rounds or saturates, so its products are added one by one", self.layer.name)
        layer = self.layer
        weights = torch.from_numpy(layer.weights.astype(np.float64)).to(device, work)
        bias = torch.from_numpy(layer.bias.astype(np.float64)).to(device, work)
        top, bottom, left, right = layer.padding
        height, width, channels = layer.shape.axes
        steps = _order(layer)

        def compute(x: Tensor) -> Tensor:
            x = torch.nn.functional.pad(x.to(work), (left, right, top, bottom))
            total = bias[:, None, None].expand(len(x), channels, height, width).clone()
            for row, column, channel in steps:
                y, z = row * layer.dilation[0], column * layer.dilation[1]
                tap = x[:, :, y: y + (height - 1) * layer.stride[0] + 1: layer.stride[0],
                        z: z + (width - 1) * layer.stride[1] + 1: layer.stride[1]]
                if layer.depthwise:
                    one = slice(channel, channel + 1)
                    total[:, one] = self.add(
                        total[:, one] + self.product(tap[:, one] * weights[row, column, 0, channel]))
                    continue
                # The channel of this place in each group, for all filters of the group.
                tap = tap[:, channel:: len(weights[row, column])].repeat_interleave(channels // layer.groups, 1)
                total = self.add(total.add_(self.product(tap * weights[row, column, channel][:, None, None])))
            return total

        return compute, chain


#: Either way of adding.
Sum = Unordered | Ordered


def compile_sum(layer: Convolution, given: Codes) -> Sum:
    """How a convolution of these integers is summed."""
    spare = _trailing_zeros(layer.weights)
    fraction = given.fraction + layer.weight_fraction - spare
    accumulator = layer.accumulator
    if accumulator.fraction >= fraction:
        finest = max(fraction, accumulator.fraction - _trailing_zeros(layer.bias))
        weights = (layer.weights >> spare) << (finest - fraction)
        bias = layer.bias >> (accumulator.fraction - finest)
        partial, peak = _partial_sums(weights, bias, given, finest)
        after = assign(partial, accumulator)
        if not after.operations or accumulator.saturation == "WRAP":
            return Unordered(layer, weights, bias, after, peak)
    largest = int(np.abs(layer.weights).max(initial=0)) * given.magnitude
    product = assign(Codes(-largest, largest, given.fraction + layer.weight_fraction), accumulator, own_step=True)
    low, high = accumulator.low, accumulator.high
    both = Codes(low + product.result.low, high + product.result.high, accumulator.fraction)
    add = assign(both, accumulator)
    if not add.operations:
        add = Chain((), Codes(low, high, accumulator.fraction), both.magnitude)
    return Ordered(layer, product, add, max(product.peak, add.peak, both.magnitude))


def _trailing_zeros(codes: Integers) -> int:
    """Bits that are 0 at the end of every code."""
    bits = int(np.bitwise_or.reduce(codes, axis=None))
    return (bits & -bits).bit_length() - 1 if bits else 0


def _partial_sums(weights: Integers, bias: Integers, given: Codes, fraction: int) -> tuple[Codes, int]:
    """Bounds of every sum that some of the products and the bias can have, and of their absolute values' sum.

    Padding feeds zeros, and a sum under way lacks products, so 0 belongs to each product's range.
    """
    columns = weights.reshape(-1, weights.shape[-1]).astype(object)
    ends = columns * given.low, columns * given.high
    least = np.minimum(np.minimum(*ends), 0).sum(axis=0) + np.minimum(bias, 0)
    most = np.maximum(np.maximum(*ends), 0).sum(axis=0) + np.maximum(bias, 0)
    terms = (np.abs(columns) * given.magnitude).sum(axis=0) + np.abs(bias)
    return Codes(int(least.min()), int(most.max()), fraction), int(terms.max())


def _order(layer: Convolution) -> list[tuple[int, int, int]]:
    """Row, column and channel of every product, in the order in which hls4ml adds them."""
    rows, columns, inputs, filters = layer.weights.shape
    channels = filters if layer.depthwise else inputs
    indices = range(rows * columns * channels)
    reuse = layer.reuse
    if reuse is not None:
        indices = sorted(indices, key=lambda index: (index % reuse, index))  # type: ignore[assignment]
    return [(index // (columns * channels), index // channels % columns, index % channels) for index in indices]
