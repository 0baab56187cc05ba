"""hls4ml's activations: each is a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.model_graph import Given, LayerReader, Node, StageReader
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.table import STAGES, stage_facet
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


@cache
def _readers() -> tuple[StageReader, ...]:
    return tuple(stage_facet(kind, "model_graph", StageReader) for kind in STAGES)


@cache
def _activations() -> Mapping[str, Callable[[Node, FixedType], Stage]]:
    """How each of hls4ml's activation functions is read."""
    return {name: read for reader in _readers() for name, read in reader.activations.items()}


def _read(node: Node, given: Sequence[Given]) -> Pointwise:
    function = node.text("activation")
    if function not in _activations():
        raise IllegalGraphError(node.name, f"there is no emulation and no RTL for the activation {function!r}",
                                "use ReLU, LeakyReLU or sigmoid")
    stage = _activations()[function](node, node.result())
    return Pointwise(node.name, (given[0].layer.name,), node.shape, (stage,))


def _of_stage(read: Callable[[Node, FixedType], Stage], node: Node, given: Sequence[Given]) -> Pointwise:
    return Pointwise(node.name, (given[0].layer.name,), node.shape, (read(node, node.result()),))


FACET = LayerReader({"Activation": _read, "ParametrizedActivation": _read,
                     **{name: partial(_of_stage, read) for reader in _readers()
                        for name, read in reader.layers.items()}})
