"""Pooling in C++: hls4ml's kernel for windows that lie side by side, one of this package's for all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from quantunet_hls.folding.schedule import Actor
from quantunet_hls.ops.cpp.facet import CppFacet, CppLayer
from quantunet_hls.ops.cpp.loops import LATENCY, image_shape, reading, window_loop
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.pooling.window_pooling import WINDOW_POOLING
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "MaxPoolingModule"]


@dataclass(frozen=True)
class MaxPoolingModule(Module):
    """The largest of each window, a pixel of so many channels at a time; windows do not overlap.

    Its costs are fitted to two repositories of Vitis HLS 2023.2 and later: ``pooled`` are its channels,
    ``pooled_bits`` bits of these. Modules of other repositories are off by at most 10.9 %, and by 35.5 % with Vitis
    HLS 2022.1.
    """

    kind = "max_pooling"
    lut_costs: ClassVar[Mapping[str, float]] = {"poolings": 616, "pooled": 79.7, "pooled_bits": 5.6}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {
        "kernel rows": (2, 2), "kernel columns": (2, 2), "channels": (2, 64), "bits of the input": (8, 24)}

    kernel: tuple[int, int]
    channels: int
    input: FixedType

    @property
    def quantities(self) -> Mapping[str, int]:
        """What an estimate depends on, by name."""
        return {"kernel rows": self.kernel[0], "kernel columns": self.kernel[1], "channels": self.channels,
                "bits of the input": self.input.width}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """The module, its channels, and their bits."""
        return {"poolings": 1, "pooled": self.channels, "pooled_bits": self.channels * self.input.width}


def _side_by_side(layer: Any, sources: Sequence[str]) -> Actor:
    return window_loop(layer, sources, "pool")


def _rows_of_windows(layer: Any, sources: Sequence[str]) -> Actor:
    """The rows that a row of windows needs are read, then the windows are written; what is left over comes last."""
    height, width, _ = image_shape(layer.get_input_variable())
    out_height, out_width, _ = image_shape(layer.get_output_variable())
    stride, top, rows = (int(layer.get_attr(name)) for name in ("stride_height", "pad_top", "pool_height"))
    needed: list[np.ndarray] = []
    received = 0
    for row in range(out_height):
        last = min(row * stride - top + rows, height)
        needed += [np.arange(received * width, max(last, received) * width), np.full(out_width, -1)]
        received = max(last, received)
    read = np.concatenate([*needed, np.arange(received * width, height * width)])
    return Actor(layer.name, (reading(sources[0], height * width, read),), np.ones(len(read), np.int64), read < 0,
                 LATENCY)


def _module(layer: Any) -> MaxPoolingModule | None:
    if str(layer.get_attr("pool_op")).lower() != "max":
        return None
    image = layer.get_input_variable()
    return MaxPoolingModule((int(layer.get_attr("pool_height")), int(layer.get_attr("pool_width"))),
                            int(image.shape[-1]), fixed_type(layer.name, image.type.precision))


FACET = CppFacet(
    layers={"Pooling2D": CppLayer(_side_by_side, _module), "WindowPooling": CppLayer(_rows_of_windows)},
    added=(WINDOW_POOLING,),
)
