"""hls4ml's element-wise ``Merge``."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.add.layer import Add
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.stages.cast.stage import Cast

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Add:
    operation = node.text("op")
    if operation != "add":
        raise IllegalGraphError(node.name, f"there is no emulation and no RTL for the operation {operation!r} of two "
                                "images", "add them, or leave it to the host")
    if any(each.layer.shape != node.shape for each in given):
        raise IllegalGraphError(node.name, "its inputs have different shapes", "add images of one shape")
    return Add(node.name, tuple(each.layer.name for each in given), node.shape, (Cast(node.result()),))


FACET = LayerReader({"Merge": _read})
