"""The stream graph: what is built, as data, between hls4ml's ModelGraph and the Verilog.

Every layer turns streams of pixels into one stream of pixels. A stream's pixels
come row by row, top left first, frame after frame without a gap, and a pixel
comes as ``channels / lanes`` beats of ``lanes`` channels each, channel 0 first
and in the lowest bits.

Layers hold integer codes only; scales live in the :class:`FixedType` of each
stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages import Cast, LeakyRelu, Quotient, Relu, Sigmoid, Threshold
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = [
    "BLOCKS",
    "ArgMax",
    "Cast",
    "Concat",
    "Convolution",
    "Depthwise",
    "Input",
    "Layer",
    "LeakyRelu",
    "Multipliers",
    "Pointwise",
    "Pooling",
    "Quotient",
    "Relu",
    "Shape",
    "Sigmoid",
    "Step",
    "StreamGraph",
    "Threshold",
    "Upsample",
    "Window",
    "ZeroInsertion",
]


#: One step of the arithmetic behind a layer's accumulators.
Step = Cast | Relu | LeakyRelu | Quotient | Sigmoid | Threshold


@dataclass(frozen=True)
class Window:
    """What a sliding window is: (height, width) each, and zero padding (top, bottom, left, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns of the image from a window's first tap to its last."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))  # type: ignore[return-value]

    def reach(self, width: int) -> int:
        """Pixels of an image of this width, row by row, from a window's first tap to its last, both included."""
        return (self.span[0] - 1) * width + self.span[1]

    def output(self, shape: Shape) -> tuple[int, int]:
        """Height and width of what the window yields on an image of this shape."""
        top, bottom, left, right = self.padding
        return ((shape.height + top + bottom - self.span[0]) // self.stride[0] + 1,
                (shape.width + left + right - self.span[1]) // self.stride[1] + 1)

    @property
    def taps(self) -> int:
        """Pixels under the window."""
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True, eq=False)
class Layer:
    """Common to all layers.

    Attributes:
        name: a letter, then letters, digits and underscores; the Verilog module's name.
        sources: names of the layers whose streams come in.
        shape: of the stream that goes out.
        type: of every channel that goes out.
        lanes: channels a beat that go out.
    """

    kind: ClassVar[str] = "layer"

    name: str
    sources: tuple[str, ...]
    shape: Shape
    type: FixedType
    lanes: int = field(default=1, kw_only=True)

    @property
    def cycles(self) -> int:
        """Clock cycles that a frame takes when the layer never waits."""
        return self.shape.pixels * self.shape.channels // self.lanes

    @property
    def macs(self) -> int:
        """Multiplications of a frame."""
        return 0

    @property
    def mac_units(self) -> int:
        """Multipliers that work side by side."""
        return 0

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return self.lanes

    @property
    def beats(self) -> int:
        """Beats of a frame that go out."""
        return self.shape.pixels * self.shape.channels // self.lanes


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """Where frames come in."""

    kind: ClassVar[str] = "input"


@dataclass(frozen=True)
class Multipliers:
    """What a layer multiplies with.

    Attributes:
        kind: ``dsp`` (a multiplier block for each product), ``packed`` (a block for several), ``lut``
            (look-up tables), or ``adders`` (shifts and additions, for weights that never change).
        products: products of a block.
        spacing: bits between two of them, where packed; see :mod:`quantunet_hls.ops.hardware.packing`.
        rest_in_luts: the outputs that are left over, fewer than ``products``, are computed in look-up tables.
    """

    kind: str = "dsp"
    products: int = 1
    spacing: int = 0
    rest_in_luts: bool = False

    def __str__(self) -> str:
        if self.kind != "packed":
            return self.kind
        return f"packed {self.products}" + (" and lut" if self.rest_in_luts else "")


#: A multiplier block for each product.
BLOCKS = Multipliers()


@dataclass(frozen=True, eq=False)
class Weighted(Layer):
    """What all layers with weights have in common; the attributes are explained at :class:`Convolution`."""

    input_shape: Shape
    input_type: FixedType
    window: Window
    weights: Integers
    bias: Integers
    product_fraction: int
    steps: tuple[Step, ...]
    slack: int = field(default=2, kw_only=True)
    multipliers: Multipliers = field(default=BLOCKS, kw_only=True)

    @cached_property
    def accumulator(self) -> FixedType:
        """The narrowest type that no partial sum overflows, from the weights themselves."""
        return _accumulator(self.weights.reshape(-1, self.shape.channels), self.bias, self.input_type,
                            self.product_fraction)

    @property
    def macs(self) -> int:
        """Multiplications of a frame, those with padding included."""
        return self.shape.pixels * self.weights.size


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """A convolution on a matrix-vector unit of ``lanes`` (PE) times ``simd`` multipliers.

    Attributes:
        input_shape, input_type: of the stream that comes in.
        weights: integer codes (kernel height, kernel width, input channels, output channels).
        bias: integer codes (output channels), in steps of the products: ``2**-product_fraction``.
        product_fraction: fraction bits of input times weight.
        steps: what happens to the exact sum before it goes out.
        simd: activations that are multiplied side by side: a divisor of the input channels, or all channels
            of a kernel column or of the whole window (see :attr:`simd_choices`).
        slack: pixels that the line buffer holds beyond one window, so that a source in bursts never waits.
        multipliers: what the products are made of.
    """

    kind: ClassVar[str] = "convolution"

    simd: int = field(default=1, kw_only=True)

    @property
    def simd_choices(self) -> tuple[int, ...]:
        """What ``simd`` can be, ascending: divisors of the channels, channels of a column, of the window."""
        channels = self.input_shape.channels
        return tuple(sorted({*(count for count in range(1, channels + 1) if channels % count == 0),
                             channels * self.window.kernel[0], channels * self.window.taps}))

    @property
    def beat_taps(self) -> tuple[int, int]:
        """Rows and columns of the window that a beat of the window generator brings."""
        if self.simd <= self.input_shape.channels:
            return (1, 1)
        rows = self.window.kernel[0]
        return (rows, self.simd // (self.input_shape.channels * rows))

    @property
    def synapse_fold(self) -> int:
        """Cycles that one output takes."""
        return self.window.taps * self.input_shape.channels // self.simd

    @property
    def neuron_fold(self) -> int:
        """Passes over a window until every output channel is there."""
        return self.shape.channels // self.lanes

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: a beat of the window a clock, and no more pixels than come in."""
        arriving = self.input_shape.pixels * self.input_shape.channels // self.input_lanes
        return max(self.shape.pixels * self.synapse_fold * self.neuron_fold, arriving)

    @property
    def mac_units(self) -> int:
        """Multipliers that work side by side."""
        return self.lanes * self.simd

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return min(self.simd, self.input_shape.channels)


@dataclass(frozen=True, eq=False)
class Depthwise(Weighted):
    """A convolution of each channel with its own kernel; ``lanes`` channels side by side.

    Attributes are those of :class:`Convolution`, with weights (kernel height, kernel width, channels).
    """

    kind: ClassVar[str] = "depthwise"

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: one tap a clock."""
        return self.beats * self.window.taps

    @property
    def mac_units(self) -> int:
        """Multipliers that work side by side."""
        return self.lanes


@dataclass(frozen=True, eq=False)
class Pooling(Layer):
    """The largest value under a window, or the mean of them.

    Padding is below every value to the first, and zeros to the second. The mean
    of a window of ``2**n`` pixels is their exact sum with ``n`` more fraction
    bits: no division, and ``steps`` rounds it. Of any other window the sum goes
    to ``steps``, whose first one divides it.

    Attributes:
        operation: ``max`` or ``average``.
        steps: what happens to the largest value, to the mean, or to the sum before it goes out.
    """

    kind: ClassVar[str] = "pooling"

    input_shape: Shape
    input_type: FixedType
    window: Window
    operation: str
    steps: tuple[Step, ...] = ()
    slack: int = field(default=2, kw_only=True)

    @property
    def accumulator(self) -> FixedType:
        """The type of the largest value, of the exact mean, or of the sum where the mean is no fixed-point number."""
        if self.operation == "max":
            return self.input_type
        taps = self.window.taps
        shift = 0 if taps & (taps - 1) else taps.bit_length() - 1
        return covering(taps * self.input_type.low, taps * self.input_type.high, self.input_type.fraction + shift)

    @property
    def fill(self) -> int:
        """Code that a tap in the padding reads."""
        return self.input_type.low if self.operation == "max" else 0

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: one tap a clock."""
        return self.beats * self.window.taps


@dataclass(frozen=True, eq=False)
class Upsample(Layer):
    """Every pixel repeated ``factor`` (rows, columns) times: nearest-neighbour upsampling."""

    kind: ClassVar[str] = "upsample"

    input_shape: Shape
    factor: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ZeroInsertion(Layer):
    """Pixels ``factor`` (rows, columns) apart, zeros between and behind: what a transposed convolution convolves."""

    kind: ClassVar[str] = "zero insertion"

    input_shape: Shape
    factor: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ArgMax(Layer):
    """The channel with the largest value, the lowest one of several.

    Attributes:
        simd: channels that are compared side by side; divides the input channels.
    """

    kind: ClassVar[str] = "argmax"

    input_shape: Shape
    input_type: FixedType
    simd: int = field(default=1, kw_only=True)

    @property
    def cycles(self) -> int:
        """Clock cycles of a frame: one beat a clock."""
        return self.shape.pixels * self.input_shape.channels // self.simd

    @property
    def input_lanes(self) -> int:
        """Channels a beat that come in."""
        return self.simd


@dataclass(frozen=True, eq=False)
class Concat(Layer):
    """The channels of the first source, then those of the second."""

    kind: ClassVar[str] = "concat"

    channels: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Pointwise(Layer):
    """Casts and activations on a stream, value by value."""

    kind: ClassVar[str] = "pointwise"

    input_type: FixedType
    steps: tuple[Step, ...]


def _accumulator(weights: Integers, bias: Integers, source: FixedType, fraction: int) -> FixedType:
    """Bounds of every partial sum, by column of (products, outputs): each product's range contains zero."""
    extremes = np.stack([weights * source.low, weights * source.high])
    lows = bias + np.minimum(extremes.min(axis=0), 0).sum(axis=0)
    highs = bias + np.maximum(extremes.max(axis=0), 0).sum(axis=0)
    return covering(min(int(lows.min()), 0), max(int(highs.max()), 0), fraction)


@dataclass(frozen=True, eq=False)
class StreamGraph:
    """Layers in an order in which every source comes before what reads it, and the depth of every FIFO.

    Attributes:
        name: of the design and of its top module.
        layers: the first is the :class:`Input`, the last is the output.
        fifo_depths: beats (of the source's lanes) that an edge holds, by ``"source->reader"``.
    """

    name: str
    layers: tuple[Layer, ...]
    fifo_depths: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: set[str] = set()
        for layer in self.layers:
            if layer.name in known:
                raise ConfigurationError(f"Two layers are named {layer.name!r}; rename one.")
            missing = [name for name in layer.sources if name not in known]
            if missing:
                raise ConfigurationError(f"Layer {layer.name!r} reads {missing[0]!r}, which comes after it.")
            known.add(layer.name)
            _check_lanes(layer)
            _check_window(layer)
        unknown = set(self.fifo_depths) - {edge for edge, _, _ in self.edges}
        if unknown:
            raise ConfigurationError(f"There is no stream {sorted(unknown)[0]!r} to give a depth to.")

    def __getitem__(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def edges(self) -> tuple[tuple[str, Layer, Layer], ...]:
        """Every stream between two layers as (``"source->reader"``, source, reader)."""
        by_name = {layer.name: layer for layer in self.layers}
        return tuple((f"{name}->{layer.name}", by_name[name], layer) for layer in self.layers
                     for name in layer.sources)

    @property
    def input(self) -> Layer:
        """The layer where frames come in."""
        return self.layers[0]

    @property
    def output(self) -> Layer:
        """The layer whose stream leaves the design."""
        return self.layers[-1]

    @property
    def cycles(self) -> int:
        """Cycles per frame of the slowest layer: what a stream of frames settles to."""
        return max(layer.cycles for layer in self.layers)

    def with_layers(self, changed: Mapping[str, Layer]) -> StreamGraph:
        """The same graph with some layers replaced."""
        return replace(self, layers=tuple(changed.get(layer.name, layer) for layer in self.layers))

    def digest(self) -> str:
        """Hex SHA-256 of everything that decides the hardware."""
        return digest(self)


def _check_lanes(layer: Layer) -> None:
    if layer.shape.channels % layer.lanes:
        raise IllegalGraphError(layer.name, f"{layer.lanes} lanes do not divide its {layer.shape.channels} channels",
                                "choose a divisor")
    if isinstance(layer, ArgMax) and layer.input_shape.channels % layer.simd:
        raise IllegalGraphError(
            layer.name, f"a SIMD of {layer.simd} does not divide its {layer.input_shape.channels} input channels",
            "choose a divisor")
    if isinstance(layer, Convolution) and layer.simd not in layer.simd_choices:
        raise IllegalGraphError(
            layer.name, f"a SIMD of {layer.simd} does not divide its {layer.input_shape.channels} input channels, "
            "nor is it a column of its window or all of it", f"choose one of {', '.join(map(str, layer.simd_choices))}")
    if isinstance(layer, Weighted):
        _check_multipliers(layer)


def _check_multipliers(layer: Weighted) -> None:
    kind = layer.multipliers.kind
    if kind not in ("dsp", "packed", "lut", "adders"):
        raise IllegalGraphError(layer.name, f"there are no multipliers of kind {kind!r}",
                                "use dsp, packed, lut or adders")
    if kind == "adders" and not (isinstance(layer, Convolution) and layer.mac_units == layer.weights.size):
        raise IllegalGraphError(layer.name, "its weights change from clock to clock, so they can't be adders",
                                "unroll a convolution fully or use other multipliers")
    if kind == "packed" and not isinstance(layer, Convolution):
        raise IllegalGraphError(layer.name, "no two of its products share an activation, so they can't be packed",
                                "use other multipliers")


def _check_window(layer: Layer) -> None:
    if not isinstance(layer, Convolution | Depthwise | Pooling):
        return
    window = layer.window
    top, bottom, left, right = window.padding
    if min(window.output(layer.input_shape)) < 1:
        raise IllegalGraphError(layer.name, "its window is larger than the padded image", "use larger images")
    if top + bottom >= max(window.span[0], 2) or left + right >= max(window.span[1], 2):
        raise IllegalGraphError(layer.name, "its padding is as large as its window or larger", "pad by less")


def digest(value: Any) -> str:
    """Hex SHA-256 of a dataclass of this module, its arrays included."""
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _feed(state: Any, value: Any) -> None:
    if is_dataclass(value):
        state.update(type(value).__name__.encode())
        for part in fields(value):
            state.update(part.name.encode())
            _feed(state, getattr(value, part.name))
    elif isinstance(value, np.ndarray):
        state.update(repr(value.shape).encode() + np.ascontiguousarray(value, np.int64).tobytes())
    elif isinstance(value, Mapping):
        _feed(state, sorted(value.items()))
    elif isinstance(value, tuple | list):
        state.update(b"(")
        for part in value:
            _feed(state, part)
        state.update(b")")
    else:
        state.update(repr(value).encode() + b";")
