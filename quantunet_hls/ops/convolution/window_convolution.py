"""Convolutions that hls4ml 1.3.0 has no streaming C++ for, or a wrong one: dilated, of groups, of one strided row.

The products and sums are hls4ml's own: of strategy Resource for one group, of strategy Latency for each of several,
which take turns on the multipliers where the reuse factor lets them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.backends.template import FunctionCallTemplate
from hls4ml.converters.onnx.convolution import parse_conv_layer
from hls4ml.model.attributes import Attribute, ConfigurableAttribute, TypeAttribute, WeightAttribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.facet import AddedLayer
from quantunet_hls.ops.cpp.templates import ROW_RING, Config
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute, shape_of

__all__ = ["WINDOW_CONVOLUTION", "WindowConvolution", "needs_own_loop", "prepare"]

_HEADER = Path(__file__).with_name("nnet_window_convolution_stream.h")

_SIZES = ("in_height", "in_width", "n_chan", "out_height", "out_width", "n_filt", "filt_height", "filt_width",
          "stride_height", "stride_width", "dilation_height", "dilation_width", "pad_top", "pad_left", "groups")

_CONFIG = """struct config{index}_mult : nnet::dense_config {{
    static const unsigned n_in = {n_in};
    static const unsigned n_out = {n_out};
    static const unsigned reuse_factor = {group_reuse};
    static const unsigned strategy = nnet::{strategy};
    static const unsigned n_zeros = 0;
    static const unsigned multiplier_limit = DIV_ROUNDUP(n_in * n_out, reuse_factor);
    typedef {accum_t.name} accum_t;
    typedef {bias_t.name} bias_t;
    typedef {weight_t.name} weight_t;
    template<class data_T, class res_T, class CONFIG_T>
    using kernel = nnet::{kernel}<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
}};

struct config{index} {{
""" + "".join(f"    static const unsigned {name} = {{{name}}};\n" for name in _SIZES) + """\
    static const unsigned n_weights = {n_weights};
    static const unsigned groups_at_once = {groups_at_once};
    typedef {bias_t.name} bias_t;
    typedef {weight_t.name} weight_t;
    typedef config{index}_mult mult_config;
}};\n"""


class WindowConvolution(Layer):
    """A convolution of any window and any groups.

    Weights are (filters, rows, columns, channels) with strategy Resource, else (groups, rows, columns, channels of a
    group, filters of a group): the orders in which hls4ml's products read them.
    """

    _expected_attributes: ClassVar[list[Attribute]] = [
        *(Attribute(name) for name in (*_SIZES, "pad_bottom", "pad_right")),
        WeightAttribute("weight"), WeightAttribute("bias"), TypeAttribute("weight"), TypeAttribute("bias"),
        TypeAttribute("accum"), ConfigurableAttribute("reuse_factor", default=1),
        ConfigurableAttribute("strategy", value_type=str, default="resource")]

    def initialize(self) -> None:
        """Declares the output and the weights; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("out_height", "out_width", "n_filt")])
        weights = self.attributes["weight_data"]
        if not self.in_turns:
            groups = self.attributes["groups"]
            weights = weights.reshape(groups, -1, *weights.shape[1:]).transpose(0, 2, 3, 4, 1)
        self.set_attr("weight_data", np.ascontiguousarray(weights))
        self.add_weights()
        self.add_bias()

    @property
    def in_turns(self) -> bool:
        """Whether its products take turns on the multipliers as those of strategy Resource do."""
        return str(self.attributes["strategy"]).lower() == "resource"


class _Config(Config):
    """With the multipliers of a group."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        groups, reuse = found["groups"], int(found["reuse"])
        inputs = found["filt_height"] * found["filt_width"] * found["n_chan"] // groups
        kernel = "DenseLatency"
        if str(found["strategy"]).lower() == "resource":
            rest = "leq_nin" if reuse <= inputs else "gt_nin" if reuse % inputs else "gt_nin_rem0"
            kernel = f"DenseResource_rf_{rest}"
        return found | {
            "n_in": inputs, "n_out": found["n_filt"] // groups, "n_weights": inputs * found["n_filt"],
            "strategy": str(found["strategy"]).lower(), "kernel": kernel, "group_reuse": -(-reuse // groups),
            "groups_at_once": max(1, groups // reuse)}


class _Call(FunctionCallTemplate):
    """The call of the kernel, with weights and biases."""

    def __init__(self) -> None:
        super().__init__(WindowConvolution, include_header=[f"nnet_utils/{_HEADER.name}"])

    def format(self, node: Layer) -> str:
        """The C++ of one layer."""
        w, b = (node.get_weights(role).name for role in ("weight", "bias"))
        return "nnet::window_convolution<{input_t}, {output_t}, {config}>({input}, {output}, {w}, {b});".format(
            w=w, b=b, **self._default_function_params(node))


def needs_own_loop(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether a convolution of a channels-last graph is none that hls4ml computes right.

    Its kernels of one row, but for full ones of one column, move by one row whatever the stride is.
    """
    filters, rows, columns, _ = shape_of(model, node.input[1])
    group, channels = attribute(node, "group"), shape_of(model, node.input[0])[-1]
    dilated = any(step > 1 < size for step, size in zip(attribute(node, "dilations"), (rows, columns), strict=True))
    depthwise = group == channels == filters and group > 1
    stuck = rows == 1 and (columns > 1 or depthwise) and attribute(node, "strides")[0] > 1
    return dilated or stuck or (group > 1 and not depthwise)


def prepare(model: ModelWrapper, node: NodeProto) -> None:
    """Weights and biases of such a convolution become attributes, by which :func:`_parse` knows it."""
    if not needs_own_loop(model, node):
        return
    for role, name in zip(("weights", "biases"), node.input[1:], strict=False):
        value = constant(model, name)
        assert value is not None, "quantized weights have been folded"
        set_attribute(node, role, numpy_helper.from_array(value))
    set_attribute(node, "size", list(shape_of(model, node.output[0])[1:3]))
    del node.input[1:]


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    if len(node.input) > 1:
        hls4mls_own: dict[str, Any] = parse_conv_layer(node, input_names, input_shapes, graph)
        return hls4mls_own
    _, height, width, channels = input_shapes[0]
    given = {entry.name: numpy_helper.to_array(entry.t) for entry in node.attribute if entry.name in (
        "weights", "biases")}
    filters, rows, columns, _ = given["weights"].shape
    pairs = {"filt": (rows, columns), "stride": attribute(node, "strides"), "dilation": attribute(node, "dilations"),
             "out": attribute(node, "size"), "in": (height, width)}
    sizes = {f"{role}_{side}": int(value) for role, pair in pairs.items()
             for side, value in zip(("height", "width"), pair, strict=True)}
    pads = dict(zip(("pad_top", "pad_left", "pad_bottom", "pad_right"), attribute(node, "pads"), strict=True))
    return {"name": node.name, "class_name": "WindowConvolution", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "n_chan": channels, "n_filt": filters, "groups": attribute(node, "group"),
            **sizes, **pads, "weight_data": given["weights"], "bias_data": given.get("biases", np.zeros(filters))}


WINDOW_CONVOLUTION = AddedLayer(
    WindowConvolution, (partial(_Config, WindowConvolution, _CONFIG), _Call), (ROW_RING, _HEADER),
    {"Conv": _parse})
