"""hls4ml's zero padding: a pixel out a clock, and one in where it is no zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from quantunet_hls.folding.schedule import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import one_clock, reading
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.padding.layer import Padding

__all__ = ["FACET", "PaddingModule"]


@dataclass(frozen=True)
class PaddingModule(Module):
    """Zeros around an image of so many channels.

    Its costs are fitted to one repository; modules of others are off by at most 6.1 %.
    """

    kind = "padding"
    lut_costs: ClassVar[Mapping[str, float]] = {"paddings": 453}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {"channels": (1, 64)}

    channels: int

    @property
    def quantities(self) -> Mapping[str, int]:
        """Channels."""
        return {"channels": self.channels}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """The module."""
        return {"paddings": 1}


def _actor(layer: Padding, cpp: CppLayer) -> Actor:
    (stream,) = cpp.inputs
    top, bottom, left, right = layer.padding
    image = np.arange(stream.shape.pixels).reshape(stream.shape.height, stream.shape.width)
    inside = np.pad(image, ((top, bottom), (left, right)), constant_values=-1).reshape(-1)
    return one_clock(cpp, (reading(stream.writer, stream.shape.pixels, inside),), len(inside))


def _module(layer: Padding, _cpp: CppLayer) -> PaddingModule:
    return PaddingModule(layer.shape.channels)


FACET = LayerCpp(_actor, _module)
