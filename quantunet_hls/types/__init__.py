"""Fixed-point types, and their casts on integers: plain, without torch or ONNX."""

from quantunet_hls.types.fixed import FixedType, covering, parse_type

__all__ = ["FixedType", "covering", "parse_type"]
