"""Products of two streams in C++: hls4ml's own take images of one shape alone.

``ap_fixed`` multiplies exactly; nobody has published a report of such a module.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.backends.template import FunctionCallTemplate
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import AddedLayer, LayerCpp
from quantunet_hls.ops.cpp.loops import one_clock, reading
from quantunet_hls.ops.cpp.templates import Config
from quantunet_hls.ops.multiply.layer import Multiply

__all__ = ["FACET", "StreamProduct"]

_HEADER = Path(__file__).with_name("nnet_stream_product_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {n_pixels};
    static const unsigned n_chan = {n_chan};
    static const bool each_pixel = {each_pixel};
    static const bool each_channel = {each_channel};
}};\n"""


class StreamProduct(Layer):
    """The first input has the shape of the product."""

    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in (
        "in_height", "in_width", "n_chan", "n_pixels", "each_pixel", "each_channel")]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in ("in_height", "in_width", "n_chan")])


class _Call(FunctionCallTemplate):
    """The call of the kernel with both streams."""

    def __init__(self) -> None:
        super().__init__(StreamProduct, include_header=[f"nnet_utils/{_HEADER.name}"])

    def format(self, node: Layer) -> str:
        """The C++ of one layer."""
        one, other = (node.get_input_variable(name) for name in node.inputs)
        result = node.get_output_variable()
        return (f"nnet::stream_product<{one.type.name}, {other.type.name}, {result.type.name}, config{node.index}>"
                f"({one.name}, {other.name}, {result.name});")


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    image = 0 if np.prod(input_shapes[0]) >= np.prod(input_shapes[1]) else 1
    _, height, width, channels = input_shapes[image]
    _, rows, columns, factors = input_shapes[1 - image]
    return {"name": node.name, "class_name": "StreamProduct", "inputs": [input_names[image], input_names[1 - image]],
            "outputs": list(node.output), "data_format": "channels_last", "in_height": height, "in_width": width,
            "n_chan": channels, "n_pixels": height * width, "each_pixel": int((rows, columns) == (height, width)),
            "each_channel": int(factors == channels)}


def _actor(layer: Multiply, cpp: CppLayer) -> Actor:
    """A pixel of the image in and one out a clock; one of the factors with each, or with the first."""
    image, factors = cpp.inputs
    pixels = np.arange(layer.shape.pixels)
    needed = pixels if factors.shape.pixels == len(pixels) else np.zeros_like(pixels)
    return one_clock(cpp, (reading(image.writer, len(pixels), pixels),
                           reading(factors.writer, factors.shape.pixels, needed)), len(pixels))


_ADDED = AddedLayer(StreamProduct, (partial(Config, StreamProduct, _CONFIG), _Call), (_HEADER,), {"Mul": _parse})

FACET = LayerCpp(_actor, added=(_ADDED,))
