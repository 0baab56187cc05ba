"""What the facets that read hls4ml's ModelGraph have in common: a typed view of its layers, and the codes of constants.

Types, modes and constants are those that hls4ml's C++ compiler gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from hls4ml.model.types import IntegerPrecisionType

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Shape, Sides
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.types.fixed import FixedType, Integers, cast

__all__ = ["CPP_BACKENDS", "Given", "LayerReader", "Node", "StageReader", "constant_codes"]

#: Fraction bits with which a real constant is written down before it is assigned to its type.
_EXACT_BITS = 61
#: Backends whose C++ decides what a network computes.
CPP_BACKENDS = ("Vitis", "Vivado")


@dataclass(frozen=True, eq=False)
class Given:
    """What a layer reads: the layer that it comes from, and the type that hls4ml declares for it."""

    layer: Layer
    type: FixedType


class Hls4mlType(Protocol):
    """hls4ml's ``NamedType``: a precision that the C++ declares under a name."""

    precision: object


class Hls4mlTensor(Protocol):
    """hls4ml's ``TensorVariable``: what a layer gives, and how the C++ holds it."""

    shape: Sequence[int]
    type: Hls4mlType
    pragma: tuple[str, int]


class Hls4mlWeights(Protocol):
    """hls4ml's ``WeightVariable``, and the format in which it prints each of its numbers."""

    data: np.ndarray
    type: Hls4mlType
    precision_fmt: str


class Hls4mlLayer(Protocol):
    """What is read of hls4ml's ``Layer``."""

    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    weights: Mapping[str, Hls4mlWeights]

    @property
    def class_name(self) -> str:
        """Without the backend's prefix."""

    def get_attr(self, key: str, default: object = None) -> Any:
        """The attribute of that name, of whatever kind."""

    def get_output_variable(self, output_name: str | None = None) -> Hls4mlTensor:
        """The tensor of that name that it gives; the first without a name."""


class Node:
    """A layer of hls4ml's ModelGraph; its attributes by the names that hls4ml gives them."""

    def __init__(self, node: Hls4mlLayer, backend: str):
        self._node = node
        self.name = str(node.name)
        #: hls4ml's class, without the backend's prefix.
        self.kind = str(node.class_name)
        self.inputs: tuple[str, ...] = tuple(node.inputs)
        self.outputs: tuple[str, ...] = tuple(node.outputs)
        #: Whether C++ is made of the network, so that its peculiarities hold.
        self.cpp = backend in CPP_BACKENDS

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._node.get_attr(name, default)
        return int(default if value is None and default is not None else value)

    def real(self, name: str) -> float:
        """A real number."""
        return float(self._node.get_attr(name))

    def text(self, name: str, default: str | None = None) -> str:
        """A word, in lower case."""
        return str(self._node.get_attr(name, default)).lower()

    def integers(self, name: str) -> tuple[int, ...]:
        """Several whole numbers."""
        return tuple(int(value) for value in self._node.get_attr(name))

    def pair(self, role: str, default: int | None = None) -> tuple[int, int]:
        """Rows and columns."""
        return self.integer(f"{role}_height", default), self.integer(f"{role}_width", default)

    @property
    def padding(self) -> Sides:
        """Around the image that it reads."""
        top, bottom, left, right = (self.integer(f"pad_{side}", 0) for side in ("top", "bottom", "left", "right"))
        return top, bottom, left, right

    @property
    def shape(self) -> Shape:
        """Of its result.

        Raises:
            IllegalGraphError: it is no image.
        """
        shape = [int(size) for size in self._node.get_output_variable().shape]
        if len(shape) != 3:
            raise IllegalGraphError(self.name, f"its result has {len(shape)} axes",
                                    "use images (height, width, channels)")
        return Shape(*shape)

    def result(self, tensor: str | None = None) -> FixedType:
        """Type of its result, or of this one of several."""
        variable = self._node.get_output_variable(tensor) if tensor else self._node.get_output_variable()
        return fixed_type(self.name, variable.type.precision)

    def depth(self, tensor: str) -> int:
        """Words that the stream of this result holds, in streaming C++."""
        _, words = self._node.get_output_variable(tensor).pragma
        return int(words)

    def type(self, name: str) -> FixedType:
        """A type of its own, such as ``accum_t``."""
        return fixed_type(self.name, self._node.get_attr(name).precision)

    def has_constants(self, role: str) -> bool:
        """Whether there are constants of this role."""
        return role in self._node.weights

    def constants(self, role: str) -> np.ndarray:
        """Numbers as hls4ml prints them: with as many decimals as the type has fraction bits."""
        variable = self._node.weights[role]
        values = np.asarray(variable.data, np.float64)
        decimals = max(0, self.constant_type(role).fraction)
        steps = np.ldexp(values, decimals)
        # So many decimals write every whole number of steps exactly, and formatting takes a microsecond a number.
        if variable.precision_fmt == f"{{:.{decimals}f}}" and np.array_equal(steps, np.floor(steps)):
            return values
        distinct, places = np.unique(values, return_inverse=True)
        printed = np.array([float(variable.precision_fmt.format(value)) for value in distinct], np.float64)
        return printed[places].reshape(values.shape)

    def constant_type(self, role: str) -> FixedType:
        """Type of the constants of this role."""
        return fixed_type(self.name, self._node.weights[role].type.precision)

    def whole_constants(self, role: str) -> bool:
        """Whether the constants of this role are declared as integers, for which hls4ml has products of its own."""
        return isinstance(self._node.weights[role].type.precision, IntegerPrecisionType)

    @property
    def transposed(self) -> bool:
        """Whether hls4ml has moved the filters of its weights to the front."""
        return bool(self._node.get_attr("_weights_transposed", False))


@dataclass(frozen=True)
class LayerReader:
    """The facet ``model_graph`` of an operator.

    Attributes:
        classes: for each of hls4ml's classes that it reads, from a layer of it and what this reads to ours. Each
            raises IllegalGraphError where no executor could compute the layer as hls4ml's C++ does.
    """

    classes: Mapping[str, Callable[[Node, Sequence[Given]], Layer]]


@dataclass(frozen=True)
class StageReader:
    """The facet ``model_graph`` of a stage.

    Attributes:
        activations: for each of hls4ml's activation functions that it reads, from such a layer and its result's
            type to the stage.
        layers: likewise for each of hls4ml's classes that is nothing but the stage.
    """

    activations: Mapping[str, Callable[[Node, FixedType], Stage]]
    layers: Mapping[str, Callable[[Node, FixedType], Stage]] = field(default_factory=dict)


def constant_codes(node: str, values: np.ndarray, target: FixedType) -> Integers:
    """Real constants assigned to a type: its codes, int64, of the same shape.

    Raises:
        IllegalGraphError: a constant too large or too fine for 61 bits.
    """
    values = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    # As many fraction bits as fit beside the largest value; what a double has below them is below its own precision.
    fraction = _EXACT_BITS - (int(np.frexp(largest)[1]) if largest else 0)
    fraction = min(fraction, target.fraction + _EXACT_BITS - 1)
    fine = np.ldexp(values, fraction)
    if not np.all(np.isfinite(fine)) or np.any(np.abs(fine) >= 2.0**62):
        raise IllegalGraphError(node, f"a constant as large as {largest:g} can't be held in {target}",
                                "scale it down")
    # What lies below the last bit still decides ties: keep one sticky bit for it.
    floor = np.floor(fine)
    codes = floor.astype(np.int64) | (fine != floor)
    return cast(codes, FixedType(63, fraction), target)
