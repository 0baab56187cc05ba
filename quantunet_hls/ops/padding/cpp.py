"""hls4ml's zero padding: a pixel out a clock, and one in where it is no zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from quantunet_hls.folding.schedule import Actor
from quantunet_hls.ops.cpp.facet import CppFacet, CppLayer
from quantunet_hls.ops.cpp.loops import image_shape, one_clock, reading
from quantunet_hls.ops.cpp.modules import Module

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


def _actor(layer: Any, sources: Sequence[str]) -> Actor:
    height, width, _ = image_shape(layer.get_input_variable())
    top, bottom, left, right = (int(layer.get_attr(f"pad_{side}")) for side in ("top", "bottom", "left", "right"))
    inside = np.pad(np.arange(height * width).reshape(height, width), ((top, bottom), (left, right)),
                    constant_values=-1).reshape(-1)
    return one_clock(layer, (reading(sources[0], height * width, inside),), len(inside))


def _module(layer: Any) -> PaddingModule:
    return PaddingModule(int(layer.get_output_variable().shape[-1]))


FACET = CppFacet(layers={"ZeroPadding2D": CppLayer(_actor, _module)})
