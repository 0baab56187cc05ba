"""From hls4ml's ModelGraph to the stream graph.

What is read of a layer are its shapes, its types after hls4ml's type inference
and its weights, as they are for every backend; so a graph that was converted
for the C++ project can be lowered as well, and both compute the same integers.

Layers that only rearrange C++ streams (Clone, ZeroPadding2D in front of a
convolution) disappear; casts and activations join the layer before them where
nothing else reads it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.argmax.stream import ArgMax
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.convolution.stream import Convolution, Depthwise
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.pointwise.stream import Pointwise
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages import Cast, LeakyRelu, Quotient, Relu, Sigmoid, Stage, Threshold, sigmoid_table
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer, Window
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.ops.zero_insertion.stream import ZeroInsertion
from quantunet_hls.types.fixed import FixedType, Integers, cast, covering

if TYPE_CHECKING:
    # hls4ml loads its plug-ins, and with them this package, before that module is complete.
    from hls4ml.model.graph import ModelGraph

__all__ = ["Lowered", "lower"]

_NO_PADDING = (0, 0, 0, 0)

#: Bits behind a constant's last one that its rounding looks at.
CONSTANT_GUARD_BITS = 20

#: Wider sums than this can't be simulated in 64-bit integers, nor would they map well.
WIDEST_ACCUMULATOR = 48


@dataclass(frozen=True)
class Lowered:
    """A stream graph and how it relates to the hls4ml graph.

    Attributes:
        graph: every lane count is 1; see :mod:`quantunet_hls.rtl.fold.parallelism`.
        tensors: for each layer of ``graph`` the hls4ml layer whose output it equals.
        channels_first: the network's output has the channels first; the stream still has them last.
    """

    graph: StreamGraph
    tensors: Mapping[str, str]
    channels_first: bool


@dataclass(frozen=True)
class _Stream:
    """Where a tensor comes from: the layer's name, and zero padding that its reader has to take in."""

    layer: str
    padding: tuple[int, int, int, int] = _NO_PADDING


def lower(model: ModelGraph, name: str | None = None) -> Lowered:
    """Lower a converted model.

    Args:
        name: of the design; the project's name where absent.

    Raises:
        IllegalGraphError: a layer that has no RTL, or arithmetic that can't be exact; one sentence, naming the layer.
    """
    return _Lowering(model).run(name or model.config.get_project_name())


class _Lowering:
    """Goes through the model once, layer by layer, in its order."""

    def __init__(self, model: ModelGraph):
        self.model = model
        self.streams: dict[str, _Stream] = {}
        self.layers: dict[str, StreamLayer] = {}
        self.tensors: dict[str, str] = {}
        self.channels_first = False
        self.reads = Counter(tensor for layer in model.get_layers() for tensor in layer.inputs)
        self.reads.update(model.outputs)

    def run(self, name: str) -> Lowered:
        kinds: dict[str, Callable[[Any], None]] = {
            "Input": self._input, "InputLayer": self._input, "Conv2D": self._convolution,
            "PointwiseConv2D": self._convolution,
            "DepthwiseConv2D": self._depthwise, "Pooling2D": self._pooling, "MaxPooling2D": self._pooling,
            "AveragePooling2D": self._pooling, "WindowPooling": self._pooling, "Activation": self._activation,
            "ParametrizedActivation": self._activation, "Resize": self._resize, "Concatenate": self._concat,
            "ZeroPadding2D": self._zero_padding, "Clone": self._passed_on, "Transpose": self._transpose,
            "ZeroInsertion": self._zero_insertion, "ClassIndex": self._class_index,
        }
        for node in self.model.get_layers():
            kind = node.class_name
            if self.channels_first:
                raise IllegalGraphError(node.name, "it comes after a transpose to channels first",
                                        "leave the channels last up to the network's output")
            if kind not in kinds:
                raise IllegalGraphError(node.name, f"there is no RTL for a layer of kind {kind!r}",
                                        "leave it to the host or use another layer")
            kinds[kind](node)
        layers = list(self.layers.values())
        (result,) = self.model.outputs
        last = self.layers[self.streams[result].layer]
        # The output comes last; nothing that reads it can come after it, but side branches may.
        layers.sort(key=lambda layer: layer is last)
        return Lowered(StreamGraph(name, tuple(layers)), dict(self.tensors), self.channels_first)

    # Layers, one method a kind.

    def _input(self, node: Any) -> None:
        self._add(node, Input(self._name(node), (), self._shape(node), self._type(node)))

    def _convolution(self, node: Any) -> None:
        source, window, weights, bias, fraction, stages = self._products(node)
        self._add(node, Convolution(
            self._name(node), (source.name,), self._shape(node), stages[-1].type, source.shape, source.type, window,
            weights, bias, fraction, stages, slack=_slack(source)))

    def _depthwise(self, node: Any) -> None:
        source, window, weights, bias, fraction, stages = self._products(node)
        if weights.shape[2:] != (source.shape.channels, 1):
            raise IllegalGraphError(node.name, "a depth multiplier other than 1 has no RTL", "use a multiplier of 1")
        self._add(node, Depthwise(
            self._name(node), (source.name,), self._shape(node), stages[-1].type, source.shape, source.type, window,
            weights[..., 0], bias, fraction, stages, slack=_slack(source)))

    def _products(self, node: Any) -> tuple[StreamLayer, Window, Integers, Integers, int, tuple[Stage, ...]]:
        """What all convolutions share; the sums are checked to be exact up to the accumulator's own wrap."""
        source, padding = self._source(node)
        window = Window(
            (int(node.get_attr("filt_height")), int(node.get_attr("filt_width"))),
            (int(node.get_attr("stride_height")), int(node.get_attr("stride_width"))),
            padding, (int(node.get_attr("dilation_height", 1)), int(node.get_attr("dilation_width", 1))))
        weight_type = fixed_type(node.name, node.weights["weight"].type.precision)
        data = np.asarray(node.weights["weight"].data, np.float64)
        if node.get_attr("_weights_transposed", False):
            data = data.transpose(1, 2, 3, 0)
        weights = _codes(data, weight_type).reshape(*window.kernel, source.shape.channels, -1)
        accumulator = self._type(node, "accum_t")
        fraction = source.type.fraction + weight_type.fraction
        bias_type = fixed_type(node.name, node.weights["bias"].type.precision)
        bias = cast(_codes(np.asarray(node.weights["bias"].data, np.float64), bias_type), bias_type,
                    FixedType(62, accumulator.fraction, True, accumulator.rounding))
        if accumulator.fraction < fraction:
            raise IllegalGraphError(
                node.name, f"its accumulator {accumulator} cuts the {fraction} fraction bits of its products",
                "give it an accumulator with at least as many")
        # Biases finer than the products: the products then take the biases' stage.
        finest = accumulator.fraction
        while finest > fraction and not (bias & 1).any():
            bias, finest = bias >> 1, finest - 1
        weights = weights << (finest - fraction)
        probe = Convolution("probe", (), Shape(1, 1, bias.size), accumulator, source.shape, source.type, window,
                            weights.reshape(-1, bias.size), bias, finest, ())
        if probe.accumulator.width > WIDEST_ACCUMULATOR:
            raise IllegalGraphError(node.name, f"its sums take {probe.accumulator.width} bits, more than the "
                                    f"{WIDEST_ACCUMULATOR} that the RTL has", "use narrower weights or activations")
        if not _exact(probe.accumulator, accumulator) and accumulator.saturation != "WRAP":
            raise IllegalGraphError(node.name, f"its accumulator {accumulator} saturates between two products",
                                    "give it a wider one, or one that wraps")
        stages = _reduced(probe.accumulator, (Cast(accumulator), Cast(self._type(node))))
        return source, window, weights, bias, finest, stages

    def _pooling(self, node: Any) -> None:
        source, padding = self._source(node)
        window = Window((int(node.get_attr("pool_height")), int(node.get_attr("pool_width"))),
                        (int(node.get_attr("stride_height")), int(node.get_attr("stride_width"))), padding)
        operation = str(node.get_attr("pool_op")).lower()
        if operation not in ("max", "average"):
            raise IllegalGraphError(node.name, f"{operation} pooling has no RTL", "use max or average pooling")
        if type(node).__name__.find("WindowPooling") < 0 and (any(padding) or window.stride != window.kernel):
            raise IllegalGraphError(node.name, "hls4ml's own pooling computes no padded or overlapping windows",
                                    "pool without padding, with stride = window")
        accumulator, result = self._type(node, "accum_t"), self._type(node)
        layer = Pooling(self._name(node), (source.name,), self._shape(node), result, source.shape, source.type,
                        window, operation, (Cast(result),), slack=max(source.shape.width, 2))
        if operation == "max":
            if not _exact(source.type, accumulator):
                raise IllegalGraphError(node.name, f"its accumulator {accumulator} can't hold its input {source.type}",
                                        "give it the type of its input")
            stages = _reduced(layer.accumulator, (Cast(result),))
        else:
            total = replace(layer.accumulator, fraction=source.type.fraction)
            if not _exact(total, accumulator):
                raise IllegalGraphError(node.name, f"its accumulator {accumulator} can't hold the sum of its window",
                                        "give it a wider one")
            # C++ divides the sum by a whole number: the quotient is cut towards zero.
            quotient = FixedType(layer.accumulator.width + accumulator.fraction - source.type.fraction,
                                 accumulator.fraction, layer.accumulator.signed, "TRN_ZERO")
            if window.taps & (window.taps - 1):
                stages = (Quotient(quotient, window.taps), *_reduced(quotient, (Cast(result),)))
            else:
                stages = _reduced(layer.accumulator, (Cast(quotient), Cast(result)))
        self._add(node, replace(layer, stages=stages))

    def _activation(self, node: Any) -> None:
        source, _ = self._source(node)
        result = self._type(node)
        function = str(node.get_attr("activation")).lower()
        stage: Stage
        if function == "linear":
            stage = Cast(result)
        elif function == "relu":
            stage = Relu(result)
        elif function in ("leakyrelu", "leaky_relu"):
            kind = fixed_type(node.name, node.get_attr("param_t").precision)
            slope = int(_codes(np.array([float(node.get_attr("activ_param"))]), kind)[0])
            stage = LeakyRelu(result, slope, kind.fraction)
        elif function == "sigmoid":
            size = int(node.get_attr("table_size"))
            if size % 16:
                raise IllegalGraphError(node.name, f"a sigmoid table of {size} entries has no RTL",
                                        "use a multiple of 16")
            stage = Sigmoid(result, sigmoid_table(size, self._type(node, "table_t"), result))
        else:
            raise IllegalGraphError(node.name, f"there is no RTL for the activation {function!r}",
                                    "use ReLU, LeakyReLU or sigmoid")
        self._append(node, source, stage)

    def _append(self, node: Any, source: StreamLayer, stage: Stage) -> None:
        """A stage joins the layer before it, or is a layer of its own where others read that one too."""
        stages = getattr(source, "stages", None)
        if stages is not None and self._only_reader(node):
            before = _before_last(source)
            joined = (*stages[:-1], *_reduced(before, (stages[-1], stage)))
            self.layers[source.name] = replace(source, stages=joined, type=stage.type)  # type: ignore[call-arg]
            self.streams[node.outputs[0]] = _Stream(source.name)
            self.tensors[source.name] = node.name
        else:
            self._add(node, Pointwise(self._name(node), (source.name,), source.shape, stage.type, source.type,
                                      (stage,)))

    def _resize(self, node: Any) -> None:
        source, _ = self._source(node, tensor=node.inputs[0])
        shape = self._shape(node)
        factor = (shape.height // source.shape.height, shape.width // source.shape.width)
        if str(node.get_attr("algorithm")) != "nearest" or shape != Shape(
                source.shape.height * factor[0], source.shape.width * factor[1], source.shape.channels):
            raise IllegalGraphError(node.name, "only nearest upsampling by whole numbers has RTL",
                                    "use nearest upsampling and a convolution")
        source = self._as_type(node, source, self._type(node))
        self._add(node, Upsample(self._name(node), (source.name,), shape, source.type, source.shape, factor))

    def _zero_insertion(self, node: Any) -> None:
        source, _ = self._source(node)
        source = self._as_type(node, source, self._type(node))
        factor = (int(node.get_attr("factor_height")), int(node.get_attr("factor_width")))
        self._add(node, ZeroInsertion(self._name(node), (source.name,), self._shape(node), source.type, source.shape,
                                      factor))

    def _class_index(self, node: Any) -> None:
        source, _ = self._source(node)
        if source.shape.channels == 1:
            limit, fraction = int(node.get_attr("limit")), int(node.get_attr("limit_fraction"))
            self._append(node, source, Threshold(limit, fraction))
        else:
            self._add(node, ArgMax(self._name(node), (source.name,), self._shape(node),
                                   covering(0, source.shape.channels - 1), source.shape, source.type))

    def _concat(self, node: Any) -> None:
        if int(node.get_attr("axis")) not in (3, -1):
            raise IllegalGraphError(node.name, "only a concat of channels has RTL", "concatenate along the channels")
        sources = [self._as_type(node, self._source(node, tensor=tensor)[0], self._type(node), assigned=True)
                   for tensor in node.inputs]
        self._add(node, Concat(self._name(node), tuple(source.name for source in sources), self._shape(node),
                               self._type(node), (sources[0].shape.channels, sources[1].shape.channels)))

    def _zero_padding(self, node: Any) -> None:
        source, padding = self._source(node)
        own = tuple(int(node.get_attr(f"pad_{side}")) for side in ("top", "bottom", "left", "right"))
        if not _exact(source.type, self._type(node)):
            raise IllegalGraphError(node.name, "its type can't hold its input", "give it the type of its input")
        top, bottom, left, right = (a + b for a, b in zip(padding, own, strict=True))
        self.streams[node.outputs[0]] = _Stream(source.name, (top, bottom, left, right))

    def _passed_on(self, node: Any) -> None:
        for tensor in node.outputs:
            self.streams[tensor] = self.streams[node.inputs[0]]

    def _transpose(self, node: Any) -> None:
        if [int(axis) for axis in node.get_attr("perm")] != [2, 0, 1] or node.outputs[0] not in self.model.outputs:
            raise IllegalGraphError(node.name, "only a transpose to channels first at the output has RTL",
                                    "convert the network to channels last")
        self.channels_first = True
        self._passed_on(node)

    # What the methods above share.

    def _add(self, node: Any, layer: StreamLayer) -> None:
        self.layers[layer.name] = layer
        self.streams[node.outputs[0]] = _Stream(layer.name)
        self.tensors[layer.name] = node.name

    def _as_type(self, node: Any, source: StreamLayer, wanted: FixedType, *, assigned: bool = False
                 ) -> StreamLayer:
        """The source, behind a cast of its own where its type is another.

        Values that hls4ml's C++ assigns leave the lowest code of a symmetrical type.
        """
        same = (source.type.width, source.type.fraction, source.type.signed)
        if same == (wanted.width, wanted.fraction, wanted.signed) and not (
                assigned and source.type.lowest < wanted.lowest):
            return source
        layer = Pointwise(self._name(node) + f"_cast_{source.name}"[:30], (source.name,), source.shape, wanted,
                          source.type, (Cast(wanted),))
        self.layers[layer.name] = layer
        return layer

    def _source(self, node: Any, tensor: str | None = None) -> tuple[StreamLayer, tuple[int, int, int, int]]:
        stream = self.streams[tensor or node.inputs[0]]
        own = tuple(int(node.get_attr(f"pad_{side}", 0) or 0) for side in ("top", "bottom", "left", "right"))
        windowed = node.get_attr("stride_height") is not None
        if any(stream.padding) and not windowed and type(node).__name__.find("ZeroPadding2D") < 0:
            raise IllegalGraphError(node.name, "it reads a padded image, for which it has no RTL",
                                    "pad in front of convolutions only")
        if not windowed:
            return self.layers[stream.layer], stream.padding
        top, bottom, left, right = (a + b for a, b in zip(stream.padding, own, strict=True))
        return self.layers[stream.layer], (top, bottom, left, right)

    def _only_reader(self, node: Any) -> bool:
        return self.reads[node.inputs[0]] == 1

    def _name(self, node: Any) -> str:
        name = re.sub(r"\W", "_", node.name)
        return name if name[:1].isalpha() else f"layer_{name}"

    def _shape(self, node: Any) -> Shape:
        shape = [int(size) for size in node.get_output_variable().shape]
        if len(shape) != 3:
            raise IllegalGraphError(node.name, f"its output has {len(shape)} axes", "use images (height, width, "
                                    "channels) throughout")
        return Shape(*shape)

    def _type(self, node: Any, attribute: str = "result_t") -> FixedType:
        if attribute == "result_t":
            return fixed_type(node.name, node.get_output_variable().type.precision)
        return fixed_type(node.name, node.get_attr(attribute).precision)


def _slack(source: StreamLayer) -> int:
    """Pixels beyond the window: a pooling sends a row at once and then nothing for as long."""
    return source.shape.width if isinstance(source, Pooling) else 2


def _before_last(layer: StreamLayer) -> FixedType:
    """The type that a layer's last stage starts from."""
    stages: tuple[Stage, ...] = layer.stages  # type: ignore[attr-defined]
    if len(stages) > 1:
        return stages[-2].type
    return layer.input_type if isinstance(layer, Pointwise) else layer.accumulator  # type: ignore[attr-defined]


def _reduced(source: FixedType, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same stages without casts, other than the last, that change no value."""
    kept: list[Stage] = []
    for stage in stages:
        if kept and isinstance(kept[-1], Cast) and _exact(source, kept[-1].type):
            kept.pop()
        if kept:
            source = kept[-1].type
        kept.append(stage)
    return tuple(kept)


def _exact(source: FixedType, target: FixedType) -> bool:
    """Whether every value of one type is the same value in the other."""
    places = target.fraction - source.fraction
    if places < 0:
        return False
    low, high = source.low << places, source.high << places
    return target.lowest <= low and high <= target.high


def _codes(data: np.ndarray, type_: FixedType) -> Integers:
    """Constants in their type's codes, rounded and saturated as the C++ compiler's conversion does."""
    fine = np.round(np.ldexp(data, type_.fraction + CONSTANT_GUARD_BITS)).astype(np.int64)
    wide = covering(int(fine.min(initial=0)), int(fine.max(initial=0)), type_.fraction + CONSTANT_GUARD_BITS)
    return cast(fine, wide, type_)
