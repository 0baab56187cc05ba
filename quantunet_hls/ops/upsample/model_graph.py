"""hls4ml's upsampling."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.model_graph import Given, LayerReader, Node
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.upsample.layer import Upsample

__all__ = ["FACET"]


def _read(node: Node, given: Sequence[Given]) -> Upsample:
    shape, source = node.shape, given[0].layer.shape
    rows, columns = shape.height // source.height, shape.width // source.width
    if node.text("algorithm") != "nearest" or shape != Shape(
            source.height * rows, source.width * columns, source.channels):
        raise IllegalGraphError(node.name, "there is no arithmetic but for nearest upsampling by whole numbers",
                                "use nearest upsampling and a convolution")
    return Upsample(node.name, (given[0].layer.name,), shape, (Cast(node.result()),), (rows, columns))


FACET = LayerReader({"Resize": _read})
