"""The only lists of operators and stages, and the way to their facets.

An operator's room is the package of its name in :mod:`quantunet_hls.ops`, a
stage's the one in :mod:`quantunet_hls.ops.stages`. A room has the same
furniture as every other one: its facets, a module each, and in each module the
value ``FACET`` of the form that this facet has in every room. They are imported
when they are asked for, because torch, Amaranth, ONNX and hls4ml take seconds,
and the last two load this package's plug-in themselves.
"""

from __future__ import annotations

from importlib import import_module
from typing import TypeVar

__all__ = ["FACETS", "OPERATORS", "STAGES", "STAGE_FACETS", "facet", "stage_facet"]

#: Names of the rooms. A layer's ``kind`` is its room's name.
OPERATORS = ("input", "convolution", "pooling", "padding", "upsample", "interpolation", "zero_insertion",
             "depth_to_space", "argmax", "concat", "add", "multiply", "pointwise")

#: What every room has, and what it needs to be imported. "layer" has no FACET: the layer's class is all it has.
FACETS = (
    "layer",  # the layer of the typed network; numpy
    "model_graph",  # how it is read from hls4ml's ModelGraph (quantunet_hls.ops.model_graph); hls4ml
    "tensors",  # how the emulator computes it (quantunet_hls.ops.tensors); torch
    "onnx",  # what ONNX calls it, legality with remedies, layout, ranges (quantunet_hls.ops.qonnx); onnx, qonnx
    "cpp",  # its hls4ml configuration, its kernel where hls4ml has none, stream depths and cost of the C++
            # (quantunet_hls.ops.cpp); onnx, and hls4ml where there is a kernel
    "stream",  # its beats: streaming layer, lanes to choose from, schedule, integer arithmetic; numpy
    "unit",  # its hardware; amaranth
    "cost",  # LUTs, DSP blocks and memory of its hardware
)

#: Names of the stages' rooms. A stage's ``kind`` is its room's name.
STAGES = ("cast", "relu", "leaky_relu", "requantize", "quotient", "sigmoid", "threshold", "table", "clip",
          "multi_threshold")

#: What every stage has.
STAGE_FACETS = (
    "stage",  # its class with its integer arithmetic, which is all that it has; numpy
    "model_graph",  # how it is read from hls4ml's ModelGraph; hls4ml
    "tensors",  # how the emulator computes it; torch
    "onnx",  # what ONNX calls it, as for an operator; onnx, qonnx
    "cpp",  # what hls4ml is told of it, and what its C++ costs, as for an operator
    "unit",  # its hardware; amaranth
    "cost",  # LUTs and memory of its hardware
)

Form = TypeVar("Form")


def facet(kind: str, name: str, form: type[Form]) -> Form:
    """A facet of the operator of this kind, which has that form."""
    assert kind in OPERATORS, kind
    return _facet(f"quantunet_hls.ops.{kind}.{name}", form)


def stage_facet(kind: str, name: str, form: type[Form]) -> Form:
    """A facet of the stage of this kind, which has that form."""
    assert kind in STAGES, kind
    return _facet(f"quantunet_hls.ops.stages.{kind}.{name}", form)


def _facet(module: str, form: type[Form]) -> Form:
    found = import_module(module).FACET
    assert isinstance(found, form), f"{module} has {found!r}, which is no {form.__name__}"
    return found
