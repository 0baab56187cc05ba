"""hls4ml's activations: a pixel in, a pixel out."""

from __future__ import annotations

from typing import Any

from quantunet_hls.ops.cpp.facet import CppFacet, CppLayer, cpp_activations
from quantunet_hls.ops.cpp.loops import pixelwise
from quantunet_hls.ops.cpp.modules import Module

__all__ = ["FACET"]


def _module(layer: Any) -> Module | None:
    module = cpp_activations().get(str(layer.get_attr("activation")).lower())
    return None if module is None else module(layer)


FACET = CppFacet(layers={"Activation": CppLayer(pixelwise, _module), "ParametrizedActivation": CppLayer(pixelwise)})
