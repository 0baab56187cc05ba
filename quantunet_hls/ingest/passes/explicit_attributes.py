"""Attributes that ONNX lets a file leave out, written down as hls4ml wants them."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, copy_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["explicit_attributes"]


def explicit_attributes(model: ModelWrapper) -> ModelWrapper:
    """Every node of a legal graph states what its kind has no default for behind this, in one form."""
    model = copy_of(model)
    for node in model.graph.node:
        explicit = kind_of(node).explicit
        if explicit is not None:
            explicit(model, node)
    if not any(entry.domain == QUANT_DOMAINS[0] for entry in model.model.opset_import):
        model.model.opset_import.add(domain=QUANT_DOMAINS[0], version=1)
    return model
