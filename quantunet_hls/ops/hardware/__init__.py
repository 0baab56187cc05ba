"""Hardware components with ready/valid streams, written in Amaranth."""

from quantunet_hls.ops.hardware.argmax import ArgMaxUnit
from quantunet_hls.ops.hardware.matvec import DotProducts, MatrixVectorUnit
from quantunet_hls.ops.hardware.pointwise import PointwiseUnit
from quantunet_hls.ops.hardware.pool import PoolUnit
from quantunet_hls.ops.hardware.streams import ConcatUnit, Fifo, Fork, WidthAdapter
from quantunet_hls.ops.hardware.window import StridedBuffer, UpsampleUnit, WholeWindows, WindowGenerator
from quantunet_hls.ops.hardware.zeros import ZeroInsertionUnit

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
