"""The stream graph computed with numpy on integers: what the hardware must give, bit for bit."""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.types.fixed import Integers

__all__ = ["execute"]


def execute(graph: StreamGraph, frames: Integers) -> dict[str, Integers]:
    """Codes (frames, height, width, channels) that every layer puts out."""
    values: dict[str, Integers] = {graph.input.name: np.asarray(frames, np.int64)}
    for layer in graph.inner:
        values[layer.name] = layer.computed([values[name] for name in layer.sources])
    return values
