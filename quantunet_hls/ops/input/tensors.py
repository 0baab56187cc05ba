"""Images arrive as codes of the port's type."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from quantunet_hls.ops.input.layer import Input
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand

__all__ = ["FACET"]


def _compile(layer: Input, given: Sequence[Operand], device: torch.device) -> Kernel:
    port = layer.type
    return Kernel(lambda tensors: tensors[0], Codes(port.low, port.high, port.fraction))


FACET = LayerTensors(_compile)
