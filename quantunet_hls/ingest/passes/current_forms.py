"""Files of older opsets, in the forms that nodes have since opset 13, and batch normalization since 14.

Only what was said otherwise before is touched: settings that were attributes and are inputs now, scales that stood
where the region of interest stands, an operator that was renamed, a default that has changed. onnx's own converter
gives opset 10's Resize another choice of pixels where a scale is 3 or more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ops.qonnx.graph import attribute, copy_of, remove_attribute, set_attribute

__all__ = ["OLDEST", "current_forms"]

#: Before it, broadcasting was an attribute and batch normalization had other inputs.
OLDEST = 7
_CURRENT = 13
_STANDARD = ("", "ai.onnx")


class _Constants:
    """New constants of a model, under names that nothing has."""

    def __init__(self, model: ModelWrapper):
        self._model = model
        self._taken = {name for node in model.graph.node for name in (*node.input, *node.output)}
        self._taken |= {entry.name for entry in (*model.graph.initializer, *model.graph.input)}

    def add(self, node: NodeProto, role: str, value: np.ndarray) -> str:
        name, count = f"{node.output[0]}_{role}", 0
        while name in self._taken:
            count += 1
            name = f"{node.output[0]}_{role}{count}"
        self._taken.add(name)
        self._model.set_initializer(name, value)
        return name


def current_forms(model: ModelWrapper) -> ModelWrapper:
    """The graph with today's nodes in the place of older ones; one that has none is given back as it is.

    Raises:
        ConfigurationError: the file is too old.
        IllegalGraphError: a node does what its operator can't do any more.
    """
    given = max(entry.version for entry in model.model.opset_import if entry.domain in _STANDARD)
    if given < OLDEST:
        raise ConfigurationError(f"The network is of ONNX opset {given}; export it with {OLDEST} or later, such as "
                                 f"{_CURRENT}.")
    if given >= max(until for until, _ in _CHANGES.values()):
        return model
    model = copy_of(model)
    constants = _Constants(model)
    for node in model.graph.node:
        until, change = _CHANGES.get(node.op_type, (0, None))
        if change is not None and given < until and node.domain in _STANDARD:
            change(node, constants)
    for entry in model.model.opset_import:
        if entry.domain in _STANDARD:
            entry.version = max(entry.version, _CURRENT)
    return model


def _upsample(node: NodeProto, constants: _Constants) -> None:
    scales = attribute(node, "scales")
    if scales is not None:
        node.input.append(constants.add(node, "scales", np.array(scales, dtype=np.float32)))
        remove_attribute(node, "scales")
    node.op_type = "Resize"
    _resize(node, constants)


def _resize(node: NodeProto, _constants: _Constants) -> None:
    """A pixel's place was divided by the scale and, for the nearest one, rounded down."""
    node.input.insert(1, "")
    set_attribute(node, "coordinate_transformation_mode", "asymmetric")
    set_attribute(node, "nearest_mode", "floor")


def _inputs_from(**roles: type) -> Callable[[NodeProto, _Constants], None]:
    """Attributes of these names become inputs, in this order; an absent one in front of others an absent input."""

    def change(node: NodeProto, constants: _Constants) -> None:
        values = {role: attribute(node, role) for role in roles}
        while values and list(values.values())[-1] is None:
            values.popitem()
        for role, value in values.items():
            node.input.append("" if value is None else constants.add(node, role, np.array(value, dtype=roles[role])))
            remove_attribute(node, role)
    return change


def _without_ratio(node: NodeProto, _constants: _Constants) -> None:
    remove_attribute(node, "ratio")


def _axis_from_the_front(node: NodeProto, _constants: _Constants) -> None:
    set_attribute(node, "axis", attribute(node, "axis", 1))


def _training_said(node: NodeProto, _constants: _Constants) -> None:
    """It computed statistics of what it was given where it had outputs for them, and does so today where told to."""
    if not attribute(node, "spatial", 1):
        raise IllegalGraphError(node.name or node.output[0], "it normalizes every pixel by numbers of its own",
                                "use nn.BatchNorm2d")
    remove_attribute(node, "spatial")
    if len(node.output) > 1:
        set_attribute(node, "training_mode", 1)


#: By op type: the opset from which on nodes have today's form, and what gives it to older ones.
_CHANGES: Mapping[str, tuple[int, Callable[[NodeProto, _Constants], None]]] = {
    "Upsample": (10, _upsample),
    "Resize": (11, _resize),
    "Slice": (10, _inputs_from(starts=np.int64, ends=np.int64, axes=np.int64)),
    "Pad": (11, _inputs_from(pads=np.int64, value=np.float32)),
    "Clip": (11, _inputs_from(min=np.float32, max=np.float32)),
    "Dropout": (12, _without_ratio),
    "Squeeze": (13, _inputs_from(axes=np.int64)),
    "Unsqueeze": (13, _inputs_from(axes=np.int64)),
    "ReduceSum": (13, _inputs_from(axes=np.int64)),
    "Split": (13, _inputs_from(split=np.int64)),
    "Softmax": (13, _axis_from_the_front),
    "LogSoftmax": (13, _axis_from_the_front),
    "Hardmax": (13, _axis_from_the_front),
    "BatchNormalization": (14, _training_said),
}
