"""Convolutions on tensors: the sums, and the stages behind them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.convolution.sums import compile_sum
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.tensors.kernel import Kernel, LayerTensors, Operand, compile_stages, exact_in

__all__ = ["FACET"]


def _compile(layer: Convolution, given: Sequence[Operand], device: torch.device) -> Kernel:
    total = compile_sum(layer, given[0].codes)
    chain = compile_stages(total.codes, layer.stages)
    work = exact_in(layer, max(total.peak, chain.peak))
    kept = exact_in(layer, chain.result.magnitude)
    compute, rest = total.build(chain, work, device)
    return Kernel(lambda tensors: rest(compute(tensors[0])).to(kept), chain.result)


def _check_cpp(layer: Convolution, sources: Sequence[Layer]) -> None:
    if layer.any_window:
        return
    rows, columns = layer.weights.shape[:2]
    if rows == 1 and columns > 1 and layer.stride[0] > 1:
        raise IllegalGraphError(layer.name, "a kernel of one row is moved by one row in hls4ml, whatever its stride",
                                "use a stride of 1 row")
    if layer.dilation != (1, 1):
        raise IllegalGraphError(layer.name, "hls4ml's own loop does not dilate its kernel", "use dilation 1")
    if layer.strategy not in ("latency", "resource"):
        raise IllegalGraphError(layer.name, f"the strategy {layer.strategy} can't be emulated",
                                "use latency or resource")


FACET = LayerTensors(_compile, _check_cpp)
