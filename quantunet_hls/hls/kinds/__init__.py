"""Layers that hls4ml 1.3.0 lacks, each in a file of its own, through hls4ml's extension API.

Layer classes and templates stay registered, under names that hls4ml has no use
for. What everybody else would notice (how its ONNX front end reads a node, what
it copies into projects) holds only while :func:`added` is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hls4ml.backends import get_backend
from hls4ml.converters.onnx_to_hls import layer_handlers
from hls4ml.model.layers import register_layer
from hls4ml.model.optimizer import get_backend_passes
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.hls.kinds import class_index, window_pooling, zero_insertion

__all__ = ["added", "without_constants"]

_MODULES: tuple[Any, ...] = (class_index, window_pooling, zero_insertion)


@contextmanager
def added(backend: str) -> Iterator[None]:
    """hls4ml with these layers, for conversions to the backend of that name and projects written for it."""
    chosen = get_backend(backend)
    known = get_backend_passes(backend)
    handlers: dict[str, Callable[..., Any] | None] = {}
    headers: list[Path] = []
    for module in _MODULES:
        register_layer(module.LAYER.__name__, module.LAYER)
        for template in module.TEMPLATES:
            if f"{chosen.name.lower()}:{template().get_name()}" not in known:
                chosen.register_template(template)
        headers.append(module.HEADER)
        for kind, handler in module.HANDLERS.items():
            handlers[kind] = layer_handlers.get(kind)
            layer_handlers[kind] = handler
    for header in headers:
        chosen.register_source(header)
    try:
        yield
    finally:
        for header in headers:
            del chosen.custom_source[f"nnet_utils/{header.name}"]
        for kind, theirs in handlers.items():
            if theirs is None:
                del layer_handlers[kind]
            else:
                layer_handlers[kind] = theirs


def without_constants(model: ModelWrapper) -> ModelWrapper:
    """A copy for hls4ml's eyes only: limits and tables, which it would take for layers, are attributes or gone."""
    return class_index.with_limits(model)
