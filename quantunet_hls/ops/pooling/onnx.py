"""ONNX's ``MaxPool`` and ``AveragePool`` of two dimensions, without dilation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from torch.nn import functional

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.execution import in_channels_first
from quantunet_hls.ops.qonnx.graph import (
    CHANNELS_LAST,
    QUANT_OPS,
    attribute,
    constant,
    consumers,
    remove_attribute,
    set_attribute,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import STANDARD, NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.quotients import cut_quotient
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed, shift_left, times
from quantunet_hls.ops.qonnx.weights import explicit_window
from quantunet_hls.ops.qonnx.windows import image_size, plain_window

__all__ = ["FACET"]


def _whole_image(model: ModelWrapper, node: NodeProto) -> None:
    """GlobalAveragePool and GlobalMaxPool are poolings with one window, which is the whole image."""
    shape = shape_of(model, node.input[0])
    if len(shape) == 4 and node.domain in STANDARD:
        _become_pooling(node, node.op_type.removeprefix("Global"), shape[2:4])


def _mean_over_image(model: ModelWrapper, node: NodeProto) -> None:
    """A mean over rows and columns that leaves both axes there is such a pooling, wherever these axes lie."""
    shape, axes = shape_of(model, node.input[0]), attribute(node, "axes")
    if len(node.input) > 1:
        given = constant(model, node.input[1])
        axes = None if given is None else given.tolist()
    if len(shape) != 4 or axes is None or not attribute(node, "keepdims", 1):
        return
    first = sorted(axis % 4 for axis in axes)
    if first in ([1, 2], [2, 3]):
        _become_pooling(node, "AveragePool", shape[first[0]: first[0] + 2])
        node.domain = CHANNELS_LAST if first[0] == 1 else node.domain


def _become_pooling(node: NodeProto, op_type: str, window: Sequence[int]) -> None:
    node.op_type = op_type
    del node.attribute[:]
    del node.input[1:]
    for name, value in (("kernel_shape", list(window)), ("strides", list(window)), ("pads", [0] * 4)):
        set_attribute(node, name, value)


def _not_a_mean_of_pixels(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    return IllegalGraphError(node.name, "only whole images can be reduced, to one pixel",
                             "reduce height and width of an image, and keep both axes (keepdims)")


def _plain(model: ModelWrapper, node: NodeProto) -> None:
    plain_window(model, node, attribute(node, "kernel_shape"))


def _plain_largest(model: ModelWrapper, node: NodeProto) -> None:
    """The same; a ceil_mode that adds windows is a padding, for what hangs over the edge is less than every value."""
    _plain(model, node)
    kernel, strides = attribute(node, "kernel_shape"), attribute(node, "strides", [1, 1])
    pads = list(attribute(node, "pads", [0, 0, 0, 0]))
    if not attribute(node, "ceil_mode", 0) or {len(kernel), len(strides)} != {2} or len(pads) != 4 or any(
            step != 1 for step in attribute(node, "dilations", [1, 1])):
        return
    given, made = (image_size(model, node, name) for name in (node.input[0], node.output[0]))
    for axis in (0, 1):
        last = (made[axis] - 1) * strides[axis] - pads[axis]
        # A window that begins behind the image has nothing under it; frameworks leave it out.
        if last >= given[axis]:
            return
        pads[axis + 2] = max(pads[axis + 2], last + kernel[axis] - given[axis])
    set_attribute(node, "pads", pads)
    remove_attribute(node, "ceil_mode")


def _plain_mean(model: ModelWrapper, node: NodeProto) -> None:
    """The same; where all windows have one divisor, they are windows that reach over no edge."""
    _plain(model, node)
    kernel, strides = list(attribute(node, "kernel_shape")), list(attribute(node, "strides", [1, 1]))
    pads, counted = list(attribute(node, "pads", [0, 0, 0, 0])), attribute(node, "count_include_pad", 0)
    if {len(kernel), len(strides)} != {2} or len(pads) != 4 or min(pads) < 0 or attribute(
            node, "auto_pad", "NOTSET") not in ("NOTSET", "") or any(
            step != 1 for step in attribute(node, "dilations", [1, 1])):
        return
    given, made = (image_size(model, node, name) for name in (node.input[0], node.output[0]))
    for axis in (0, 1):
        before, behind = pads[axis], pads[axis + 2]
        begins = [place * strides[axis] - before for place in range(made[axis])]
        first, end = (-before, given[axis] + behind) if counted else (0, given[axis])
        counts = {min(begin + kernel[axis], end) - max(begin, first) for begin in begins}
        if len(counts) > 1 or min(counts) < 1 or (counts != {kernel[axis]} and len(begins) > 1):
            return
        if counts != {kernel[axis]}:
            # A single window, of which a part lies where nothing is counted.
            (kernel[axis],) = counts
            pads[axis], strides[axis] = (before if counted else 0), given[axis] + before + behind
            begins = [-pads[axis]]
        pads[axis + 2] = max(begins[-1] + kernel[axis] - given[axis], 0)
    for name, numbers in (("kernel_shape", kernel), ("strides", strides), ("pads", pads)):
        set_attribute(node, name, numbers)
    remove_attribute(node, "ceil_mode")


def _fits(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    kernel = attribute(node, "kernel_shape")
    if len(kernel) != 2:
        return illegal("only two-dimensional pooling can be built", "use a 2-d pooling layer")
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", ""):
        return illegal("automatic padding can't be built", "give the padding as numbers")
    if any(d != 1 for d in attribute(node, "dilations", [1, 1])):
        return illegal("dilated pooling can't be built", "use a dilation of 1")
    if attribute(node, "ceil_mode", 0):
        return illegal("its ceil_mode lets a window begin behind the image, where there is nothing to take"
                       if node.op_type == "MaxPool" else
                       "its ceil_mode lets windows hang over the image's edge, where a mean has another divisor",
                       "leave ceil_mode out")
    pads = attribute(node, "pads", [0, 0, 0, 0])
    if len(pads) != 4:
        return illegal(f"its padding {pads} has not four numbers", "export the network again")
    top, left, bottom, right = pads
    if min(pads) < 0 or max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
        return illegal(f"a padding of {pads} is negative, or as large as the window {kernel} or larger",
                       "pad by less than the window on each side")
    if len(node.output) > 1:
        return illegal("indices of the largest values can't be built", "drop the second output")
    return None


def _counts_padding(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if any(attribute(node, "pads", [0])) and not attribute(node, "count_include_pad", 0):
        return IllegalGraphError(node.name, "a mean that leaves its padding out has another divisor at the image's "
                                 "edge", "set count_include_pad, or pool without padding")
    return None


def _mean_is_exact(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    readers = consumers(model, node.output[0])
    if len(attribute(node, "kernel_shape")) != 2:
        return None
    if _is_whole(node) or (readers and all(reader.op_type in QUANT_OPS for reader in readers)):
        return None
    return IllegalGraphError(node.name, f"the mean of {np.prod(attribute(node, 'kernel_shape'))} values is no "
                             "fixed-point number", "put a quantizer behind it, or use a window of 2, 4, 8 ... values")


def _is_whole(node: NodeProto) -> bool:
    """Whether the mean of so many fixed-point numbers is one: their number is a power of two."""
    rows, columns = attribute(node, "kernel_shape")
    return (rows * columns) & (rows * columns - 1) == 0


def _finer(node: NodeProto) -> int:
    return int(np.log2(np.prod(attribute(node, "kernel_shape"))))


def _mean_with_padding(node: NodeProto, zeros: Sequence[int]) -> NodeProto | None:
    """The mean then counts them, as it did before; so it must count what it is padded by already."""
    own = attribute(node, "pads", [0, 0, 0, 0])
    if any(own) and not attribute(node, "count_include_pad", 0):
        return None
    padded = NodeProto()
    padded.CopyFrom(node)
    set_attribute(padded, "count_include_pad", 1)
    set_attribute(padded, "pads", [a + b for a, b in zip(own, zeros, strict=True)])
    return padded


def _sum(model: ModelWrapper, node: NodeProto) -> tuple[list[NodeProto], int] | None:
    """The sum under the window, as a convolution of each channel with ones; None where the mean is exact itself."""
    if _is_whole(node):
        return None
    rows, columns = attribute(node, "kernel_shape")
    last = node.domain == CHANNELS_LAST
    channels = shape_of(model, node.input[0])[3 if last else 1]
    ones = f"{node.output[0]}_ones"
    shape = (channels, rows, columns, 1) if last else (channels, 1, rows, columns)
    model.set_initializer(ones, np.ones(shape, dtype=np.float32))
    summing = helper.make_node(
        "Conv", [node.input[0], ones], list(node.output), name=node.name, domain=node.domain, group=channels,
        kernel_shape=[rows, columns], dilations=[1, 1], strides=attribute(node, "strides", [1, 1]),
        pads=attribute(node, "pads", [0, 0, 0, 0]))
    return [summing], rows * columns


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    window, strides = attribute(node, "kernel_shape"), attribute(node, "strides")
    top, left, bottom, right = attribute(node, "pads", [0, 0, 0, 0])
    pool, fill = (functional.max_pool2d, -np.inf) if node.op_type == "MaxPool" else (functional.avg_pool2d, 0.0)
    return in_channels_first(node, inputs[0], lambda image: pool(
        functional.pad(image, (left, right, top, bottom), value=fill), window, strides))


def _largest(_model: ModelWrapper, _node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    return given, LayerTypes(given.type(), accumulator=given.type())


def _mean(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    (given,) = inputs
    if any(attribute(node, "pads")):
        given = given.with_zero()
    count = int(np.prod(attribute(node, "kernel_shape")))
    if not _is_whole(node):
        sums = Range(times(given.low, count), times(given.high, count), given.exponent)
        cut, accumulator = cut_quotient(model, node, sums, count)
        return cut, LayerTypes(cut.type(), accumulator=accumulator)
    finest = given.exponent - (count.bit_length() - 1)
    low, high = (shift_left(end, count.bit_length() - 1) for end in (given.low, given.high))
    # The sum of `count` values in steps of the input is the mean in steps finer by log2(count).
    mean = Range(low, high, finest)
    whole = Range(low, high, given.exponent).with_zero().at(finest)
    return mean, LayerTypes(mean.type(), accumulator=whole.type())


#: Poolings bring values into their accumulator one by one, so each that the input's type can have must fit.
FACET = OnnxNodes((
    *(NodeKind(op_type, _run, plain=_whole_image, rules=(_not_a_mean_of_pixels,))
      for op_type in ("GlobalAveragePool", "GlobalMaxPool")),
    NodeKind("ReduceMean", _run, plain=_mean_over_image, rules=(_not_a_mean_of_pixels,)),
    NodeKind("MaxPool", _run, _largest, rules=(_fits,), spatial=True, any_input=True, new_values=False,
             largest=True, plain=_plain_largest, explicit=explicit_window),
    NodeKind("AveragePool", _run, _mean, rules=(_fits, _counts_padding), quantized=(_mean_is_exact,), spatial=True,
             any_input=True, plain=_plain_mean, explicit=explicit_window, with_padding=_mean_with_padding,
             exact=_is_whole, finer=_finer, summed=_sum,
             divisor=lambda _model, node: int(np.prod(attribute(node, "kernel_shape")))),
))
