"""From hls4ml's ModelGraph to a program: its types, modes and constants as its C++ compiler gets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hls4ml.model.graph import ModelGraph
from hls4ml.model.types import IntegerPrecisionType

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ingest.hls4ml_types import fixed_type
from quantunet_hls.ops.network import (
    ArgMax,
    Cast,
    Concatenation,
    Convolution,
    Input,
    Layer,
    LeakyRelu,
    Padding,
    Pointwise,
    Pooling,
    Relu,
    Resize,
    Shape,
    Sides,
    Sigmoid,
    Stage,
    Threshold,
    TypedNetwork,
    ZeroInsertion,
)
from quantunet_hls.ops.stages import sigmoid_table
from quantunet_hls.types.fixed import FixedType, Integers, cast

__all__ = ["codes_of", "read_network"]

#: Fraction bits with which a real constant is written down before it is assigned to its type.
_EXACT_BITS = 61


def read_network(model: ModelGraph) -> TypedNetwork:
    """A streaming Vitis or Vivado model, after conversion, as a program.

    Raises:
        ConfigurationError: another backend, another ``io_type``, or several inputs or outputs.
        IllegalGraphError: a layer or a type whose arithmetic is not known here; names the layer.
    """
    backend, io_type = model.config.backend.name, model.config.get_config_value("IOType")
    if backend not in ("Vitis", "Vivado") or io_type != "io_stream":
        raise ConfigurationError(f"Emulation follows the streaming C++ of Vitis and Vivado, not {io_type} of "
                                 f"{backend}; convert the network for one of these.")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConfigurationError(f"Emulation takes one input and one output, not {len(model.inputs)} and "
                                 f"{len(model.outputs)}; split the network.")
    return _Reader(backend).read(model)


def codes_of(node: str, values: np.ndarray, target: FixedType) -> Integers:
    """Real constants assigned to a type: its codes, int64, of the same shape.

    Raises:
        IllegalGraphError: a constant too large or too fine for 61 bits.
    """
    values = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    # As many fraction bits as fit beside the largest value; what a double has below them is below its own precision.
    fraction = _EXACT_BITS - (int(np.frexp(largest)[1]) if largest else 0)
    fraction = min(fraction, target.fraction + _EXACT_BITS - 1)
    fine = np.ldexp(values, fraction)
    if not np.all(np.isfinite(fine)) or np.any(np.abs(fine) >= 2.0**62):
        raise IllegalGraphError(node, f"a constant as large as {largest:g} can't be held in {target}",
                                "scale it down")
    # What lies below the last bit still decides ties: keep one sticky bit for it.
    floor = np.floor(fine)
    codes = floor.astype(np.int64) | (fine != floor)
    return cast(codes, FixedType(63, fraction), target)


class _Reader:
    """Goes through the model once, in its order."""

    def __init__(self, backend: str):
        self.backend = backend
        self.layers: dict[str, Layer] = {}
        #: Which layer a tensor comes from, and its type.
        self.producers: dict[str, str] = {}
        self.types: dict[str, FixedType] = {}

    def read(self, model: ModelGraph) -> TypedNetwork:
        kinds: dict[str, Callable[[Any], None]] = {
            "Input": self._input,
            "Conv2D": self._convolution,
            "PointwiseConv2D": self._convolution,
            "DepthwiseConv2D": self._depthwise,
            "Pooling2D": self._pooling,
            "Activation": self._activation,
            "ParametrizedActivation": self._activation,
            "ZeroPadding2D": self._padding,
            "Resize": self._resize,
            "Concatenate": self._concatenation,
            "Clone": self._clone,
            "WindowPooling": self._pooling,
            "ZeroInsertion": self._zero_insertion,
            "ClassIndex": self._class_index,
        }
        for node in model.get_layers():
            kind = type(node).__name__.removeprefix(self.backend)
            if kind not in kinds:
                raise IllegalGraphError(node.name, f"the arithmetic of a layer of kind {kind} is not known to the "
                                        "emulator", f"use one of {', '.join(kinds)}")
            kinds[kind](node)
        return TypedNetwork(tuple(self.layers.values()), self.producers[model.outputs[0]])

    def _input(self, node: Any) -> None:
        self._add(Input(node.name, (), _shape(node), (Cast(_result(node)),)), node)

    def _convolution(self, node: Any) -> None:
        weights = _constants(node, "weight")
        if node.get_attr("_weights_transposed", False):
            weights = weights.transpose(1, 2, 3, 0)
        inputs, filters = int(node.get_attr("n_chan")), int(node.get_attr("n_filt"))
        weights = weights.reshape(*_pair(node, "filt"), inputs, filters)
        depth = weights[..., 0].size
        reuse = _reuse(node)
        # Beyond the window's size the products of one output come in the window's order again.
        self._add_sums(node, weights, depthwise=False, reuse=reuse if reuse and reuse <= depth else None)

    def _depthwise(self, node: Any) -> None:
        channels = int(node.get_attr("n_chan"))
        weights = _constants(node, "depthwise" if "depthwise" in node.weights else "weight")
        if weights.size != np.prod(_pair(node, "filt")) * channels:
            raise IllegalGraphError(node.name, "a depth multiplier other than 1 can't be emulated", "use 1")
        if node.get_attr("_weights_transposed", False):
            weights = weights.transpose(1, 2, 3, 0)
        self._add_sums(node, weights.reshape(*_pair(node, "filt"), 1, channels), depthwise=True, reuse=_reuse(node))

    def _add_sums(self, node: Any, weights: np.ndarray, *, depthwise: bool, reuse: int | None) -> None:
        window, stride = _pair(node, "filt"), _pair(node, "stride")
        if window[0] == 1 and window[1] > 1 and stride[0] > 1:
            raise IllegalGraphError(node.name, "a kernel of one row is moved by one row in hls4ml, whatever its stride",
                                    "use a stride of 1 row")
        if any(int(node.get_attr(f"dilation_{side}", 1)) != 1 for side in ("height", "width")):
            raise IllegalGraphError(node.name, "a dilated kernel can't be emulated", "use dilation 1")
        role = "depthwise" if "depthwise" in node.weights else "weight"
        precision = node.weights[role].type.precision
        source = self.types[node.inputs[0]]
        kind = fixed_type(node.name, precision)
        codes = codes_of(node.name, weights, kind)
        if isinstance(precision, IntegerPrecisionType):
            if precision.width == 1 and source == FixedType(1, 0, False, "TRN_ZERO", "WRAP"):
                raise IllegalGraphError(node.name, "binary weights on binary data can't be emulated",
                                        "use two bits or more")
            if precision.width == 2 and precision.signed:
                # hls4ml's ternary product takes every weight other than 0 and -1 for +1.
                codes = np.where(codes == -2, 1, codes)
        accumulator = fixed_type(node.name, node.get_attr("accum_t").precision)
        bias_type = fixed_type(node.name, node.weights["bias"].type.precision)
        bias = cast(codes_of(node.name, _constants(node, "bias"), bias_type), bias_type, accumulator)
        self._add(Convolution(node.name, self._sources(node), _shape(node), (Cast(_result(node)),), codes,
                              kind.fraction, bias, accumulator, stride, _sides(node), depthwise, reuse), node)

    def _pooling(self, node: Any) -> None:
        operation = str(node.get_attr("pool_op")).lower()
        window = _pair(node, "pool")
        if operation not in ("max", "average"):
            raise IllegalGraphError(node.name, f"{operation} pooling can't be emulated", "use max or average pooling")
        if not type(node).__name__.endswith("WindowPooling") and (
                _pair(node, "stride") != window or any(_sides(node))):
            raise IllegalGraphError(node.name, "hls4ml's own pooling computes no padded or overlapping windows",
                                    "pool without padding, with stride = window")
        accumulator = fixed_type(node.name, node.get_attr("accum_t").precision)
        self._add(Pooling(node.name, self._sources(node), _shape(node), (Cast(_result(node)),), window,
                          _pair(node, "stride"), _sides(node), operation == "average", accumulator), node)

    def _activation(self, node: Any) -> None:
        function, result = str(node.get_attr("activation")).lower(), _result(node)
        stage: Stage
        if function == "linear":
            stage = Cast(result)
        elif function == "relu":
            stage = Relu(result)
        elif function in ("leakyrelu", "leaky_relu"):
            kind = fixed_type(node.name, node.get_attr("param_t").precision)
            slope = codes_of(node.name, np.array(float(node.get_attr("activ_param"))), kind)
            stage = LeakyRelu(result, int(slope), kind.fraction)
        elif function == "sigmoid":
            stage = _sigmoid(node, self.types[node.inputs[0]], result)
        else:
            raise IllegalGraphError(node.name, f"the activation {function} can't be emulated",
                                    "use linear, ReLU, LeakyReLU or sigmoid")
        self._add(Pointwise(node.name, self._sources(node), _shape(node), (stage,)), node)

    def _padding(self, node: Any) -> None:
        self._add(Padding(node.name, self._sources(node), _shape(node), (Cast(_result(node)),), _sides(node)), node)

    def _resize(self, node: Any) -> None:
        (height, width, channels), source = _shape(node), self.layers[self.producers[node.inputs[0]]]
        rows, columns = height // source.shape[0], width // source.shape[1]
        if (str(node.get_attr("algorithm")) != "nearest"
                or (source.shape[0] * rows, source.shape[1] * columns, source.shape[2]) != (height, width, channels)):
            raise IllegalGraphError(node.name, "only nearest upsampling by whole numbers can be emulated", "use that")
        given, result = self.types[node.inputs[0]], _result(node)
        if (given.width, given.fraction, given.signed) != (result.width, result.fraction, result.signed):
            raise IllegalGraphError(node.name, f"hls4ml's upsampling has one type, not {given} and {result}",
                                    "give its result the type of its input")
        self._add(Resize(node.name, (source.name,), (height, width, channels), (), (rows, columns)), node)

    def _zero_insertion(self, node: Any) -> None:
        given, result = self.types[node.inputs[0]], _result(node)
        if (given.width, given.fraction, given.signed) != (result.width, result.fraction, result.signed):
            raise IllegalGraphError(node.name, f"zeros are inserted into one type, not from {given} to {result}",
                                    "give its result the type of its input")
        self._add(ZeroInsertion(node.name, self._sources(node), _shape(node), (), _pair(node, "factor")), node)

    def _class_index(self, node: Any) -> None:
        sources, shape = self._sources(node), _shape(node)
        if int(node.get_attr("n_chan")) > 1:
            self._add(ArgMax(node.name, sources, shape, ()), node)
        else:
            stage = Threshold(int(node.get_attr("limit")), int(node.get_attr("limit_fraction")))
            self._add(Pointwise(node.name, sources, shape, (stage,)), node)

    def _concatenation(self, node: Any) -> None:
        if int(node.get_attr("axis")) not in (3, -1):
            raise IllegalGraphError(node.name, "only channels can be concatenated", "concatenate along the channels")
        self._add(Concatenation(node.name, self._sources(node), _shape(node), (Cast(_result(node)),)), node)

    def _clone(self, node: Any) -> None:
        given = self.types[node.inputs[0]]
        for tensor in node.outputs:
            kind = fixed_type(node.name, node.get_output_variable(tensor).type.precision)
            if kind != given:
                raise IllegalGraphError(node.name, f"a fork from {given} to {kind} can't be emulated",
                                        "give both one type")
            self.producers[tensor] = self.producers[node.inputs[0]]
            self.types[tensor] = given

    def _sources(self, node: Any) -> tuple[str, ...]:
        return tuple(self.producers[tensor] for tensor in node.inputs)

    def _add(self, layer: Layer, node: Any) -> None:
        self.layers[layer.name] = layer
        self.producers[node.outputs[0]] = layer.name
        self.types[node.outputs[0]] = _result(node)


def _result(node: Any) -> FixedType:
    return fixed_type(node.name, node.get_output_variable().type.precision)


def _shape(node: Any) -> Shape:
    shape = tuple(int(size) for size in node.get_output_variable().shape)
    if len(shape) != 3:
        raise IllegalGraphError(node.name, f"its result has {len(shape)} axes", "use images (height, width, channels)")
    return shape[0], shape[1], shape[2]


def _pair(node: Any, role: str) -> tuple[int, int]:
    return int(node.get_attr(f"{role}_height")), int(node.get_attr(f"{role}_width"))


def _sides(node: Any) -> Sides:
    top, bottom, left, right = (int(node.get_attr(f"pad_{side}", 0)) for side in ("top", "bottom", "left", "right"))
    return top, bottom, left, right


def _reuse(node: Any) -> int | None:
    strategy = str(node.get_attr("strategy", "latency")).lower()
    if strategy not in ("latency", "resource"):
        raise IllegalGraphError(node.name, f"the strategy {strategy} can't be emulated", "use latency or resource")
    return int(node.get_attr("reuse_factor")) if strategy == "resource" else None


def _constants(node: Any, role: str) -> np.ndarray:
    """The numbers as hls4ml prints them: with as many decimals as the type has fraction bits."""
    variable = node.weights[role]
    return np.array([float(text) for text in variable], dtype=np.float64).reshape(variable.data.shape)


def _sigmoid(node: Any, given: FixedType, result: FixedType) -> Sigmoid:
    size = int(node.get_attr("table_size"))
    if size % 16 or size * 2.0 ** (given.width - given.fraction) >= 2.0**34:
        raise IllegalGraphError(node.name, f"a sigmoid table of {size} entries for {given} can't be emulated",
                                "use a table of a multiple of 16 entries and a narrower input")
    kind = fixed_type(node.name, node.get_attr("table_t").precision)
    return Sigmoid(result, sigmoid_table(size, kind, result))
