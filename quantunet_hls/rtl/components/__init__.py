"""Hardware components with ready/valid streams, written in Amaranth."""

from quantunet_hls.rtl.components.argmax import ArgMaxUnit
from quantunet_hls.rtl.components.matvec import DotProducts, MatrixVectorUnit
from quantunet_hls.rtl.components.pointwise import PointwiseUnit
from quantunet_hls.rtl.components.pool import PoolUnit
from quantunet_hls.rtl.components.streams import ConcatUnit, Fifo, Fork, WidthAdapter
from quantunet_hls.rtl.components.window import StridedBuffer, UpsampleUnit, WholeWindows, WindowGenerator
from quantunet_hls.rtl.components.zeros import ZeroInsertionUnit

__all__ = [
    "ArgMaxUnit",
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
    "ZeroInsertionUnit",
]
