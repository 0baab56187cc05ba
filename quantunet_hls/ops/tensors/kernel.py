"""How a layer or a stage is computed on tensors: the forms of the facet ``tensors``.

Tensors are (images, channels, height, width) with the channels last in memory;
their values are integers in steps of their own (see
:class:`~quantunet_hls.ops.tensors.codes.Codes`). A sum of integers is exact in
float32, in whatever order it is taken, while the absolute values of its terms
add up to less than 2**24, and in float64 below 2**53.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.table import facet, stage_facet
from quantunet_hls.ops.tensors.codes import Chain, Codes
from quantunet_hls.types.fixed import FixedType

__all__ = ["Kernel", "LayerTensors", "Operand", "Run", "StageTensors", "compile_stages", "cpp_has_one_type", "exact_in",
           "layer_tensors", "own", "stage_tensors"]

_EXACT = ((torch.float32, 1 << 24), (torch.float64, 1 << 53))

#: From the sources' tensors to the layer's; it leaves them as they are.
Run = Callable[[Sequence[Tensor]], Tensor]


@dataclass(frozen=True, eq=False)
class Operand:
    """What a layer reads: the layer that it comes from, and what is known of its tensor."""

    layer: Layer
    codes: Codes


@dataclass(frozen=True, eq=False)
class Kernel:
    """A layer's computation, and what is known of the tensor that it gives."""

    run: Run
    codes: Codes


L = TypeVar("L", bound=Layer)
S = TypeVar("S", bound=Stage)


def _agrees(*_: object) -> None:
    """C++ that does what the layer or stage says."""


@dataclass(frozen=True)
class LayerTensors(Generic[L]):
    """The facet ``tensors`` of an operator.

    Attributes:
        compile: decides how the layer is computed from these on that device; raises IllegalGraphError where its
            integers are too wide.
        check_cpp: raises IllegalGraphError where hls4ml's C++ computes otherwise than the layer says; takes the
            layer and its sources.
    """

    compile: Callable[[L, Sequence[Operand], torch.device], Kernel]
    check_cpp: Callable[[L, Sequence[Layer]], None] = _agrees


@dataclass(frozen=True)
class StageTensors(Generic[S]):
    """The facet ``tensors`` of a stage.

    Attributes:
        compile: the operations that take these integers through the stage.
        check_cpp: raises IllegalGraphError where hls4ml's C++ computes otherwise than the stage says; takes the
            stage, the type of what it gets, and the layer's name.
    """

    compile: Callable[[S, Codes], Chain]
    check_cpp: Callable[[S, FixedType, str], None] = _agrees


def layer_tensors(layer: L) -> LayerTensors[L]:
    """How a layer of this kind is computed."""
    found: LayerTensors[L] = facet(layer.kind, "tensors", LayerTensors)
    return found


def stage_tensors(stage: S) -> StageTensors[S]:
    """How a stage of this kind is computed."""
    found: StageTensors[S] = stage_facet(stage.kind, "tensors", StageTensors)
    return found


def compile_stages(given: Codes, stages: Sequence[Stage]) -> Chain:
    """The operations that take a tensor through stages."""
    chain = Chain((), given, given.magnitude)
    for stage in stages:
        chain = chain.then(stage_tensors(stage).compile(stage, chain.result))
    return chain


def exact_in(layer: Layer, peak: int) -> torch.dtype:
    """The narrowest float that holds all integers up to ``peak``.

    Raises:
        IllegalGraphError: there is none; names the layer.
    """
    for dtype, limit in _EXACT:
        if peak < limit:
            return dtype
    raise IllegalGraphError(layer.name, f"its integers take {peak.bit_length()} bits, and 53 can be emulated exactly",
                            "use narrower types")


def own(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor that may be written to."""
    return x.to(dtype, copy=True)


def cpp_has_one_type(layer: Layer, sources: Sequence[Layer]) -> None:
    """The check of layers whose C++ only moves values.

    Raises:
        IllegalGraphError: a result of another type.
    """
    given, result = sources[0].type, layer.type
    if (given.width, given.fraction, given.signed) != (result.width, result.fraction, result.signed):
        raise IllegalGraphError(layer.name, f"hls4ml's C++ has one type for both ends of it, not {given} and {result}",
                                "give its result the type of its input")
