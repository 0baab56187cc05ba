"""Hardware components with ready/valid streams, written in Amaranth."""

from quantunet_hls.rtl.components.matvec import DotProducts, MatrixVectorUnit
from quantunet_hls.rtl.components.pointwise import PointwiseUnit
from quantunet_hls.rtl.components.pool import PoolUnit
from quantunet_hls.rtl.components.streams import ConcatUnit, Fifo, Fork, WidthAdapter
from quantunet_hls.rtl.components.window import StridedBuffer, UpsampleUnit, WholeWindows, WindowGenerator

__all__ = [
    "ConcatUnit",
    "DotProducts",
    "Fifo",
    "Fork",
    "MatrixVectorUnit",
    "PointwiseUnit",
    "PoolUnit",
    "StridedBuffer",
    "UpsampleUnit",
    "WholeWindows",
    "WidthAdapter",
    "WindowGenerator",
]
