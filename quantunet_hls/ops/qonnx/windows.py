"""Windows that slide over an image, whichever way a file describes them."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, remove_attribute, set_attribute, shape_of

__all__ = ["AUTOMATIC", "image_size", "plain_window"]

#: Values of ``auto_pad`` that say no padding in numbers.
AUTOMATIC = ("VALID", "SAME_UPPER", "SAME_LOWER")


def image_size(model: ModelWrapper, node: NodeProto, tensor: str) -> tuple[int, ...]:
    """Height and width of a tensor that a node reads or writes; of other tensors than images what lies there."""
    shape = shape_of(model, tensor)
    return shape[1:3] if node.domain == CHANNELS_LAST else shape[2:]


def plain_window(model: ModelWrapper, node: NodeProto, kernel: Sequence[int]) -> None:
    """Automatic padding as numbers; no dilation where there is one tap, and no ceil_mode that changes no size.

    The padding is ONNX's: to as many pixels as strides fit into the image, half of it on each side, and the odd one
    behind it for SAME_UPPER, before it for SAME_LOWER. What does not give the size that was inferred stays.
    """
    given, made = image_size(model, node, node.input[0]), image_size(model, node, node.output[0])
    strides, dilations = list(attribute(node, "strides", [1, 1])), list(attribute(node, "dilations", [1, 1]))
    pads = list(attribute(node, "pads", [0, 0, 0, 0]))
    if {len(given), len(made), len(kernel), len(strides), len(dilations)} != {2} or len(pads) != 4:
        return
    dilations = [1 if taps == 1 else each for taps, each in zip(kernel, dilations, strict=True)]
    reach = [(taps - 1) * each + 1 for taps, each in zip(kernel, dilations, strict=True)]
    automatic = attribute(node, "auto_pad", "NOTSET")
    if automatic in AUTOMATIC:
        stated, pads = pads, _automatic(automatic, given, reach, strides)
        if any(stated) and stated != pads:
            return
    floored = [(size + pads[axis] + pads[axis + 2] - reach[axis]) // strides[axis] + 1
               for axis, size in enumerate(given)]
    if floored != list(made):
        return
    if attribute(node, "dilations") is not None:
        set_attribute(node, "dilations", dilations)
    if automatic in AUTOMATIC:
        remove_attribute(node, "auto_pad")
        set_attribute(node, "pads", pads)
    remove_attribute(node, "ceil_mode")


def _automatic(mode: str, image: Sequence[int], reach: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Pixels above and left of the image, and below and right of it."""
    if mode == "VALID":
        return [0, 0, 0, 0]
    missing = [max((-(-size // stride) - 1) * stride + taps - size, 0)
               for size, taps, stride in zip(image, reach, strides, strict=True)]
    less, more = [each // 2 for each in missing], [each - each // 2 for each in missing]
    return [*more, *less] if mode == "SAME_LOWER" else [*less, *more]
