"""ONNX's ``DepthToSpace``, in both of its orders, as this package's ``PixelBlocks``, wherever channels lie.

Attributes of ``PixelBlocks``: ``block``, and ``pixelwise`` as of
:class:`~quantunet_hls.ops.depth_to_space.layer.DepthToSpace`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.depth_to_space.layer import places_of_channels
from quantunet_hls.ops.qonnx.execution import FIRST_AXES, LAST_AXES
from quantunet_hls.ops.qonnx.graph import attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes, Relabelling
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed

__all__ = ["FACET", "pixel_blocks"]

_MODES = ("DCR", "CRD")


def _fits(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    shape, block = shape_of(model, node.input[0]), attribute(node, "blocksize", 0)
    if len(shape) != 4 or block < 1 or shape[1] % block**2:
        return IllegalGraphError(node.name, f"an image of the shape {list(shape)} has no blocks of {block} x {block} "
                                 "pixels in its channels", "give it a multiple of as many channels")
    if attribute(node, "mode", "DCR") not in _MODES:
        return IllegalGraphError(node.name, f"its mode {attribute(node, 'mode')} is none of ONNX's",
                                 f"use {' or '.join(_MODES)}")
    return None


def _lowered(_model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    pixelwise = attribute(node, "mode", "DCR") == "DCR"
    return [pixel_blocks(node.name, node.input[0], node.output[0], attribute(node, "blocksize"), pixelwise=pixelwise)]


def pixel_blocks(name: str, source: str, result: str, block: int, *, pixelwise: bool) -> NodeProto:
    """The node between two tensors."""
    return helper.make_node("PixelBlocks", [source], [result], name=name, block=block, pixelwise=int(pixelwise))


def _relabel(place: Relabelling) -> None:
    if place.layout != (0, 1, 2, 3):
        raise IllegalGraphError(place.node.name, "DepthToSpace reads channels first, but its input lies otherwise",
                                "add the missing Transpose or export the network again")


def _run_first(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return _blocks(inputs[0].transpose(LAST_AXES), attribute(node, "blocksize"),
                   pixelwise=attribute(node, "mode", "DCR") == "DCR").transpose(FIRST_AXES)


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    return _blocks(inputs[0], attribute(node, "block"), pixelwise=bool(attribute(node, "pixelwise")))


def _blocks(image: np.ndarray, block: int, *, pixelwise: bool) -> np.ndarray:
    images, height, width, channels = image.shape
    # (images, rows, columns, rows of a block, columns of a block, channels of a pixel)
    parts = image[..., places_of_channels(channels, block, pixelwise=pixelwise)]
    return np.ascontiguousarray(parts.transpose(0, 1, 3, 2, 4, 5)).reshape(images, height * block, width * block, -1)


def _ranges(_model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    """A channel takes the values of all that become its pixels."""
    (given,) = inputs
    places = places_of_channels(len(given.low), attribute(node, "block"), pixelwise=bool(attribute(node, "pixelwise")))
    result = Range(given.low[places].min((0, 1)), given.high[places].max((0, 1)), given.exponent)
    return result, LayerTypes(result.type())


FACET = OnnxNodes((
    NodeKind("DepthToSpace", _run_first, rules=(_fits,), new_values=False, lowered=_lowered),
    NodeKind("PixelBlocks", _run, _ranges, admitted=False, copies=True, new_values=False, relabel=_relabel),
))
