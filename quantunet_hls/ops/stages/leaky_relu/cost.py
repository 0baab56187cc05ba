"""What leaky ReLU costs: the slope's product, a choice, a cast."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, cast_parts, constant_product_blocks, each_lane
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: LeakyRelu, source: FixedType, family: Family) -> Content:
    finer = max(stage.slope_fraction, 0)
    parts = cast_parts(source.width + finer, source.fraction + finer, stage.type)
    dsp = constant_product_blocks(stage.slope, source.width, family) if source.signed else 0
    return Content(parts + LutParts(results=source.width + finer), dsp=dsp)


FACET = each_lane(_content)
