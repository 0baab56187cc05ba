"""ONNX's ``Resize`` of mode ``linear`` as this package's ``Interpolation``: a node for the rows, one for the columns.

Attributes of ``Interpolation``: ``axis`` of the image as it lies, ``size`` that it has behind, ``start``, ``step`` and
``parts`` of :class:`~quantunet_hls.ops.interpolation.layer.Places`, and ``divisor``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.interpolation.layer import Places
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, consumers, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.quotients import cut_quotient
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed, times

__all__ = ["FACET", "common_parts", "fractions_are_quantized", "has_known_places", "interpolated", "interpolations",
           "places_of_mode"]

#: Where the pixels of ONNX's coordinate_transformation_mode lie: half a pixel, or none, into the first one.
_HALF = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric")
_MODES = (*_HALF, "asymmetric", "align_corners")


def has_known_places(node: NodeProto) -> IllegalGraphError | None:
    """The rule for a linear Resize whose scales are known to be those of its shapes, and 1 at least."""
    mode = attribute(node, "coordinate_transformation_mode", "half_pixel")
    if mode not in _MODES:
        return IllegalGraphError(node.name, f"linear upsampling with the coordinates {mode} can't be built",
                                 f"use one of {', '.join(_MODES)}")
    if attribute(node, "exclude_outside", 0):
        return IllegalGraphError(node.name, "its weights leave out what lies outside of the image",
                                 "set exclude_outside to 0")
    return None


def fractions_are_quantized(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """The rule for one with known places: fractions of whole numbers have a quantizer right behind."""
    readers = consumers(model, node.output[0])
    divisor = common_parts(model, node)
    if divisor & (divisor - 1) and not (readers and all(reader.op_type in QUANT_OPS for reader in readers)):
        return IllegalGraphError(
            node.name, f"values between its pixels are fractions of {divisor}, and no fixed-point numbers",
            "put a quantizer right behind it, or upsample by 2, 4, 8 ... without align_corners")
    return None


def _axes(model: ModelWrapper, node: NodeProto) -> dict[int, Places]:
    """The axes that change, and where pixels lie along them."""
    mode = attribute(node, "coordinate_transformation_mode", "half_pixel")
    before, after = shape_of(model, node.input[0]), shape_of(model, node.output[0])
    return {axis: places_of_mode(mode, pixels, size)
            for axis, (pixels, size) in enumerate(zip(before, after, strict=True)) if pixels != size}


def places_of_mode(mode: str, pixels: int, size: int) -> Places:
    """ONNX's formula for the coordinate of a pixel, with the scale ``size / pixels``, over one denominator."""
    if mode in _HALF:
        start, step, parts = pixels - size, 2 * pixels, 2 * size  # (x + 1/2) / scale - 1/2
    elif mode == "asymmetric":
        start, step, parts = 0, pixels, size  # x / scale
    else:
        start, step, parts = 0, pixels - 1, size - 1  # from the first pixel to the last
    common = gcd(start, step, parts)
    return Places(pixels, size, start // common, step // common, parts // common)


def common_parts(model: ModelWrapper, node: NodeProto) -> int:
    """What makes the values of a linear Resize of whole numbers whole: the parts along both axes."""
    return prod(places.parts for places in _axes(model, node).values())


def interpolations(model: ModelWrapper, node: NodeProto, *, divided: bool = True) -> list[NodeProto]:
    """A legal linear Resize axis by axis, in order: rows first, for they take a line of the narrower image to hold.

    Where the numbers of parts are no powers of two, the first leaves its sums undivided, and the last divides by all;
    or neither does where they are not to be ``divided``.
    """
    axes = _axes(model, node)
    nodes, source, divisor = [], node.input[0], 1
    shape = list(shape_of(model, source))
    for index, (axis, places) in enumerate(axes.items()):
        last = index == len(axes) - 1
        result = node.output[0] if last else f"{node.output[0]}_rows"
        divisor *= places.parts
        whole = divisor & (divisor - 1) == 0
        nodes.append(helper.make_node(
            "Interpolation", [source], [result], name=node.name if last else f"{node.name}_rows", axis=axis,
            size=places.size, start=places.start, step=places.step, parts=places.parts,
            divisor=divisor if divided and (whole or last) else 1))
        divisor = 1 if whole else divisor
        shape[axis] = places.size
        if not last:
            model.set_tensor_shape(result, shape, TensorProto.FLOAT)
        source = result
    return nodes


def interpolated(image: np.ndarray, shape: Sequence[int], mode: str) -> np.ndarray:
    """An image in another shape: sums of whole parts, which are exact, divided at the end."""
    divisor = 1
    for axis, (pixels, size) in enumerate(zip(image.shape, shape, strict=True)):
        if axis and pixels != size:
            places = places_of_mode(mode, pixels, size)
            image, divisor = _weighted(image, axis, places), divisor * places.parts
    return image / divisor


def _weighted(image: np.ndarray, axis: int, places: Places) -> np.ndarray:
    """Sums of parts of the pixels before and behind."""
    before, behind, weight = places.between()
    parts = np.expand_dims(weight, tuple(range(1, image.ndim - axis)))
    result: np.ndarray = (places.parts - parts) * image.take(before, axis) + parts * image.take(behind, axis)
    return result


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    axis = attribute(node, "axis")
    return _weighted(inputs[0], axis, _places_of(node, inputs[0].shape[axis])) / float(attribute(node, "divisor"))


def _places_of(node: NodeProto, pixels: int) -> Places:
    return Places(pixels, *(attribute(node, name) for name in ("size", "start", "step", "parts")))


def _is_whole(node: NodeProto) -> bool:
    """Whether its values are fixed-point numbers: the divisor is a power of two."""
    divisor: int = attribute(node, "divisor")
    return divisor & (divisor - 1) == 0


def _finer(node: NodeProto) -> int:
    return int(attribute(node, "divisor")).bit_length() - 1


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """A sum of parts lies where its pixels lie, times the number of parts."""
    (given,) = inputs
    low, high = (times(end, attribute(node, "parts")) for end in (given.low, given.high))
    if _is_whole(node):
        result = Range(low, high, given.exponent - _finer(node))
        return result, LayerTypes(result.type(), accumulator=result.type())
    mean, accumulator = cut_quotient(model, node, Range(low, high, given.exponent), attribute(node, "divisor"))
    return mean, LayerTypes(mean.type(), accumulator=accumulator)


def _relabel(place: Relabelling) -> None:
    axis = place.layout.index(attribute(place.node, "axis"))
    if axis < 2:
        raise IllegalGraphError(place.node.name, "only height and width can be upsampled", "leave channels at 1")
    set_attribute(place.node, "axis", axis - 1)


FACET = OnnxNodes((
    NodeKind("Interpolation", _run, _ranges, admitted=False, finer=_finer, relabel=_relabel,
             exact=_is_whole),
))
