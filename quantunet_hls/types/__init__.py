"""Fixed-point types for every tensor of a network, by proof."""

from typing import TYPE_CHECKING

from quantunet_hls.types.fixed import FixedType, covering, parse_type

if TYPE_CHECKING:
    from quantunet_hls.types.ranges import GraphTypes, LayerTypes, Range, infer_types, to_steps
else:
    # The types themselves are plain; what types a graph needs ONNX and torch.
    from quantunet_hls.lazy import lazily

    __getattr__ = lazily(__name__, dict.fromkeys(("GraphTypes", "LayerTypes", "Range", "infer_types", "to_steps"),
                                                 "ranges"))

__all__ = ["FixedType", "GraphTypes", "LayerTypes", "Range", "covering", "infer_types",
           "parse_type", "to_steps"]
