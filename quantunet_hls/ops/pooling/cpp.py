"""Pooling in C++: hls4ml's kernel for windows that lie side by side, one of this package's for all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import LayerCpp
from quantunet_hls.ops.cpp.loops import window_loop, window_rows
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.pooling.layer import Pooling
from quantunet_hls.ops.pooling.window_pooling import WHOLE_POOLING, WINDOW_POOLING, WholePooling, WindowPooling
from quantunet_hls.ops.window import Window
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


def _actor(layer: Pooling, cpp: CppLayer) -> Actor:
    if _in_hls4mls_kernel(cpp):
        return window_loop(cpp, layer.window, layer.stride)
    if cpp.kind == WholePooling.__name__:
        # The next frame comes in while the last pixel's result goes out, and no window needs a pixel twice.
        return window_loop(cpp, layer.window, layer.window)
    return window_rows(cpp, layer.shape, Window(layer.window, layer.stride, layer.padding))


def _in_hls4mls_kernel(cpp: CppLayer) -> bool:
    return cpp.kind not in (WindowPooling.__name__, WholePooling.__name__)


def _module(layer: Pooling, cpp: CppLayer) -> MaxPoolingModule | None:
    if layer.mean or not _in_hls4mls_kernel(cpp):
        return None
    image = cpp.inputs[0]
    return MaxPoolingModule(layer.window, image.shape.channels, image.type)


FACET = LayerCpp(_actor, _module, added=(WINDOW_POOLING, WHOLE_POOLING))
