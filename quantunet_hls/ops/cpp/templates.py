"""The two pieces of C++ that hls4ml wants of a layer kind, from a text each: its configuration and its call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.layers import Layer

__all__ = ["ROW_RING", "Call", "Config"]

#: What kernels include that read an image row by row.
ROW_RING = Path(__file__).with_name("nnet_row_ring_stream.h")


class Config(LayerConfigTemplate):
    """The layer's configuration struct: a format string over its attributes."""

    def __init__(self, layer: type[Layer], text: str):
        super().__init__(layer)
        self.text = text

    def format(self, node: Layer) -> str:
        """The C++ of one layer."""
        return self.text.format(**self.params(node))

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found: dict[str, Any] = self._default_config_params(node)
        return found


class Call(FunctionCallTemplate):
    """The call of the layer's kernel, ``nnet::<function>``, which stands in the last of the headers."""

    def __init__(self, layer: type[Layer], function: str, headers: Sequence[str]):
        super().__init__(layer, include_header=[f"nnet_utils/{header}" for header in headers])
        self.function = function

    def format(self, node: Layer) -> str:
        """The C++ of one layer."""
        return "nnet::{function}<{input_t}, {output_t}, {config}>({input}, {output});".format(
            function=self.function, **self._default_function_params(node))
