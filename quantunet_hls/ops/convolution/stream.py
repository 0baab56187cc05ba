"""Convolutions on streams, on a matrix-vector unit: of all channels, or of groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.convolution import layer as typed
from quantunet_hls.ops.loaded import WIDEST
from quantunet_hls.ops.lowering import LayerLowering, Source
from quantunet_hls.ops.multipliers import BLOCKS
from quantunet_hls.ops.products import exact_sums
from quantunet_hls.ops.stages.base import apply_stages, reduced, retyped
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import divisors
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.ops.window import Window
from quantunet_hls.ops.windowed import room_in
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["FACET", "Convolution", "Grouped"]


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """A convolution on a matrix-vector unit of ``lanes`` (PE) times ``simd`` multipliers.

    Weights are (kernel height, kernel width, input channels, output channels).

    Attributes:
        simd: activations that are multiplied side by side: a divisor of the input channels, or all channels
            of a kernel column or of the whole window (see :attr:`simd_choices`).
    """

    room: ClassVar[str] = "convolution"
    kind: ClassVar[str] = "convolution"
    narrows: ClassVar[bool] = True
    folded_in: ClassVar[tuple[str, ...]] = ("lanes", "simd")

    simd: int = field(default=1, kw_only=True)

    @property
    def simd_choices(self) -> tuple[int, ...]:
        """What ``simd`` can be, ascending: divisors of the channels, channels of a column, of the window."""
        channels = self.input_shape.channels
        return tuple(sorted({*divisors(channels), channels * self.window.kernel[0], channels * self.window.taps}))

    @property
    def beat_taps(self) -> tuple[int, int]:
        """Rows and columns of the window that a beat of the window generator brings."""
        if self.simd <= self.input_shape.channels:
            return (1, 1)
        rows = self.window.kernel[0]
        return (rows, self.simd // (self.input_shape.channels * rows))

    @property
    def window_beats(self) -> int:
        """Cycles that one output takes."""
        return self.window.taps * self.input_shape.channels // self.simd

    @property
    def parts(self) -> int:
        """One: a window is read as a whole."""
        return 1

    @property
    def repeats(self) -> int:
        """Passes over a window until every output channel is there."""
        return self.shape.channels // self.lanes

    @property
    def side_by_side(self) -> int:
        """Products of an output in a clock."""
        return self.simd

    @property
    def mac_units(self) -> int:
        """Multipliers that work side by side."""
        return self.lanes * self.simd

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return min(self.simd, self.input_shape.channels)

    @property
    def words(self) -> Integers:
        """Weights in the order they are used: (words, lanes, simd).

        Beats of up to a tap come tap by tap, row by row; beats of a column or of the window column by
        column, as :class:`~quantunet_hls.ops.hardware.window.WindowGenerator` gives them.
        """
        inputs, outputs = self.weights.shape[-2:]
        weights = self.weights.transpose(1, 0, 2, 3) if self.simd > inputs else self.weights
        taps = weights.reshape(-1, self.simd, outputs // self.lanes, self.lanes)
        return taps.transpose(2, 0, 3, 1).reshape(-1, self.lanes, self.simd)

    @property
    def streamable(self) -> bool:
        """Whether a beat brings no more than a tap."""
        return self.beat_taps == (1, 1)

    @property
    def constant(self) -> bool:
        """Whether it is unrolled fully, so that each multiplier has one weight for ever."""
        return self.loaded is None and self.mac_units == self.weights.size

    def check(self) -> None:
        """Refuse a SIMD that no window generator gives."""
        super().check()
        if self.simd not in self.simd_choices:
            raise IllegalGraphError(
                self.name, f"a SIMD of {self.simd} does not divide its {self.input_shape.channels} input channels, "
                "nor is it a column of its window or all of it",
                f"choose one of {', '.join(map(str, self.simd_choices))}")

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The sums of products, through the stages."""
        sums = self.bias + sum(tap @ self.weights[row, column] for row, column, tap in self.taps(sources[0]))
        return apply_stages(sums, self.accumulator, self.stages)

    def foldings(self) -> list[Self]:
        """All numbers of processing elements with all of multipliers for each."""
        return [replace(self, lanes=lanes, simd=simd, multipliers=BLOCKS)
                for lanes in divisors(self.shape.channels) for simd in self.simd_choices]

    @property
    def bulk(self) -> float:
        """Accumulators and requantization by PE, buffer and adapters by SIMD.

        The factors are of the order of what Yosys maps for 4-bit weights and 6-bit activations.
        """
        return self.lanes * 3.0 * self.accumulator.width + self.simd * 2.5 * self.input_type.width

    def narrowed(self, source: FixedType, widest: int, bits: int, result: int | None) -> Self:
        """The convolution with weights, input and result of other widths; rounded as a quantizer rounds."""
        weights, places = self.weights, self.input_type.fraction - source.fraction
        if bits != widest:
            most = 2 ** (bits - 1) - 1
            weights = np.clip(_shifted(weights, widest - bits), -most, most)
            places += widest - bits
        stage = self.stages[-1]
        # Sums that leave as they are lose the bits that the products lose.
        type_ = stage.type.of_width(stage.type.width - places if result is None else result)
        return replace(self, input_type=source, weights=weights, bias=_shifted(self.bias, places), type=type_,
                       product_fraction=self.product_fraction - places, stages=(retyped(stage, type_),))


@dataclass(frozen=True, eq=False)
class Grouped(Convolution):
    """A convolution whose filters see one group of channels each; a depthwise one has groups of one channel.

    Groups take turns, or several are computed side by side, each with all of its channels and filters.
    Weights are (kernel height, kernel width, channels of a group, output channels).
    """

    kind: ClassVar[str] = "grouped"
    narrows: ClassVar[bool] = False

    @property
    def groups(self) -> int:
        """Groups of channels."""
        return self.input_shape.channels // self.each

    @property
    def each(self) -> int:
        """Channels of a group."""
        return int(self.weights.shape[2])

    @property
    def filters(self) -> int:
        """Output channels of a group."""
        return self.shape.channels // self.groups

    @property
    def at_once(self) -> int:
        """Groups that are computed side by side."""
        return max(1, self.lanes // self.filters)

    @property
    def sharing(self) -> int:
        """Processing elements of a group."""
        return self.lanes // self.at_once

    @property
    def simd_choices(self) -> tuple[int, ...]:
        """Divisors of a group's channels; all of them where several groups are computed side by side."""
        return tuple(divisors(self.each)) if self.at_once == 1 else (self.each,)

    @property
    def beat_taps(self) -> tuple[int, int]:
        """A tap at most."""
        return (1, 1)

    @property
    def window_beats(self) -> int:
        """Cycles that one output takes."""
        return self.window.taps * self.each // self.simd

    @property
    def parts(self) -> int:
        """Turns of groups."""
        return self.groups // self.at_once

    @property
    def repeats(self) -> int:
        """Passes over a group's channels under a window until every output channel of the group is there."""
        return self.filters // self.sharing

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return self.simd * self.at_once

    @property
    def streamable(self) -> bool:
        """No: groups take turns already."""
        return False

    @property
    def constant(self) -> bool:
        """No: shifts and additions are shared by multiplications of one activation."""
        return False

    def check(self) -> None:
        """Refuse lanes that are neither a part of a group's output channels nor those of several groups."""
        if self.filters % self.sharing or self.sharing * self.at_once != self.lanes:
            raise IllegalGraphError(self.name, f"{self.lanes} lanes do not divide the {self.filters} output channels "
                                    "of a group, nor are they those of several groups", "choose others")
        super().check()

    def computed(self, sources: Sequence[Integers]) -> Integers:
        """The sums of products of each group, through the stages."""
        kernels = self.weights.reshape(*self.window.kernel, self.each, self.groups, self.filters)
        sums = sum(np.einsum("nhwgc,cgf->nhwgf", tap.reshape(*tap.shape[:3], self.groups, self.each), kernels[y, x])
                   for y, x, tap in self.taps(sources[0]))
        return apply_stages(self.bias + np.reshape(sums, (*np.shape(sums)[:3], -1)), self.accumulator, self.stages)

    def foldings(self) -> list[Self]:
        """All numbers of processing elements with all of multipliers for each."""
        wide = [replace(self, lanes=lanes, simd=1, multipliers=BLOCKS) for lanes in divisors(self.shape.channels)
                if self.filters % lanes == 0 or lanes % self.filters == 0]
        return [replace(layer, simd=simd) for layer in wide for simd in layer.simd_choices]


def _shifted(codes: Integers, places: int) -> Integers:
    """Codes in steps that are 2**places larger, rounded to the nearest."""
    return np.rint(np.ldexp(codes.astype(np.float64), -places)).astype(np.int64)


def _lowered(layer: typed.Convolution, name: str, sources: Sequence[Source]) -> Weighted:
    source = sources[0].layer
    top, bottom, left, right = (own + more for own, more in zip(layer.padding, sources[0].padding, strict=True))
    kernel = (layer.weights.shape[0], layer.weights.shape[1])
    window = Window(kernel, layer.stride, (top, bottom, left, right), layer.dilation)
    weights, bias, fraction = _products(layer, source.type)
    exact = exact_sums(weights, bias, source.type, fraction)
    if exact.width > WIDEST:
        raise IllegalGraphError(layer.name, f"its sums take {exact.width} bits, more than the {WIDEST} "
                                "that the RTL has", "use narrower weights or activations")
    if not layer.accumulator.holds(exact) and layer.accumulator.saturation != "WRAP":
        raise IllegalGraphError(layer.name, f"its accumulator {layer.accumulator} saturates between two products",
                                "give it a wider one, or one that wraps")
    stages = reduced(exact, (Cast(layer.accumulator), *layer.stages))
    kind = Convolution if layer.groups == 1 else Grouped
    return kind(name, (source.name,), layer.shape, layer.type, source.shape, source.type, window, weights, bias,
                fraction, stages, slack=source.burst)


def _products(layer: typed.Convolution, source: FixedType) -> tuple[Integers, Integers, int]:
    """Weights and biases such that sums of products are exact up to the accumulator's own wrap, and their fraction."""
    weights, bias, accumulator = layer.weights, layer.bias, layer.accumulator
    fraction = source.fraction + layer.weight_fraction
    if accumulator.fraction < fraction:
        raise IllegalGraphError(
            layer.name, f"its accumulator {accumulator} cuts the {fraction} fraction bits of its products",
            "give it an accumulator with at least as many")
    # Biases finer than the products: the products then take the biases' step.
    finest = accumulator.fraction
    while finest > fraction and not (bias & 1).any():
        bias, finest = bias >> 1, finest - 1
    return weights << (finest - fraction), bias, finest


FACET = LayerLowering(
    _lowered, room=lambda layer: room_in(layer.weights.shape[:2], layer.dilation, layer.padding))
