"""Which quantizers of a planned network can meet values below 0."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.ops.qonnx.graph import QUANT_OPS, only
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.quantize.plan import Plan
from quantunet_hls.tuning.grids import Grid
from quantunet_hls.tuning.walk import walk

__all__ = ["signed_quantizers"]


@torch.inference_mode()
def signed_quantizers(plan: Plan, image: Tensor, port: Grid) -> dict[str, bool]:
    """Whether values below 0 can come to a quantizer.

    Each node is shown numbers of all sizes, of one sign where only such can reach it; weights may give any.
    """
    random = np.random.default_rng(1)
    signed: dict[str, bool] = {}
    negative: dict[str, bool] = {only(plan.model, "input"): port.signed}
    for visit in walk(plan.model, image):
        node, result = visit.node, visit.inputs[0]
        if node.op_type in QUANT_OPS:
            signed[str(node.name)] = negative[node.output[0]] = negative[node.input[0]]
        else:
            shown = [_of_all_sizes(tensor, random, negative[name]) if name in negative else tensor
                     for name, tensor in zip(node.input, visit.inputs, strict=True)]
            result = visit.compute(shown)
            negative[node.output[0]] = kind_of(node).weighted or bool((result < 0).any())
        visit.keep(result)
    return signed


def _of_all_sizes(tensor: Tensor, random: np.random.Generator, negative: bool) -> Tensor:
    sizes = 2.0 ** random.uniform(-12, 12, tensor.shape)
    signs = random.choice((-1.0, 1.0), tensor.shape) if negative else 1.0
    return torch.from_numpy(sizes * signs).float()
