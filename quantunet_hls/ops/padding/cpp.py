"""Padding in C++: hls4ml's in front of its convolutions, and one of this package's that crops, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import AddedLayer, LayerCpp
from quantunet_hls.ops.cpp.loops import reading
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.padding.layer import Padding, spans
from quantunet_hls.ops.qonnx.graph import attribute

__all__ = ["FACET", "CropPad", "PaddingModule"]

_HEADER = Path(__file__).with_name("nnet_crop_pad_stream.h")

_SIZES = ("in_height", "in_width", "n_chan", "out_height", "out_width", "out_chan", "pad_top", "pad_bottom", "pad_left",
          "pad_right", "pad_front", "pad_back")

_CONFIG = "struct config{index} {{\n" + "".join(
    f"    static const int {name} = {{{name}}};\n" for name in _SIZES) + "}};\n"


class CropPad(Layer):
    """Zeros around the image, or, where a side has less than none, less of it."""

    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in _SIZES]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("out_height", "out_width", "out_chan")],
                                 precision=self.get_input_variable().type.precision)


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    _, top, left, front, _, bottom, right, back = attribute(node, "pads")
    return {"name": node.name, "class_name": "CropPad", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            "out_height": height + top + bottom, "out_width": width + left + right, "out_chan": channels + front + back,
            "pad_top": top, "pad_bottom": bottom, "pad_left": left, "pad_right": right, "pad_front": front,
            "pad_back": back}


@dataclass(frozen=True)
class PaddingModule(Module):
    """Zeros around an image of so many channels.

    Its costs are fitted to one repository; modules of others are off by at most 6.1 %.
    """

    kind = "padding"
    lut_costs: ClassVar[Mapping[str, float]] = {"paddings": 453}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {"channels": (1, 64)}

    channels: int

    @property
    def quantities(self) -> Mapping[str, int]:
        """Channels."""
        return {"channels": self.channels}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """The module."""
        return {"paddings": 1}


def _actor(layer: Padding, cpp: CppLayer) -> Actor:
    """A pixel a clock, of those that come in or go out."""
    (stream,) = cpp.inputs
    rows, columns, _ = spans(stream.shape, layer.padding, layer.channels)
    needed, writes = np.full((rows.steps, columns.steps), -1), np.zeros((rows.steps, columns.steps), bool)
    needed[rows.reads.start: rows.reads.stop, columns.reads.start: columns.reads.stop] = np.arange(
        stream.shape.pixels).reshape(stream.shape.height, stream.shape.width)
    writes[rows.writes.start: rows.writes.stop, columns.writes.start: columns.writes.stop] = True
    return Actor(cpp.name, (reading(stream.writer, stream.shape.pixels, needed.reshape(-1)),),
                 np.ones(needed.size, np.int64), writes.reshape(-1), 2)


def _module(layer: Padding, cpp: CppLayer) -> PaddingModule | None:
    return PaddingModule(layer.shape.channels) if cpp.kind == "ZeroPadding2D" else None


FACET = LayerCpp(_actor, _module, added=(AddedLayer(
    CropPad, (partial(Config, CropPad, _CONFIG), partial(Call, CropPad, "crop_pad", [_HEADER.name])), (_HEADER,),
    {"CropPad": _parse}),))
