"""The layer of limits that this package adds to hls4ml."""

from __future__ import annotations

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.model_graph import Node, StageReader
from quantunet_hls.ops.stages.clip.stage import Clip
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "read"]


def read(node: Node, result: FixedType) -> Clip:
    """The limits in steps of the result, within its type, which holds all that lies between them.

    Raises:
        IllegalGraphError: the result is too coarse for the limits.
    """
    places = result.fraction - node.integer("fraction")
    if places < 0:
        raise IllegalGraphError(node.name, f"its limits are no multiples of the step of its result, {result}",
                                "give its result more bits behind the point")
    low, high = (min(max(node.integer(name) << places, result.lowest), result.high) for name in ("low", "high"))
    return Clip(result, low, high)


FACET = StageReader({}, layers={"ValueLimits": read})
