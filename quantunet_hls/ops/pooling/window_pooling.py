"""Pooling windows that overlap, are padded, or leave rows over, for which hls4ml's streaming kernels have assertions,
and those that are the whole image, whose every pixel they would keep.

The arithmetic is hls4ml's own: the accumulator, the tree of ``nnet::reduce`` and
the division by the window's size. Padding counts as zeros in a mean (ONNX's
``count_include_pad``) and is below every value in a maximum.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from hls4ml.converters.onnx.pooling import parse_pool_layer
from hls4ml.model.attributes import Attribute, TypeAttribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.ops.cpp.facet import AddedLayer
from quantunet_hls.ops.cpp.templates import ROW_RING, Call, Config

__all__ = ["WHOLE_POOLING", "WINDOW_POOLING", "WholePooling", "WindowPooling"]

_HEADER = Path(__file__).with_name("nnet_window_pooling_stream.h")
_WHOLE_HEADER = Path(__file__).with_name("nnet_whole_pooling_stream.h")

_SIZES = ("in_height", "in_width", "out_height", "out_width", "n_filt", "pool_height", "pool_width", "stride_height",
          "stride_width", "pad_top", "pad_bottom", "pad_left", "pad_right")

_CONFIG = "struct config{index} : nnet::pooling2d_config {{\n" + "".join(
    f"    static const unsigned {name} = {{{name}}};\n" for name in _SIZES) + """\
    static const nnet::Pool_Op pool_op = nnet::{pool_op};
    typedef {accum_t.name} accum_t;
}};\n"""


class WindowPooling(Layer):
    """The largest value or the mean under any windows that reach beyond the image by less than their size."""

    _expected_attributes: ClassVar[list[Attribute]] = [
        *(Attribute(name) for name in _SIZES), Attribute("pool_op", value_type=str), TypeAttribute("accum")]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("out_height", "out_width", "n_filt")])


class WholePooling(WindowPooling):
    """The same under the one window that is the whole image."""


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    layer: dict[str, Any] = parse_pool_layer(node, input_names, input_shapes, graph)
    window, stride = ((layer[f"{role}_height"], layer[f"{role}_width"]) for role in ("pool", "stride"))
    if window == (layer["in_height"], layer["in_width"]) and not any(layer["pads"]):
        return layer | {"pool_op": layer["class_name"].removesuffix("Pooling2D"), "class_name": "WholePooling"}
    leftover = layer["in_height"] % window[0] or layer["in_width"] % window[1]
    if any(layer["pads"]) or window != stride or leftover:
        layer |= {"pool_op": layer["class_name"].removesuffix("Pooling2D"), "class_name": "WindowPooling"}
    return layer


WINDOW_POOLING = AddedLayer(
    WindowPooling, (partial(Config, WindowPooling, _CONFIG), partial(Call, WindowPooling, "window_pooling", [
        "nnet_pooling.h", "nnet_pooling_stream.h", _HEADER.name])),
    (ROW_RING, _HEADER), {"MaxPool": _parse, "AveragePool": _parse})

WHOLE_POOLING = AddedLayer(
    WholePooling, (partial(Config, WholePooling, _CONFIG), partial(Call, WholePooling, "whole_pooling", [
        "nnet_pooling.h", _WHOLE_HEADER.name])),
    (_WHOLE_HEADER,), {})
