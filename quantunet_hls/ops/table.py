"""The only list of operators. An operator's room is the package of its name in :mod:`quantunet_hls.ops`.

A room has the same furniture as every other one: its facets, a module each.
They are imported when they are asked for, because torch, Amaranth, ONNX and
hls4ml take seconds, and the last two load this package's plug-in themselves.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

__all__ = ["FACETS", "OPERATORS", "facet"]

#: Names of the rooms. A layer's ``kind`` is its room's name.
OPERATORS = ("input", "convolution", "pooling", "padding", "upsample", "zero_insertion", "argmax", "concat",
             "pointwise")

#: What every room has, and what it needs to be imported.
FACETS = (
    "layer",  # the layer of the typed network; numpy
    "model_graph",  # how it is read from hls4ml's ModelGraph; hls4ml
    "tensors",  # how the emulator computes it; torch
    "onnx",  # what ONNX calls it, legality with remedies, layout, ranges; onnx, qonnx
    "cpp",  # its hls4ml configuration, its kernel where hls4ml has none, stream depths and cost of the C++
    "stream",  # its beats: streaming layer, lanes to choose from, schedule, integer arithmetic; numpy
    "unit",  # its hardware; amaranth
    "cost",  # LUTs, DSP blocks and memory of its hardware
)


def facet(kind: str, name: str) -> ModuleType:
    """A facet of the operator of this kind."""
    assert kind in OPERATORS, kind
    assert name in FACETS, name
    return import_module(f"quantunet_hls.ops.{kind}.{name}")
