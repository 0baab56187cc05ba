"""Layers of hls4ml's whose function takes every value of an image by itself, as those of stages do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from onnx import GraphProto, NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.facet import AddedLayer
from quantunet_hls.ops.cpp.templates import Call, Config
from quantunet_hls.ops.hls4ml_types import fixed_type
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute
from quantunet_hls.types.fixed import FixedType

__all__ = ["ValueConfig", "ValueLayer", "added_layer", "constants_as_attributes", "listed", "types_of"]

#: The loop over pixels and channels that their kernels share.
_LOOP = Path(__file__).with_name("nnet_each_value_stream.h")

_SHAPE = ("in_height", "in_width", "n_chan")


class ValueLayer(Layer):
    """A layer of images that keeps their shape.

    Class attributes:
        numbers: what hls4ml is told of it beside the shape, a number each.
        lists: likewise, several numbers each.
    """

    numbers: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[tuple[str, ...]] = ()
    _expected_attributes: ClassVar[list[Attribute]] = [Attribute(name) for name in _SHAPE]

    def __init_subclass__(cls) -> None:
        cls._expected_attributes = [*(Attribute(name) for name in cls.numbers),
                                    *(Attribute(name, value_type=list) for name in cls.lists)]

    def initialize(self) -> None:
        """Declares the output; hls4ml calls this."""
        self.add_output_variable([self.attributes[name] for name in _SHAPE])


class ValueConfig(Config):
    """With the number of pixels."""

    def params(self, node: Layer) -> dict[str, Any]:
        """What the text may name."""
        found = super().params(node)
        return found | {"pixels": found["in_height"] * found["in_width"]}


def types_of(node: Layer) -> tuple[FixedType, FixedType]:
    """Of the values that come in and of those that go out."""
    given, result = (fixed_type(node.name, variable.type.precision)
                     for variable in (node.get_input_variable(), node.get_output_variable()))
    return given, result


def added_layer(layer: type[ValueLayer], config: type[ValueConfig], text: str, function: str, header: Path,
                op_type: str) -> AddedLayer:
    """Such a layer for hls4ml.

    Args:
        layer: its class.
        config: what its configuration is made by.
        text: of that configuration.
        function: the kernel's name.
        header: where that stands.
        op_type: of the nodes that it is read from.
    """
    return AddedLayer(layer, (partial(config, layer, text), partial(Call, layer, function, [header.name])),
                      (_LOOP, header), {op_type: partial(_parse, layer)})


def _parse(layer: type[ValueLayer], node: NodeProto, input_names: list[str], input_shapes: list[list[int]],
           graph: GraphProto) -> dict[str, Any]:
    _, height, width, channels = input_shapes[0]
    return {"name": node.name, "class_name": layer.__name__, "inputs": input_names, "outputs": list(node.output),
            "data_format": "channels_last", "in_height": height, "in_width": width, "n_chan": channels,
            **{name: attribute(node, name) for name in layer.numbers},
            **{name: list(attribute(node, name, [])) for name in layer.lists}}


def constants_as_attributes(model: ModelWrapper, node: NodeProto, names: Sequence[str]) -> None:
    """The constants behind a node's first input become attributes, which hls4ml does not take for layers."""
    for role, name in zip(names, node.input[1:], strict=True):
        numbers = constant(model, name)
        assert numbers is not None, "who writes the node writes constants"
        if numbers.size:
            # ONNX has no empty list of numbers, so no attribute is one.
            set_attribute(node, role, [int(number) for number in np.ravel(numbers)])
    del node.input[1:]


def listed(numbers: Iterable[int]) -> str:
    """Whole numbers of up to 64 bits as C++ has them."""
    return ", ".join(f"{number}LL" for number in numbers)
