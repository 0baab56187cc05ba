"""Which values each tensor can take, by proof: interval arithmetic on the actual weights.

Every tensor of a legal graph holds integers times a power of two. For each
channel the smallest and the largest integer are carried through the graph, from
the quantizer behind the input port on. Nothing is sampled, so the types that
:func:`infer_types` derives from the ranges can't overflow for any image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import attribute, constant, consumers, is_whole_mean, linked, only, shape_of
from quantunet_hls.ops.stages import SIGMOID_TYPE
from quantunet_hls.types.fixed import FixedType, covering, shifted_right

__all__ = ["MAX_WIDTH", "GraphTypes", "LayerTypes", "Range", "infer_types", "to_steps"]


#: Widest integer that the proof counts with.
_MAX_BITS = 62
#: Widest type: C-simulation and its comparison pass values on as 64-bit floats.
MAX_WIDTH = 53


@dataclass(frozen=True)
class Range:
    """Values of a tensor, channel by channel, in steps of 2**exponent.

    ``low`` and ``high`` are int64 arrays (channels,).
    """

    low: np.ndarray
    high: np.ndarray
    exponent: int

    def at(self, exponent: int) -> Range:
        """The same values in finer steps."""
        shift = self.exponent - exponent
        if shift < 0:
            raise ValueError("a range can't be written in coarser steps")
        return Range(_shift_left(self.low, shift), _shift_left(self.high, shift), exponent)

    def type(self, *, signed: bool | None = None) -> FixedType:
        """The narrowest type that holds all channels."""
        return covering(int(self.low.min()), int(self.high.max()), -self.exponent, signed=signed)


@dataclass(frozen=True)
class LayerTypes:
    """Types of one node: what it writes, and for a layer with arithmetic what it computes with."""

    result: FixedType
    accumulator: FixedType | None = None
    weight: FixedType | None = None
    bias: FixedType | None = None


@dataclass(frozen=True)
class GraphTypes:
    """Types of a whole graph.

    Attributes:
        image: type of the input port, that of the first quantizer.
        layers: by node name.
        ranges: by tensor name; what the types were derived from.
    """

    image: FixedType
    layers: dict[str, LayerTypes]
    ranges: dict[str, Range]


def to_steps(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Fixed-point numbers as integers (int64) and the largest power of two that they are multiples of.

    All zeros are (0, ..., 0) in steps of 1.

    Raises:
        OverflowError: the numbers span more than 62 bits.
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.any(values):
        return np.zeros(values.shape, dtype=np.int64), 0
    mantissa, exponents = np.frexp(values[values != 0])
    digits = np.abs((mantissa * 2.0**53).astype(np.int64))
    trailing = np.log2((digits & -digits).astype(np.float64)).astype(np.int64)
    exponent = int((exponents - 53 + trailing).min())
    if exponents.max() - exponent > 62:
        raise OverflowError("the values span more than 62 bits")
    return np.ldexp(values, -exponent).astype(np.int64), exponent


def _shift_left(values: np.ndarray, shift: int) -> np.ndarray:
    """The values times 2**shift, or an OverflowError where they leave :data:`_MAX_BITS` bits."""
    if np.any(values) and int(np.abs(values).max()).bit_length() + shift > _MAX_BITS:
        raise OverflowError
    return np.left_shift(values, shift if np.any(values) else 0)


def quant_type(model: ModelWrapper, node: NodeProto) -> FixedType:
    """The type of a Quant node with a scalar power-of-two scale (QONNX's definition of Quant)."""
    scale, bits = (constant(model, node.input[index]) for index in (1, 3))
    assert scale is not None
    assert bits is not None
    signed = bool(attribute(node, "signed"))
    width = int(bits.flat[0])
    exponent = int(np.log2(scale.flat[0]))
    rounding = "RND_CONV" if attribute(node, "rounding_mode") == "ROUND" else "TRN"
    saturation = "SAT_SYM" if attribute(node, "narrow") else "SAT"
    return FixedType(width, -exponent, signed, rounding, saturation)


def infer_types(model: ModelWrapper) -> GraphTypes:
    """A type for every tensor, weight and accumulator of a legal channels-last graph.

    Quantizers keep the type they were trained with. Everything else gets the
    narrowest type that holds each value it can take, poolings each that the type of
    their input can, for they bring values into their accumulator one by one. So does the accumulator of
    a convolution, although a partial sum may lie beyond it: it wraps, sums
    modulo 2**width do not depend on the order of the additions, and the last
    one is in range, so it is what it would be in a wider accumulator.

    Raises:
        IllegalGraphError: a layer's values need more bits than can be counted with exactly.
    """
    model = linked(model)
    image = only(model, "input")
    (first,) = consumers(model, image)
    port = quant_type(model, first)
    channels = shape_of(model, image)[-1]
    ranges = {image: _values_of(port, channels)}
    written = {image: port}
    layers: dict[str, LayerTypes] = {}
    for node in model.graph.node:
        data = [name for name in node.input if name in ranges]
        try:
            admitted = [_values_of(written[name], len(ranges[name].low)) if node.op_type in _POOLINGS else ranges[name]
                        for name in data]
            result, types = _RULES[node.op_type](model, node, admitted)
            if max(kind.width for kind in vars(types).values() if kind is not None) > MAX_WIDTH:
                raise OverflowError
        except OverflowError as error:
            raise IllegalGraphError(node.name, f"its values need more than {MAX_WIDTH} bits",
                                    "quantize its input, or bring the scales of its inputs closer together") from error
        if node.op_type in ("Resize", "ZeroInsertion"):
            # Copies its input and has no arithmetic to narrow it, so hls4ml's kernel takes one type for both.
            types = LayerTypes(written[data[0]])
        ranges[node.output[0]] = result
        written[node.output[0]] = types.result
        layers[node.name] = types
    return GraphTypes(port, layers, ranges)


def _values_of(kind: FixedType, channels: int) -> Range:
    """All values of a type, in each channel."""
    return Range(np.full(channels, kind.lowest), np.full(channels, kind.high), kind.exponent)


def _quant(model: ModelWrapper, node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    kind = quant_type(model, node)
    (given,) = inputs
    shift = kind.exponent - given.exponent
    if shift <= 0:
        low, high = _shift_left(given.low, -shift), _shift_left(given.high, -shift)
    else:
        # Rounding is monotonic, so the ends of the interval go to the ends of its image.
        low, high = (shifted_right(end, shift, kind.rounding) for end in (given.low, given.high))
    return (Range(np.clip(low, kind.lowest, kind.high), np.clip(high, kind.lowest, kind.high), kind.exponent),
            LayerTypes(kind))


def _conv(model: ModelWrapper, node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    raw = constant(model, node.input[1])
    assert raw is not None
    weights, weight_exponent = to_steps(raw)  # (filters, height, width, channels or 1)
    if attribute(node, "group") != 1:
        low, high = given.low[:, None], given.high[:, None]
    else:
        low, high = given.low[None, :], given.high[None, :]
    # The products of one tap lie between these; 0 belongs to both ends, for padding feeds
    # zeros and a sum still under way lacks some of its products.
    taps = weights.reshape(weights.shape[0], -1, weights.shape[-1])
    if np.abs(taps).max() * max(float(np.abs(end).max()) for end in (low, high)) > 2.0**_MAX_BITS:
        raise OverflowError
    ends = np.stack([taps * low[:, None, :], taps * high[:, None, :]])
    if 2.0 * np.abs(ends).astype(np.float64).sum((2, 3)).max() > 2.0**_MAX_BITS:
        raise OverflowError
    most, least = np.maximum(ends.max(0), 0).sum((1, 2)), np.minimum(ends.min(0), 0).sum((1, 2))
    exponent = given.exponent + weight_exponent
    bias_type = FixedType(1)
    bias = constant(model, node.input[2]) if len(node.input) > 2 else None
    value = Range(least, most, exponent)
    if bias is not None and np.any(bias):
        steps, bias_exponent = to_steps(bias)
        bias_type = covering(int(steps.min()), int(steps.max()), -bias_exponent, signed=True)
        exponent = min(exponent, bias_exponent)
        value = value.at(exponent)
        steps = _shift_left(steps, bias_exponent - exponent)
        value = Range(value.low + steps, value.high + steps, exponent)
    return value, LayerTypes(
        result=value.type(),
        accumulator=value.type(),
        weight=covering(int(weights.min()), int(weights.max()), -weight_exponent, signed=True),
        bias=bias_type,
    )


def _relu(_model: ModelWrapper, _node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    result = Range(np.maximum(given.low, 0), np.maximum(given.high, 0), given.exponent)
    return result, LayerTypes(result.type())


def _leaky_relu(_model: ModelWrapper, node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    slope = float(attribute(node, "alpha", 0.01))
    if slope == 0:
        return _relu(_model, node, inputs)
    fine = given.at(given.exponent + int(np.log2(slope)))
    low = np.where(given.low < 0, given.low, fine.low)
    high = np.where(given.high < 0, given.high, fine.high)
    result = Range(low, high, fine.exponent)
    return result, LayerTypes(result.type())


def _same(_model: ModelWrapper, _node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    return given, LayerTypes(given.type())


def _max_pool(_model: ModelWrapper, _node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    return given, LayerTypes(given.type(), accumulator=given.type())


def _average_pool(model: ModelWrapper, node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    if any(attribute(node, "pads")):
        given = Range(np.minimum(given.low, 0), np.maximum(given.high, 0), given.exponent)
    count = int(np.prod(attribute(node, "kernel_shape")))
    if not is_whole_mean(node):
        return _cut_mean(model, node, given, count)
    finest = given.exponent - (count.bit_length() - 1)
    low, high = (_shift_left(end, count.bit_length() - 1) for end in (given.low, given.high))
    sums = Range(low, high, given.exponent)
    # The sum of `count` values in steps of the input is the mean in steps finer by log2(count).
    mean = Range(sums.low, sums.high, finest)
    whole = Range(np.minimum(sums.low, 0), np.maximum(sums.high, 0), given.exponent).at(finest)
    return mean, LayerTypes(mean.type(), accumulator=whole.type())


def _cut_mean(model: ModelWrapper, node: NodeProto, given: Range, count: int) -> tuple[Range, LayerTypes]:
    """A mean that hls4ml cuts towards zero, fine enough that the quantizers behind it round it as they would the mean.

    In steps of the finer of input and quantizer the mean is a whole number over ``count``. Where it is not one of the
    places at which a quantizer's result changes, which are whole numbers or half ones, it is at least ``1 / (2 *
    count)`` away from it; so a quotient cut to steps of no more than that never reaches it.
    """
    finest = min(given.exponent, *(quant_type(model, reader).exponent for reader in consumers(model, node.output[0])))
    exponent = finest - (2 * count - 1).bit_length()
    sums = Range(_times(given.low, count), _times(given.high, count), given.exponent).at(exponent)
    low, high = (np.sign(end) * (np.abs(end) // count) for end in (sums.low, sums.high))
    whole = Range(np.minimum(sums.low, 0), np.maximum(sums.high, 0), exponent)
    mean = Range(low, high, exponent)
    return mean, LayerTypes(mean.type(), accumulator=whole.type())


def _times(values: np.ndarray, factor: int) -> np.ndarray:
    if int(np.abs(values).max()) * factor >= 1 << _MAX_BITS:
        raise OverflowError
    return values * factor


def _sigmoid(model: ModelWrapper, node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    table = constant(model, node.input[1])
    assert table is not None, "tabulate_sigmoid gives it one"
    steps = np.ldexp(table.astype(np.float64), SIGMOID_TYPE.fraction).astype(np.int64)
    ends = [np.full_like(given.low, end) for end in (steps.min(), steps.max())]
    return Range(ends[0], ends[1], SIGMOID_TYPE.exponent), LayerTypes(SIGMOID_TYPE)


def _class_index(_model: ModelWrapper, node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    classes = len(given.low) if node.op_type == "ArgMax" else 2
    result = Range(np.zeros(1, np.int64), np.full(1, classes - 1), 0)
    return result, LayerTypes(result.type())


def _zero_insertion(_model: ModelWrapper, _node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    (given,) = inputs
    result = Range(np.minimum(given.low, 0), np.maximum(given.high, 0), given.exponent)
    return result, LayerTypes(result.type())


def _concat(_model: ModelWrapper, _node: NodeProto, inputs: list[Range]) -> tuple[Range, LayerTypes]:
    exponent = min(part.exponent for part in inputs)
    parts = [part.at(exponent) for part in inputs]
    low, high = np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts])
    result = Range(low, high, exponent)
    return result, LayerTypes(result.type())


_POOLINGS = ("MaxPool", "AveragePool")
_RULES = {
    "Quant": _quant,
    "Conv": _conv,
    "Relu": _relu,
    "LeakyRelu": _leaky_relu,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "Resize": _same,
    "ZeroInsertion": _zero_insertion,
    "Sigmoid": _sigmoid,
    "ArgMax": _class_index,
    "Greater": _class_index,
    "Concat": _concat,
}
