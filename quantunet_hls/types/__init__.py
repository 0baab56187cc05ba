"""Fixed-point types for every tensor of a network, by proof."""

from quantunet_hls.types.fixed import FixedType, Overflow, Rounding, covering
from quantunet_hls.types.ranges import GraphTypes, LayerTypes, Range, infer_types, to_steps

__all__ = ["FixedType", "GraphTypes", "LayerTypes", "Overflow", "Range", "Rounding", "covering", "infer_types",
           "to_steps"]
