"""What a division by a constant costs: the magnitude, the reciprocal's product, the sign."""

from __future__ import annotations

from quantunet_hls.ops.cost import Content, constant_product_blocks, each_lane
from quantunet_hls.ops.stages.quotient.reciprocal import reciprocal
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.targets import Family, LutParts
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _content(stage: Quotient, source: FixedType, family: Family) -> Content:
    gain = stage.type.fraction - source.fraction
    _, factor = reciprocal(stage.divisor, gain, max(source.high, -source.low))
    # The magnitude is multiplied, which has no sign.
    return Content(LutParts(rounding=source.width + stage.type.width),
                   dsp=constant_product_blocks(factor, source.width + 1, family))


FACET = each_lane(_content)
