"""What the hardware flow can build exactly, checked before hls4ml sees the graph.

Each rule is a function from a node to an :class:`IllegalGraphError` or nothing.
hls4ml refuses some of these graphs itself, with an error from deep inside; the
others it converts without a word into a design that computes something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import (
    CHANNELS_LAST,
    QUANT_DOMAINS,
    QUANT_OPS,
    attribute,
    constant,
    consumers,
    is_whole_mean,
    linked,
    only,
    shape_of,
)

__all__ = ["MAX_BITS", "MAX_EXPONENT", "MAX_READERS", "MAX_UP_STRIDE", "check_legal", "violations"]

#: Widest quantizer that is admitted: beyond it float32, in which QONNX holds its tensors, is no longer exact.
MAX_BITS = 24
#: Farthest power of two of a scale, up or down: beyond it no sensible image or weight lies.
MAX_EXPONENT = 60
#: Largest stride of a transposed convolution: of its products all but 1 in the strides' product are with zeros.
MAX_UP_STRIDE = 4
#: Largest factor of an upsampling.
MAX_UP_SCALE = 64
#: hls4ml's stream fork has at most seven outputs, and each duplicates the stream.
MAX_READERS = 7

#: Operators that there are for channels last too.
_SPATIAL = ("Conv", "MaxPool", "AveragePool")

_Rule = Callable[[ModelWrapper, NodeProto], "IllegalGraphError | None"]

_EXPORT_HINTS = {
    "QuantizeLinear": "export with brevitas.export.export_qonnx, which writes Quant nodes",
    "DequantizeLinear": "export with brevitas.export.export_qonnx, which writes Quant nodes",
    "BatchNormalization": "fold it into the convolution before export (quantunet_hls.nets.fold_batchnorm, "
                          "brevitas.nn.utils.merge_bn)",
    "Softmax": "export the logits; the largest one is the same class",
    "GreaterOrEqual": "compare with Greater",
    "Upsample": "export with opset 13 or later, which writes Resize",
    "Trunc": "use a ReLU with a quantizer behind average pooling",
    "BipolarQuant": "use weights and activations of two bits or more",
}


def check_legal(model: ModelWrapper) -> None:
    """Check a tidied graph whose Quant nodes on constants are still there.

    Raises:
        IllegalGraphError: for the first node, in graph order, that breaks a rule.
    """
    for error in violations(model):
        raise error


def violations(model: ModelWrapper) -> Iterator[IllegalGraphError]:
    """All rules that the graph breaks, in graph order."""
    model = linked(model)
    reached = {only(model, "input")}
    for node in model.graph.node:
        rules = _RULES.get(node.op_type)
        if rules is None or not _is_of_its_domain(node):
            yield _unsupported(node)
            continue
        every: tuple[_Rule, ...] = (
            partial(_four_axes, reached), *rules, _readers, partial(_reads_images, reached))
        for rule in every:
            error = rule(model, node)
            if error is not None:
                yield error
                break
        if not reached.isdisjoint(node.input):
            reached.update(node.output)
    error = _input_is_quantized(model)
    if error is not None:
        yield error


def _is_of_its_domain(node: NodeProto) -> bool:
    """Whether an operator is what its name says: elsewhere another may have the same."""
    if node.op_type in QUANT_OPS:
        return node.domain in QUANT_DOMAINS
    return node.domain in ("", "ai.onnx") or (node.domain == CHANNELS_LAST and node.op_type in _SPATIAL)


def _four_axes(reached: set[str], model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """Refuse what the image reaches in other forms than an image."""
    shapes = [model.get_tensor_shape(name) for name in node.input if name in reached]
    if any(shape is not None and len(shape) != 4 for shape in shapes):
        return IllegalGraphError(node.name, "only images (four axes) can be computed with", "remove the node")
    return None


def _reads_images(reached: set[str], model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """Refuse images beside what is computed without them, and where constants belong."""
    if reached.isdisjoint(node.input):
        return None
    for index, name in enumerate(node.input):
        if name not in reached and (index == 0 or node.op_type == "Concat") and constant(model, name) is None:
            return IllegalGraphError(node.name, f"its input {name!r} does not depend on the image", "remove it")
        if name in reached and index and node.op_type != "Concat":
            return IllegalGraphError(node.name, f"its input {name!r} depends on the image, where it must be constant",
                                     "export the network in eval mode")
    return None


def _unsupported(node: NodeProto) -> IllegalGraphError:
    if node.op_type in _RULES:
        return IllegalGraphError(node.name, f"operator {node.op_type} of the domain {node.domain!r} is not ONNX's or "
                                 "QONNX's own", f"use that of {'QONNX' if node.op_type in QUANT_OPS else 'ONNX'}")
    remedy = _EXPORT_HINTS.get(node.op_type, f"replace it by one of {', '.join(sorted(_RULES))}")
    return IllegalGraphError(node.name, f"operator {node.op_type} can't be built exactly in hardware", remedy)


def _input_is_quantized(model: ModelWrapper) -> IllegalGraphError | None:
    image = only(model, "input")
    readers = consumers(model, image)
    while len(readers) == 1 and readers[0].op_type == "Transpose":
        readers = consumers(model, readers[0].output[0])
    if len(readers) == 1 and readers[0].op_type in QUANT_OPS:
        if readers[0].output[0] != only(model, "output"):
            return None
        return IllegalGraphError(readers[0].name, "the result is nothing but the quantized image",
                                 "put a layer behind it")
    reader = readers[0].name if readers else "(output)"
    return IllegalGraphError(
        reader, f"the image {image!r} must go through one Quant node before anything else, which types the input port",
        "put a QuantIdentity in front of the network")


def _readers(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    count = len(consumers(model, node.output[0]))
    is_output = node.output[0] == only(model, "output")
    if count == 0 and not is_output:
        return IllegalGraphError(node.name, "nothing reads its result, so its stream would never drain",
                                 "remove the node")
    if count + is_output > MAX_READERS:
        return IllegalGraphError(node.name, f"{count} nodes read its result, and a stream forks {MAX_READERS} ways "
                                 "at most", "split it with another layer")
    return None


def _quantizer(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    if len(node.input) != 4:
        return illegal(f"a quantizer has 4 inputs, not {len(node.input)}", "export the network with export_qonnx")
    scale, zero, bits = (constant(model, name) for name in node.input[1:])
    if scale is None or zero is None or bits is None:
        return illegal("its scale, zero point and bit width must be constants", "export the network in eval mode")
    if np.any(zero != 0):
        return illegal("its zero point is not 0", "use a symmetric quantizer")
    if bits.size != 1 or bits.flat[0] not in range(1, MAX_BITS + 1):
        return illegal(f"its bit width {bits.tolist()} is not one whole number from 1 to {MAX_BITS}",
                       "round the width before export")
    if not np.all(np.isfinite(scale)) or np.any(scale <= 0) or np.any(np.frexp(scale)[0] != 0.5):
        return illegal(f"its scale {_some(scale)} is no power of two, which hls4ml would compute inexactly",
                       "use a FixedPoint quantizer of Brevitas (restrict_scaling_type POWER_OF_TWO)")
    if np.any(np.abs(np.log2(scale)) > MAX_EXPONENT):
        return illegal(f"its scale {_some(scale)} is beyond 2**{MAX_EXPONENT} or 2**-{MAX_EXPONENT}",
                       "bring the network's values near 1")
    shape = shape_of(model, node.input[0])
    if not scale.size or _broadcast(scale.shape, shape) != shape:
        return illegal(f"its scale of shape {list(scale.shape)} does not fit a tensor of shape {list(shape)}",
                       "use one scale a tensor, or for weights one a filter")
    rounding = attribute(node, "rounding_mode", "ROUND")
    if rounding not in ("ROUND", "FLOOR"):
        return illegal(f"rounding mode {rounding} is not one of ROUND and FLOOR", "quantize with ROUND or FLOOR")
    signed, narrow = attribute(node, "signed", 1), attribute(node, "narrow", 0)
    if signed not in (0, 1) or narrow not in (0, 1):
        return illegal(f"its signed and narrow, {signed} and {narrow}, are not 0 or 1", "export the network again")
    if narrow and not signed:
        return illegal("it is narrow and unsigned, which no fixed-point type saturates to", "set narrow to 0")
    if narrow and bits.flat[0] < 2:
        return illegal("it is narrow with one bit, which leaves nothing but 0", "use two bits or more")
    on_constant = constant(model, node.input[0]) is not None
    if not on_constant and np.unique(scale).size != 1:
        return illegal("an activation has several scales, where a stream has one type", "use one scale a tensor")
    if on_constant and (error := _fits_float32(node, scale, int(bits.flat[0]))):
        return error
    return None


def _fits_float32(node: NodeProto, scale: np.ndarray, bits: int) -> IllegalGraphError | None:
    spread = int(np.log2(scale.max()) - np.log2(scale.min()))
    if bits + spread > MAX_BITS:
        return IllegalGraphError(node.name, f"its scales spread over {spread} octaves, so that one type for them all "
                                 f"takes more than {MAX_BITS} bits", "use one scale a tensor")
    return None


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        return None


def _some(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values.flat[:3]) + (", ..." if values.size > 3 else "")


def _weights_quantized(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    roles = ("weights", "biases")
    for role, name in zip(roles, node.input[1:3], strict=False):
        if constant(model, name) is not None:
            if not _is_fixed_point(constant(model, name)):
                return IllegalGraphError(
                    node.name, f"its {role} are not quantized, and hls4ml would cut them to 16 bits",
                    f"give the layer a quantizer for its {role}")
            continue
        producer = model.find_producer(name)
        quantizes = producer is not None and producer.op_type in QUANT_OPS and len(producer.input) > 0
        given = constant(model, producer.input[0]) if quantizes else None
        if given is None:
            return IllegalGraphError(node.name, f"its {role} are computed, not constant", "use constant weights")
        if not np.all(np.isfinite(given)):
            return IllegalGraphError(node.name, f"its {role} hold values that are no finite numbers",
                                     "train the network again from a checkpoint before they appeared")
    return None


def _is_fixed_point(values: np.ndarray | None) -> bool:
    """Whether integers of at most MAX_BITS times a power of two hold these values exactly."""
    assert values is not None
    nonzero = np.abs(values[values != 0].astype(np.float64))
    if not nonzero.size or not np.all(np.isfinite(nonzero)):
        return not nonzero.size
    mantissa, exponent = np.frexp(nonzero)
    digits = (mantissa * 2**53).astype(np.int64)
    trailing = np.log2((digits & -digits).astype(np.float64))
    lowest = (exponent - 53 + trailing).min()
    return bool(exponent.max() - lowest <= MAX_BITS)


def _convolution(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    weights = shape_of(model, node.input[1])
    if len(weights) != 4:
        return illegal("only two-dimensional convolutions can be built", "use Conv2d")
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", ""):
        return illegal("automatic padding can't be built", "give the padding as numbers")
    if any(d != 1 for d in attribute(node, "dilations", [1, 1])):
        return illegal("dilated kernels come out with a wrong size from hls4ml", "use dilation 1")
    kernel = list(weights[1:3] if node.domain == CHANNELS_LAST else weights[2:])
    if min(weights) < 1 or attribute(node, "kernel_shape", kernel) != kernel:
        return illegal(f"its kernel_shape {attribute(node, 'kernel_shape', kernel)} is not that of its weights, "
                       f"{kernel}", "export the network again")
    group = attribute(node, "group", 1)
    data = shape_of(model, node.input[0])
    channels = data[3] if node.domain == CHANNELS_LAST else data[1]
    each = weights[3] if node.domain == CHANNELS_LAST else weights[1]
    if group >= 1 and each * group != channels:
        return illegal(f"its weights of shape {list(weights)} do not fit an input of {channels} channels",
                       "export the network again")
    if len(node.input) > 2 and shape_of(model, node.input[2]) != (weights[0],):
        return illegal(f"its biases do not fit {weights[0]} filters", "export the network again")
    if any(pad < 0 for pad in attribute(node, "pads", [0])):
        return illegal("a negative padding, which crops the image, can't be built", "crop the image before the network")
    if group != 1 and not (group == channels == weights[0]):
        return illegal(f"a convolution of {group} groups from {channels} to {weights[0]} channels can't be built",
                       "use one group, or as many groups as channels in and out (depthwise)")
    return None


def _transposed(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    weights, data = shape_of(model, node.input[1]), shape_of(model, node.input[0])
    if len(weights) != 4 or node.domain == CHANNELS_LAST:
        return illegal("only two-dimensional transposed convolutions, channels first, can be built",
                       "use ConvTranspose2d")
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "") or attribute(node, "output_shape") is not None:
        return illegal("automatic padding can't be built", "give the padding as numbers")
    if attribute(node, "group", 1) != 1:
        return illegal(f"a transposed convolution of {attribute(node, 'group')} groups can't be built",
                       "use one group, or upsampling and a convolution")
    if any(d != 1 for d in attribute(node, "dilations", [1, 1])):
        return illegal("dilated kernels come out with a wrong size from hls4ml", "use dilation 1")
    if weights[0] != data[1]:
        return illegal(f"its weights of shape {list(weights)} do not fit an input of {data[1]} channels",
                       "export the network again")
    if len(node.input) > 2 and shape_of(model, node.input[2]) != (weights[1],):
        return illegal(f"its biases do not fit {weights[1]} filters", "export the network again")
    if min(weights) < 1 or attribute(node, "kernel_shape", list(weights[2:])) != list(weights[2:]):
        return illegal(f"its kernel_shape {attribute(node, 'kernel_shape', [])} is not that of its weights, "
                       f"{list(weights[2:])}", "export the network again")
    strides = attribute(node, "strides", [1, 1])
    if max(strides) > MAX_UP_STRIDE:
        return illegal(f"a stride of {max(strides)} leaves more zeros between two pixels than can be built sensibly",
                       f"use a stride of {MAX_UP_STRIDE} at most, or two layers")
    pads, more = attribute(node, "pads", [0, 0, 0, 0]), attribute(node, "output_padding", [0, 0])
    if any(not 0 <= pad <= size - 1 for pad, size in zip(pads, weights[2:] * 2, strict=True)):
        return illegal(f"a padding of {pads} for a kernel of {list(weights[2:])} crops the image",
                       "use a padding smaller than the kernel")
    if any(not 0 <= extra < stride for extra, stride in zip(more, strides, strict=True)):
        return illegal(f"an output padding of {more} does not fit strides of {strides}", "use one below the stride")
    return None


def _pooling(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    kernel = attribute(node, "kernel_shape")
    if len(kernel) != 2:
        return illegal("only two-dimensional pooling can be built", "use a 2-d pooling layer")
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", ""):
        return illegal("automatic padding can't be built", "give the padding as numbers")
    if attribute(node, "ceil_mode", 0) or any(d != 1 for d in attribute(node, "dilations", [1, 1])):
        return illegal("ceil_mode and dilated pooling can't be built", "use neither")
    pads = attribute(node, "pads", [0, 0, 0, 0])
    if len(pads) != 4:
        return illegal(f"its padding {pads} has not four numbers", "export the network again")
    top, left, bottom, right = pads
    if min(pads) < 0 or top + bottom >= max(kernel[0], 2) or left + right >= max(kernel[1], 2):
        return illegal(f"a padding of {pads} is negative, or as large as the window {kernel} or larger",
                       "pad by less than the window, above and below together")
    if node.op_type == "AveragePool" and any(pads) and not attribute(node, "count_include_pad", 0):
        return illegal("a mean that leaves its padding out has another divisor at the image's edge",
                       "set count_include_pad, or pool without padding")
    if len(node.output) > 1:
        return illegal("indices of the largest values can't be built", "drop the second output")
    return None


def _mean_is_exact(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    readers = consumers(model, node.output[0])
    if is_whole_mean(node) or (readers and all(reader.op_type in QUANT_OPS for reader in readers)):
        return None
    return IllegalGraphError(node.name, f"the mean of {np.prod(attribute(node, 'kernel_shape'))} values is no "
                             "fixed-point number", "put a quantizer behind it, or use a window of 2, 4, 8 ... values")


def _resize(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    if attribute(node, "mode", "nearest") != "nearest":
        return illegal(f"{attribute(node, 'mode')} upsampling has no hardware kernel", "use nearest upsampling")
    scales = constant(model, node.input[2]) if len(node.input) == 3 else None
    if len(node.input) == 3 and constant(model, node.input[1]) is None:
        return illegal("its region of interest is computed", "use interpolate(scale_factor=2)")
    if attribute(node, "axes", [0, 1, 2, 3]) != [0, 1, 2, 3]:
        return illegal(f"its scales are for the axes {attribute(node, 'axes')}", "give one for each axis, in order")
    if scales is None or scales.shape != (4,):
        return illegal("it must have constant scales, and no sizes", "use interpolate(scale_factor=2)")
    before, after = shape_of(model, node.input[0]), shape_of(model, node.output[0])
    if not np.all(np.isfinite(scales)) or any(scale != int(scale) or scale < 1 for scale in scales) or any(
            a != b * scale for a, b, scale in zip(after, before, scales, strict=True)):
        return illegal(f"its scales {scales.tolist()} are not whole numbers", "upsample by 2, 3, 4 ...")
    if scales.max() > MAX_UP_SCALE:
        return illegal(f"upsampling by {scales.max():g} repeats a pixel more often than can be built sensibly",
                       f"upsample by {MAX_UP_SCALE} at most")
    for scale in scales:
        if not _repeats(int(scale), attribute(node, "coordinate_transformation_mode", "half_pixel"),
                        attribute(node, "nearest_mode", "round_prefer_floor")):
            return illegal("its choice of the nearest pixel does not repeat each pixel equally often",
                           "use asymmetric coordinates with floor, as PyTorch's interpolate does")
    return None


def _repeats(scale: int, transformation: str, nearest: str) -> bool:
    """Whether ONNX's formula for a whole-number scale picks pixel x // scale for every x."""
    x = np.arange(8 * scale)
    coordinates = {"asymmetric": x / scale, "half_pixel": (x + 0.5) / scale - 0.5,
                   "pytorch_half_pixel": (x + 0.5) / scale - 0.5}.get(transformation)
    if coordinates is None:
        return scale == 1
    rounded = {"floor": np.floor(coordinates), "ceil": np.ceil(coordinates),
               "round_prefer_floor": np.ceil(coordinates - 0.5), "round_prefer_ceil": np.floor(coordinates + 0.5)}
    return nearest in rounded and bool(np.array_equal(np.clip(rounded[nearest], 0, 7), x // scale))


def _leaky_slope(_model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    slope = float(np.float32(attribute(node, "alpha", 0.01)))
    if not 0 <= slope <= 1 or (slope and np.frexp(slope)[0] != 0.5):
        return IllegalGraphError(node.name, f"a LeakyReLU slope of {slope:g} is no power of two, so it can't be exact",
                                 "use a slope such as 0.125 or 0.25")
    return None


def _at_the_end(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    end = node
    passing = ("Transpose", *QUANT_OPS) if node.op_type == "Sigmoid" else ("Transpose",)
    while len(readers := consumers(model, end.output[0])) == 1 and readers[0].op_type in passing:
        end = readers[0]
    if readers or end.output[0] != only(model, "output"):
        return IllegalGraphError(node.name, f"{node.op_type} can be built only at the network's end",
                                 "use ReLU inside the network")
    return None


def _arg_max(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if attribute(node, "select_last_index", 0):
        return IllegalGraphError(node.name, "the highest of equal classes can't be chosen",
                                 "set select_last_index to 0")
    if shape_of(model, node.input[0])[attribute(node, "axis", 0) % 4] < 2:
        return IllegalGraphError(node.name, "there is but one class, so every pixel has it", "compare it with Greater")
    return None


def _greater(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    limit = constant(model, node.input[1])
    if constant(model, node.input[0]) is not None or limit is None or limit.size != 1 or not np.isfinite(limit).all():
        return IllegalGraphError(node.name, "a comparison must be with one constant",
                                 "compare the logits with a number")
    source = model.find_producer(node.input[0])
    if source is not None and source.op_type == "Sigmoid":
        return IllegalGraphError(node.name, f"a sigmoid is compared with {limit.flat[0]:g}",
                                 "compare it with 0.5, or its logits with the logit of that")
    return None


def _concat(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    shapes = [shape_of(model, name) for name in node.input]
    if any(constant(model, name) is not None for name in node.input):
        return IllegalGraphError(node.name, "a constant can't be concatenated to a stream", "remove it")
    if {len(shape) for shape in shapes} != {4}:
        return IllegalGraphError(node.name, "only images (four axes) can be concatenated", "remove the node")
    axis = attribute(node, "axis") % 4
    if len({shape[:axis] + shape[axis + 1:] for shape in shapes}) != 1 or len(shapes) < 2:
        return IllegalGraphError(node.name, "its inputs differ in more than the channels", "concatenate channels")
    return None


def _image_transpose(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    if len(shape_of(model, node.input[0])) != 4:
        return IllegalGraphError(node.name, "only images (four axes) can be transposed", "remove the node")
    perm = attribute(node, "perm", [3, 2, 1, 0])
    if sorted(perm) != [0, 1, 2, 3]:
        return IllegalGraphError(node.name, f"its perm {perm} is no order of four axes", "export the network again")
    if perm[0] != 0:
        return IllegalGraphError(node.name, "the batch must stay the first axis", "transpose the other three only")
    return None


_RULES: dict[str, tuple[_Rule, ...]] = {
    "Quant": (_quantizer,),
    "IntQuant": (_quantizer,),
    "Conv": (_convolution, _weights_quantized),
    "ConvTranspose": (_transposed, _weights_quantized),
    "Relu": (),
    "LeakyRelu": (_leaky_slope,),
    "MaxPool": (_pooling,),
    "AveragePool": (_pooling, _mean_is_exact),
    "Resize": (_resize,),
    "Concat": (_concat,),
    "Transpose": (_image_transpose,),
    "Sigmoid": (_at_the_end,),
    "ArgMax": (_at_the_end, _arg_max),
    "Greater": (_at_the_end, _greater),
}
