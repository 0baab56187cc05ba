"""Pixels out of channels: the loop nest of a line buffer with other steps."""

from __future__ import annotations

from quantunet_hls.ops.depth_to_space.stream import DepthToSpace
from quantunet_hls.ops.hardware.window import LoopLevel, StridedBuffer
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.unit import Components, LayerUnit

__all__ = ["FACET", "BlockUnit"]


def _components(layer: DepthToSpace) -> Components:
    """The buffer alone."""
    return {"blocks": BlockUnit(layer.input_shape, layer.type.width, layer.lanes, layer.block,
                                pixelwise=layer.pixelwise)}


FACET = LayerUnit(_components)


class BlockUnit(StridedBuffer):
    """The first row of all blocks of a row, then the second, and so on.

    The buffer holds two rows, so that the next one comes in while this one is read.
    """

    def __init__(self, shape: Shape, bits: int, lanes: int, block: int, *, pixelwise: bool):
        words = shape.channels // lanes
        row, pixel = shape.width * words, words // block**2
        # From a channel to the next, from a block's column to the next, and from its row to the next.
        channel, column, below = (1, pixel, block * pixel) if pixelwise else (block**2, 1, block)
        super().__init__(
            lanes * bits,
            [LoopLevel(pixel, offset=channel), LoopLevel(block, offset=column), LoopLevel(shape.width, offset=words),
             LoopLevel(block, offset=below), LoopLevel(shape.height, base=row)],
            frame=shape.pixels * words, image=(shape.height, shape.width, words), padding=None, slack=row)
