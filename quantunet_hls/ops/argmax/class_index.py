"""The class of each pixel instead of its logits: the largest channel, or of one channel whether it exceeds a limit."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto

from quantunet_hls.ops.cpp.facet import AddedLayer
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.types import covering

__all__ = ["CLASS_INDEX", "ClassIndex"]

_HEADER = Path(__file__).with_name("nnet_class_index_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const unsigned n_chan = {n_chan};
    typedef {limit_t} limit_t;
    static limit_t limit() {{
        limit_t value;
        value.range(limit_t::width - 1, 0) = {limit};
        return value;
    }}
}};\n"""


class ClassIndex(Layer):
    """``limit * 2**-limit_fraction`` is what one channel must exceed; several channels have no use for it."""

    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in (
        "in_height", "in_width", "n_chan", "limit", "limit_fraction")]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes["in_height"], self.attributes["in_width"], 1])


class _Config(Config):
    """With the limit as the C++ compiler takes it."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        limit = int(found["limit"])
        kind = covering(limit, limit, int(found["limit_fraction"]), signed=True)
        return found | {"pixels": found["in_height"] * found["in_width"],
                        "limit_t": f"ap_fixed<{kind.width}, {kind.integer}>"}


def _parse(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
           ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": "ClassIndex", "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            "limit": attribute(node, "limit", 0), "limit_fraction": attribute(node, "limit_fraction", 0)}


CLASS_INDEX = AddedLayer(
    ClassIndex, (partial(_Config, ClassIndex, _CONFIG), partial(Call, ClassIndex, "class_index", [_HEADER.name])),
    (_HEADER,), {"ArgMax": _parse, "Greater": _parse})
