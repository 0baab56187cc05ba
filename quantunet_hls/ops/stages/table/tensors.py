"""Tables on tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.ops.tensors.kernel import StageTensors

__all__ = ["FACET"]


@dataclass(frozen=True)
class _Lookup:
    """The entry for each number; ``gain`` makes steps of the table of those that come."""

    entries: tuple[int, ...]
    first: int
    gain: float

    def __call__(self, x: Tensor) -> Tensor:
        index = x.mul_(self.gain).sub_(self.first).long()
        return torch.tensor(self.entries, dtype=x.dtype, device=x.device)[index]


def _compile(stage: Table, given: Codes) -> Chain:
    lookup = _Lookup(stage.entries, stage.first, 2.0 ** (stage.fraction - given.fraction))
    magnitude = max(given.magnitude, 2 * len(stage.entries), *map(abs, stage.entries))
    return Chain((lookup,), Codes(min(stage.entries), max(stage.entries), stage.type.fraction), magnitude)


FACET = StageTensors(_compile)
