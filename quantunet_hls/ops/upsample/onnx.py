"""ONNX's ``Resize`` where it repeats every pixel equally often, and where it becomes an interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.interpolation.onnx import (
    common_parts,
    fractions_are_quantized,
    has_known_places,
    interpolated,
    interpolations,
)
from quantunet_hls.ops.qonnx.execution import LAST_AXES
from quantunet_hls.ops.qonnx.graph import attribute, constant, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.ranges import Range, Typed, same_values
from quantunet_hls.ops.upsample.resize_forms import plain_resize, plain_scales

__all__ = ["FACET", "MAX_UP_SCALE"]

#: Largest factor of an upsampling.
MAX_UP_SCALE = 64


def _enlarges(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    if attribute(node, "mode", "nearest") not in ("nearest", "linear"):
        return illegal(f"{attribute(node, 'mode')} upsampling has no hardware kernel",
                       "use nearest or bilinear upsampling")
    if len(node.input) >= 3 and constant(model, node.input[1]) is None:
        return illegal("its region of interest is computed", "use interpolate(scale_factor=2)")
    before, after = shape_of(model, node.input[0]), shape_of(model, node.output[0])
    scales = plain_scales(model, node)
    # Linear upsampling by any factor leaves no pixel out.
    if scales is None or any(
            scale < 1 or (scale.denominator > 1 and not _is_linear(node)) or a != b * scale
            for a, b, scale in zip(after, before, scales, strict=True)):
        return illegal(f"it brings an image of {list(before)} to {list(after)}, which is no constant whole multiple",
                       "upsample by 2, 3, 4 ...")
    if max(scales) > MAX_UP_SCALE:
        return illegal(f"upsampling by {float(max(scales)):g} repeats a pixel more often than can be built sensibly",
                       f"upsample by {MAX_UP_SCALE} at most")
    return has_known_places(node) if _is_linear(node) else _repeats_pixels(node, scales)


def _is_quantized(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    known = _is_linear(node) and _enlarges(model, node) is None
    return fractions_are_quantized(model, node) if known else None


def _is_linear(node: NodeProto) -> bool:
    return bool(attribute(node, "mode", "nearest") == "linear")


def _repeats_pixels(node: NodeProto, scales: Sequence[Fraction]) -> IllegalGraphError | None:
    for scale in scales:
        if not _picks_each(int(scale), attribute(node, "coordinate_transformation_mode", "half_pixel"),
                           attribute(node, "nearest_mode", "round_prefer_floor")):
            return IllegalGraphError(
                node.name, "its choice of the nearest pixel does not repeat each pixel equally often",
                "use asymmetric coordinates with floor, as PyTorch's interpolate does")
    return None


def _picks_each(scale: int, transformation: str, nearest: str) -> bool:
    """Whether ONNX's formula for a whole-number scale picks pixel x // scale for every x."""
    x = np.arange(8 * scale)
    coordinates = {"asymmetric": x / scale, "half_pixel": (x + 0.5) / scale - 0.5,
                   "pytorch_half_pixel": (x + 0.5) / scale - 0.5}.get(transformation)
    if coordinates is None:
        return scale == 1 and transformation != "tf_crop_and_resize"
    rounded = {"floor": np.floor(coordinates), "ceil": np.ceil(coordinates),
               "round_prefer_floor": np.ceil(coordinates - 0.5), "round_prefer_ceil": np.floor(coordinates + 0.5)}
    return nearest in rounded and bool(np.array_equal(np.clip(rounded[nearest], 0, 7), x // scale))


def _relabel(place: Relabelling) -> None:
    # Scales, or sizes.
    name = place.node.input[-1]
    numbers, layout = place.constants[name], place.layout
    unchanged = place.shape if len(place.node.input) > 3 else (1, 1)
    if any(numbers[layout[axis]] != unchanged[axis] for axis in (0, 1)):
        raise IllegalGraphError(place.node.name, "only height and width can be upsampled", "leave channels at 1")
    place.constants[name] = np.array([numbers[layout[axis]] for axis in LAST_AXES], dtype=numbers.dtype)


def _lowered(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    if not _is_linear(node):
        return [node]
    # What changes no size repeats every pixel once.
    set_attribute(node, "mode", "nearest")
    return interpolations(model, node) or [node]


def _sums(model: ModelWrapper, node: NodeProto) -> tuple[list[NodeProto], int] | None:
    """Those of a linear upsampling; one that repeats pixels has none."""
    divisor = _divisor(model, node)
    return None if divisor & (divisor - 1) == 0 else (interpolations(model, node, divided=False), divisor)


def _divisor(model: ModelWrapper, node: NodeProto) -> int:
    return common_parts(model, node) if _is_linear(node) else 1


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    if _is_linear(node):
        given = inputs[0].shape
        shape = [given[0], *(int(size) for size in inputs[3][1:])] if len(inputs) > 3 else [
            round(size * scale) for size, scale in zip(given, inputs[2], strict=True)]
        return interpolated(inputs[0], shape, attribute(node, "coordinate_transformation_mode", "half_pixel"))
    result = inputs[0]
    for axis, scale in enumerate(inputs[2]):
        result = result.repeat(int(scale), axis)
    return result


def _ranges(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    return same_values(inputs)


FACET = OnnxNodes((
    NodeKind("Resize", _run, _ranges, rules=(_enlarges,), quantized=(_is_quantized,), roles=("roi", "scales"),
             copies=True, new_values=False, blends=_is_linear, plain=plain_resize, summed=_sums, divisor=_divisor,
             lowered=_lowered, relabel=_relabel),
))
