"""Layers that hls4ml 1.3.0 lacks, each in its operator's room, through hls4ml's extension API.

Layer classes and templates stay registered, under names that hls4ml has no use
for. What everybody else would notice (how its ONNX front end reads a node, what
it copies into projects) holds only while :func:`added` is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hls4ml.backends import get_backend
from hls4ml.converters.onnx_to_hls import layer_handlers
from hls4ml.model.layers import register_layer
from hls4ml.model.optimizer import get_backend_passes

from quantunet_hls.ops.cpp.facet import NodeParser, cpp_facets

__all__ = ["added"]


@contextmanager
def added(backend: str) -> Iterator[None]:
    """hls4ml with these layers, for conversions to the backend of that name and projects written for it."""
    chosen = get_backend(backend)
    known = get_backend_passes(backend)
    layers = [layer for facet in cpp_facets() for layer in facet.added]
    handlers: dict[str, NodeParser | None] = {}
    for layer in layers:
        register_layer(layer.layer.__name__, layer.layer)
        for template in layer.templates:
            if f"{chosen.name.lower()}:{template().get_name()}" not in known:
                chosen.register_template(template)
        for kind, handler in layer.handlers.items():
            handlers[kind] = layer_handlers.get(kind)
            layer_handlers[kind] = handler
    headers = {header for layer in layers for header in layer.headers}
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
