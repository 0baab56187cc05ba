"""A sigmoid's table on tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_REACH, Sigmoid
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import StageTensors
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Table:
    """``nnet::sigmoid``: the index is 1/16 of the table a unit, truncated, from its middle on."""

    entries: tuple[int, ...]
    fraction: int

    def __call__(self, x: Tensor) -> Tensor:
        size = len(self.entries)
        index = (x.double() * (size // (2 * SIGMOID_REACH))).mul_(2.0**-self.fraction).trunc_().add_(size // 2)
        index = index.clamp_(0, size - 1).long()
        return torch.tensor(self.entries, dtype=x.dtype, device=x.device)[index]


def _compile(stage: Sigmoid, given: Codes) -> Chain:
    table = _Table(stage.table, given.fraction)
    return Chain((table,), Codes(min(stage.table), max(stage.table), stage.type.fraction), given.magnitude)


def _check_cpp(stage: Sigmoid, given: FixedType, layer: str) -> None:
    """Beyond that the int of ``nnet::sigmoid``'s index overflows."""
    size = len(stage.table)
    if size * 2.0**given.integer >= 2.0**34:
        raise IllegalGraphError(layer, f"a sigmoid table of {size} entries for {given} can't be emulated",
                                "use a smaller table or a narrower input")


FACET = StageTensors(_compile, _check_cpp)
