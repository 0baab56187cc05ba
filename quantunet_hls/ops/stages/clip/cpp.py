"""Limits in C++, which hls4ml lacks; nobody has published a report of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hls4ml.model.layers import Layer

from quantunet_hls.ops.cpp.each_value import ValueConfig, ValueLayer, added_layer, types_of
from quantunet_hls.ops.cpp.facet import StageCpp
from quantunet_hls.ops.model_graph import Node
from quantunet_hls.ops.stages.clip.model_graph import read
from quantunet_hls.ops.stages.clip.stage import Clip

__all__ = ["FACET", "ValueLimits"]

_HEADER = Path(__file__).with_name("nnet_value_limits_stream.h")

_CONFIG = """struct config{index} {{
    static const unsigned n_pixels = {pixels};
    static const long long low = {low_code}LL;
    static const long long high = {high_code}LL;
}};\n"""


class ValueLimits(ValueLayer):
    """No less than ``low`` and no more than ``high``, in steps of ``2**-fraction``."""

    numbers = ("low", "high", "fraction")


class _Config(ValueConfig):
    """With the limits as codes of the result."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        _, result = types_of(node)
        stage = read(Node(node, ""), result)
        return super().params(node) | {"low_code": stage.low, "high_code": stage.high}


FACET: StageCpp[Clip] = StageCpp(added=(
    added_layer(ValueLimits, _Config, _CONFIG, "value_limits", _HEADER, "Clip"),))
