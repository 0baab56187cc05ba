"""Stages by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.network import Layer

__all__ = ["Pointwise"]


@dataclass(frozen=True, eq=False)
class Pointwise(Layer):
    """Nothing but stages."""

    kind: ClassVar[str] = "pointwise"
    takes_stages: ClassVar[bool] = True
    only_stages: ClassVar[bool] = True

    @property
    def meaning(self) -> Meaning | None:
        """That of its last stage that is no mere quantizer."""
        return next((stage.meaning for stage in reversed(self.stages) if stage.meaning is not None), None)
