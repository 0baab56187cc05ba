"""Stages by themselves on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.tensors.kernel import (
    Kernel,
    LayerTensors,
    Operand,
    compile_stages,
    exact_in,
    own,
    stage_tensors,
)

__all__ = ["FACET"]


def _compile(layer: Pointwise, given: Sequence[Operand], device: torch.device) -> Kernel:
    chain = compile_stages(given[0].codes, layer.stages)
    work, kept = exact_in(layer, chain.peak), exact_in(layer, chain.result.magnitude)
    if not chain.operations:
        return Kernel(lambda tensors: tensors[0], chain.result)
    return Kernel(lambda tensors: chain(own(tensors[0], work)).to(kept), chain.result)


def _check_cpp(layer: Pointwise, sources: Sequence[Layer]) -> None:
    given = sources[0].type
    for stage in layer.stages:
        stage_tensors(stage).check_cpp(stage, given, layer.name)
        given = stage.type


FACET = LayerTensors(_compile, _check_cpp)
