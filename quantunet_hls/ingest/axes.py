"""On which axis the channels of each tensor lie, in graphs of either order of axes and with Transposes in between."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.passes.channels_last import FIRST, LAST, check_constants, check_layout, transposed
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, only
from quantunet_hls.ops.qonnx.node_kinds import TRANSPOSE, Layout

__all__ = ["layouts_of"]


def layouts_of(model: ModelWrapper) -> dict[str, Layout]:
    """Where batch, channels, height and width of each tensor lie that the image reaches.

    Raises:
        IllegalGraphError: a node's input lies in another order than the node reads it in.
    """
    try:
        return _walked(model, FIRST)
    except IllegalGraphError as as_first:
        try:
            return _walked(model, LAST)
        except IllegalGraphError as as_last:
            raise (as_last if any(node.domain == CHANNELS_LAST for node in model.graph.node) else as_first) from None


def _walked(model: ModelWrapper, source: Layout) -> dict[str, Layout]:
    layouts = {only(model, "input"): source}
    for node in model.graph.node:
        data = [layouts[name] for name in node.input if name in layouts]
        if not data:
            continue
        if node.op_type == TRANSPOSE.op_type:
            layouts[node.output[0]] = transposed(node, data[0])
        else:
            check_layout(node, data)
            check_constants(model, node, data[0])
            layouts[node.output[0]] = data[0]
    return layouts
