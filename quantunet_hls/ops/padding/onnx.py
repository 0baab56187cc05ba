"""ONNX's ``Pad``, ``Slice``, ``Split`` and ``SpaceToDepth``, of which ``CropPad`` is left where windows take none in.

Its attribute ``pads`` has a number for each axis at its start, then one for each axis at its end: places that are
added there; less than none cuts as many off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.padding.parts import (
    blocks_are_of_two,
    has_whole_parts,
    space_to_depth_nodes,
    split_nodes,
    thinned,
)
from quantunet_hls.ops.qonnx.channels import channel_axis
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed

__all__ = ["FACET"]


def _input(model: ModelWrapper, node: NodeProto, index: int) -> np.ndarray | None:
    """A constant input; None where there is none."""
    return constant(model, node.input[index]) if len(node.input) > index and node.input[index] else None


def _pads(model: ModelWrapper, node: NodeProto) -> list[int]:
    """Of a legal Pad: places added at each axis's start, then at each axis's end."""
    given, axes = _input(model, node, 1), _input(model, node, 3)
    assert given is not None, "a rule has seen to it"
    if axes is None:
        return [int(count) for count in given]
    pads = [0] * 8
    for place, axis in enumerate(axes):
        pads[int(axis) % 4], pads[int(axis) % 4 + 4] = int(given[place]), int(given[place + len(axes)])
    return pads


def _puts_zeros(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    mode = attribute(node, "mode", "constant")
    if mode != "constant":
        return illegal(f"padding of mode {mode} can't be built", "pad with zeros")
    value = _input(model, node, 2)
    if (value is None and len(node.input) > 2 and node.input[2]) or (value is not None and np.any(value)):
        return illegal("it pads with other values than zeros", "pad with zeros")
    given = _input(model, node, 1)
    axes = _input(model, node, 3) if len(node.input) > 3 else np.arange(4)
    if given is None or axes is None:
        return illegal("its padding is computed", "pad by constant numbers")
    if given.size != 2 * axes.size or not _are_axes(axes):
        return illegal(f"its padding {given.tolist()} has not two numbers for each axis", "export the network again")
    return None


def _are_axes(axes: np.ndarray) -> bool:
    return len({int(axis) % 4 for axis in axes}) == axes.size and not np.any((axes < -4) | (axes >= 4))


def _bounds(model: ModelWrapper, node: NodeProto) -> tuple[list[int], list[int]]:
    """Of a legal Slice: the first place of each axis that it keeps, and the first behind those."""
    starts, ends, axes = (_input(model, node, index) for index in (1, 2, 3))
    assert starts is not None, "a rule has seen to it"
    assert ends is not None, "a rule has seen to it"
    shape = shape_of(model, node.input[0])
    first, behind = [0] * 4, list(shape)
    for start, end, axis in zip(starts, ends, np.arange(starts.size) if axes is None else axes, strict=True):
        size = shape[int(axis) % 4]
        first[int(axis) % 4], behind[int(axis) % 4] = (
            min(max(int(place) + (size if place < 0 else 0), 0), size) for place in (start, end))
    return first, behind


def _keeps_neighbours(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    given = [_input(model, node, index) for index in range(1, len(node.input))]
    if any(found is None and node.input[1 + index] for index, found in enumerate(given)):
        return IllegalGraphError(node.name, "what it cuts out is computed", "slice at constant places")
    axes, steps = _input(model, node, 3), _input(model, node, 4)
    if axes is not None and not _are_axes(axes):
        return IllegalGraphError(node.name, f"its axes {axes.tolist()} are not those of an image",
                                 "export the network again")
    if len({found.size for found in given if found is not None}) > 1:
        return IllegalGraphError(node.name, "it has not one start, end and step for each of its axes",
                                 "export the network again")
    if steps is not None and np.any(steps < 1):
        return IllegalGraphError(node.name, f"it takes places in steps of {steps.tolist()}, which is backwards",
                                 "slice forwards")
    if set(_steps(model, node)) & {0, channel_axis(model, node)}:
        return IllegalGraphError(node.name, "it takes channels that are no neighbours",
                                 "slice those that are side by side, each piece by itself, and concatenate them")
    return None


def _steps(model: ModelWrapper, node: NodeProto) -> dict[int, int]:
    """Of a Slice, by axis, where there are others than 1."""
    axes, steps = _input(model, node, 3), _input(model, node, 4)
    if steps is None:
        return {}
    return {int(axis) % 4: int(step) for axis, step in zip(np.arange(steps.size) if axes is None else axes, steps,
                                                           strict=True) if step != 1}


def _without_steps(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    steps = _steps(model, node)
    if not steps:
        return [node]
    first, behind = _bounds(model, node)
    return thinned(model, node, dict(enumerate(zip(first, behind, strict=True))), steps)


def _kept_channels(model: ModelWrapper, node: NodeProto, axis: int) -> range:
    first, behind = _bounds(model, node)
    return range(first[axis], behind[axis])


def _never_run(node: NodeProto, _inputs: list[np.ndarray]) -> np.ndarray:
    raise AssertionError(f"{node.op_type} is short for other nodes")


def _explicit_pad(model: ModelWrapper, node: NodeProto) -> None:
    """All axes in one constant, and nothing else."""
    name = f"{node.output[0]}_pads"
    model.set_initializer(name, np.array(_pads(model, node), np.int64))
    del node.input[1:]
    node.input.append(name)


def _explicit_slice(model: ModelWrapper, node: NodeProto) -> None:
    """Two constants for all axes."""
    names = [f"{node.output[0]}_{name}" for name in ("starts", "ends")]
    for name, values in zip(names, _bounds(model, node), strict=True):
        model.set_initializer(name, np.array(values, np.int64))
    del node.input[1:]
    node.input.extend(names)


def _lowered(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    if node.op_type == "Pad":
        pads = _pads(model, node)
    else:
        first, behind = _bounds(model, node)
        pads = [-place for place in first] + [
            place - size for place, size in zip(behind, shape_of(model, node.input[0]), strict=True)]
    return [helper.make_node("CropPad", [node.input[0]], list(node.output), name=node.name, pads=pads)]


def _relabel(place: Relabelling) -> None:
    pads = attribute(place.given, "pads")
    batch, channels, height, width = place.layout
    if pads[batch] or pads[batch + 4]:
        raise IllegalGraphError(place.node.name, "it pads or cuts the batch", "leave the batch as it is")
    axes = (batch, height, width, channels)
    set_attribute(place.node, "pads", [pads[axis] for axis in axes] + [pads[axis + 4] for axis in axes])


def _run_pad(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return _framed(inputs[0], [int(count) for count in inputs[1]])


def _run_slice(_node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    image, starts, ends = inputs
    return image[(slice(None), *(slice(start, end) for start, end in zip(starts[1:], ends[1:], strict=True)))]


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return _framed(inputs[0], attribute(node, "pads"))


def _framed(image: np.ndarray, pads: Sequence[int]) -> np.ndarray:
    ends = list(zip(pads[:4], pads[4:], strict=True))
    image = image[tuple(slice(max(-before, 0), size - max(-behind, 0))
                        for (before, behind), size in zip(ends, image.shape, strict=True))]
    return np.pad(image, [(max(before, 0), max(behind, 0)) for before, behind in ends])


def _ranges(_model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    pads = attribute(node, "pads")
    front, back = pads[3], pads[7]
    low, high = (np.pad(end[max(-front, 0): len(end) - max(-back, 0)], (max(front, 0), max(back, 0)))
                 for end in (given.low, given.high))
    result = Range(low, high, given.exponent)
    if max(pads) > 0:
        result = result.with_zero()
    return result, LayerTypes(result.type())


FACET = OnnxNodes((
    NodeKind("Pad", _run_pad, rules=(_puts_zeros,), roles=("pads",), new_values=False, zeros=True,
             explicit=_explicit_pad, lowered=_lowered),
    NodeKind("Slice", _run_slice, rules=(_keeps_neighbours,), roles=("starts", "ends"), new_values=False,
             stands_for=_without_steps, picks=_kept_channels, explicit=_explicit_slice,
             lowered=_lowered),
    NodeKind("Split", _never_run, rules=(has_whole_parts,), new_values=False, stands_for=split_nodes),
    NodeKind("SpaceToDepth", _never_run, rules=(blocks_are_of_two,), new_values=False,
             stands_for=space_to_depth_nodes),
    NodeKind("CropPad", _run, _ranges, admitted=False, copies=True, new_values=False, relabel=_relabel),
))
