"""Channels of several sources side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.network import Layer

__all__ = ["Concat"]


@dataclass(frozen=True, eq=False)
class Concat(Layer):
    """The channels of all sources, in order; the stages hold for each source."""

    kind: ClassVar[str] = "concat"
