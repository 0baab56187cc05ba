"""Resize comes out with height and width swapped, or not at all (hls4ml issues 1266 and 1268).

hls4ml 1.3.0 reads a channels-last Resize's width where its height stands, which
goes wrong without a word for images that are not square, and fails on an empty
region of interest under numpy 2. Here the node is handed over with its factors
as attributes and the image as its only input, to a handler that reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hls4ml.converters.onnx_to_hls import layer_handlers
from onnx import GraphProto, NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import attribute, constant, copy_of, set_attribute

__all__ = ["applied", "with_factors"]


def with_factors(model: ModelWrapper) -> ModelWrapper:
    """A copy of a channels-last graph for hls4ml's eyes only: Resize nodes read nothing but the image."""
    model = copy_of(model)
    for node in model.graph.node:
        if node.op_type == "Resize":
            scales = constant(model, node.input[2])
            assert scales is not None
            _, rows, columns, _ = (int(scale) for scale in scales)
            set_attribute(node, "factors", [rows, columns])
            del node.input[1:]
    read = {name for node in model.graph.node for name in node.input}
    for entry in [entry for entry in model.graph.initializer if entry.name not in read]:
        model.graph.initializer.remove(entry)
    return model


def _parse_resize(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: GraphProto
                  ) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    rows, columns = attribute(node, "factors")
    return {
        "name": node.name,
        "class_name": "Resize",
        "inputs": input_names,
        "outputs": list(node.output),
        "algorithm": "nearest",
        "data_format": "channels_last",
        "in_height": height,
        "in_width": width,
        "out_height": height * rows,
        "out_width": width * columns,
        "n_chan": channels,
    }


@contextmanager
def applied() -> Iterator[None]:
    """hls4ml's ONNX front end with this handler in place of its own."""
    theirs = layer_handlers["Resize"]
    layer_handlers["Resize"] = _parse_resize
    try:
        yield
    finally:
        layer_handlers["Resize"] = theirs
