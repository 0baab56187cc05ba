"""Every pixel and every row several times: the loop nest of a line buffer with other steps."""

from __future__ import annotations

from quantunet_hls.ops.hardware.window import LoopLevel, StridedBuffer
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.ops.upsample.stream import Upsample

__all__ = ["FACET", "UpsampleUnit"]


def _components(layer: Upsample) -> Components:
    """The buffer alone."""
    return {"upsample": UpsampleUnit(layer.input_shape, layer.type.width, layer.lanes, layer.factor)}


FACET = LayerUnit(_components)


class UpsampleUnit(StridedBuffer):
    """Every pixel ``factor[1]`` times and every row ``factor[0]`` times.

    The buffer holds two rows, so that the next one comes in while this one is repeated.
    """

    def __init__(self, shape: Shape, bits: int, lanes: int, factor: tuple[int, int]):
        words = shape.channels // lanes
        row = shape.width * words
        super().__init__(
            lanes * bits,
            [LoopLevel(words, offset=1), LoopLevel(factor[1]), LoopLevel(shape.width, offset=words),
             LoopLevel(factor[0]), LoopLevel(shape.height, base=row)],
            frame=shape.pixels * words, image=(shape.height, shape.width, words), padding=None, slack=row)
