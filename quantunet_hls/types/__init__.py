"""Fixed-point types for every tensor of a network, by proof."""

from quantunet_hls.types.fixed import FixedType, covering, parse_type
from quantunet_hls.types.ranges import GraphTypes, LayerTypes, Range, infer_types, to_steps

__all__ = ["FixedType", "GraphTypes", "LayerTypes", "Range", "covering", "infer_types",
           "parse_type", "to_steps"]
