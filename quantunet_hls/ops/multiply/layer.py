"""Two images multiplied, value by value: gates and excitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["Multiply"]


@dataclass(frozen=True, eq=False)
class Multiply(Layer):
    """The exact product of two results, through the stages.

    The first source has the shape of the product. The second has it as well, or one channel for all of a pixel's, or
    one pixel for all of the image's, or one value for all.
    """

    kind: ClassVar[str] = "multiply"
    takes_stages: ClassVar[bool] = True
