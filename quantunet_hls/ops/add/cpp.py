"""hls4ml's ``nnet::add``: a pixel of each branch in, a pixel out.

``ap_fixed`` adds numbers of any two steps exactly, so the result is exact where
its type holds the sum; nobody has published a report of such a module.
"""

from __future__ import annotations

from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import pixelwise

__all__ = ["FACET"]

FACET = LayerCpp(pixelwise)
