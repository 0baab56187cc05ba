"""hls4ml's activations: a pixel in, a pixel out."""

from __future__ import annotations

from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import LayerCpp, stage_cpp
from quantunet_hls.ops.cpp.loops import pixelwise
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.pointwise.layer import Pointwise

__all__ = ["FACET"]


def _module(layer: Pointwise, cpp: CppLayer) -> Module | None:
    """That of its stage: each of hls4ml's activations is one, and nobody has published a report of several."""
    if len(layer.stages) != 1:
        return None
    (stage,) = layer.stages
    return stage_cpp(stage).module(stage, cpp)


FACET = LayerCpp(pixelwise, _module)
