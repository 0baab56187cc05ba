"""Zeros around the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.shape import Sides

__all__ = ["Padding"]


@dataclass(frozen=True, eq=False)
class Padding(Layer):
    """Zeros around the image."""

    kind: ClassVar[str] = "padding"

    padding: Sides

    def without_zeros(self, source: Layer) -> tuple[Layer, Sides]:
        """Its stages by themselves, and the zeros: these are zeros in every type."""
        return Pointwise(self.name, self.sources, source.shape, self.stages), self.padding
