"""QONNX's quantizers, ``Quant`` and ``IntQuant``: a cast where the scale is a power of two, and the zero point 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.general.intquant import int_quant

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, attribute, constant, set_attribute, shape_of
from quantunet_hls.ops.qonnx.node_kinds import NodeKind, OnnxNodes
from quantunet_hls.ops.qonnx.quantizers import is_shift, quant_type, quantizers_of
from quantunet_hls.ops.qonnx.ranges import LayerTypes, Range, Typed, shift_left
from quantunet_hls.ops.qonnx.weights import MAX_BITS
from quantunet_hls.ops.stages.cast.other_quantizers import BIPOLAR, TRUNC, bipolar_parts
from quantunet_hls.types.fixed import shifted_right

__all__ = ["FACET", "MAX_EXPONENT"]

#: Farthest power of two of a scale, up or down: beyond it no sensible image or weight lies.
MAX_EXPONENT = 60


def _has_sane_scale(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    if len(node.input) != 4:
        return illegal(f"a quantizer has 4 inputs, not {len(node.input)}", "export the network with export_qonnx")
    scale, zero, bits = (constant(model, name) for name in node.input[1:])
    if scale is None or zero is None or bits is None:
        return illegal("its scale, zero point and bit width must be constants", "export the network in eval mode")
    if zero.size != 1 or not np.all(np.isfinite(zero)) or zero.flat[0] != np.rint(zero.flat[0]):
        return illegal(f"its zero point {_some(zero)} is not one whole number", "use a symmetric quantizer")
    if bits.size != 1 or bits.flat[0] not in range(1, MAX_BITS + 1):
        return illegal(f"its bit width {bits.tolist()} is not one whole number from 1 to {MAX_BITS}",
                       "round the width before export")
    if not np.all(np.isfinite(scale)) or np.any(scale <= 0):
        return illegal(f"its scale {_some(scale)} is not positive", "calibrate the network before export")
    if np.any(np.abs(np.log2(scale)) > MAX_EXPONENT):
        return illegal(f"its scale {_some(scale)} is beyond 2**{MAX_EXPONENT} or 2**-{MAX_EXPONENT}",
                       "bring the network's values near 1")
    shape = shape_of(model, node.input[0])
    if not scale.size or _broadcast(scale.shape, shape) != shape:
        return illegal(f"its scale of shape {list(scale.shape)} does not fit a tensor of shape {list(shape)}",
                       "use one scale a tensor, or for weights one a filter")
    return None


def _has_known_modes(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    def illegal(rule: str, remedy: str) -> IllegalGraphError:
        return IllegalGraphError(node.name, rule, remedy)

    if _has_sane_scale(model, node) is not None:
        return None
    scale, bits = constant(model, node.input[1]), constant(model, node.input[3])
    assert scale is not None
    assert bits is not None
    rounding = attribute(node, "rounding_mode", "ROUND")
    if rounding not in ("ROUND", "FLOOR"):
        return illegal(f"rounding mode {rounding} is not one of ROUND and FLOOR", "quantize with ROUND or FLOOR")
    signed, narrow = attribute(node, "signed", 1), attribute(node, "narrow", 0)
    if signed not in (0, 1) or narrow not in (0, 1):
        return illegal(f"its signed and narrow, {signed} and {narrow}, are not 0 or 1", "export the network again")
    if narrow and not signed:
        return illegal("it is narrow and unsigned, which no fixed-point type saturates to", "set narrow to 0")
    levels = quantizers_of(model, node)[0]
    if not levels.low <= levels.zero <= levels.high:
        return illegal(f"no level is 0: its zero point {levels.zero} is none of {levels.low} to {levels.high}",
                       "calibrate the network with images that reach 0")
    if narrow and bits.flat[0] < 2:
        return illegal("it is narrow with one bit, which leaves nothing but 0", "use two bits or more")
    if constant(model, node.input[0]) is None or not is_shift(model, node):
        return None
    spread = int(np.log2(scale.max()) - np.log2(scale.min()))
    if int(bits.flat[0]) + spread > MAX_BITS:
        return illegal(f"its scales spread over {spread} octaves, so that one type for them all "
                       f"takes more than {MAX_BITS} bits", "use one scale a tensor")
    return None


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        return None


def _some(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values.flat[:3]) + (", ..." if values.size > 3 else "")


def _plain(_model: ModelWrapper, node: NodeProto) -> None:
    """QONNX knows one rounding under two names, in any case."""
    mode = attribute(node, "rounding_mode")
    if mode is not None:
        set_attribute(node, "rounding_mode", {"HALF_EVEN": "ROUND"}.get(mode.upper(), mode.upper()))


def _stands_for(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """QONNX computes with one signed bit as with a bipolar quantizer: its levels are 1 and -1."""
    bits = constant(model, node.input[3])
    if bits is not None and bits.flat[0] == 1 and attribute(node, "signed", 1):
        return bipolar_parts(model, node)
    return [node]


def _explicit(model: ModelWrapper, node: NodeProto) -> None:
    """All are ``Quant``; on activations scale, zero point and width are scalars."""
    node.op_type, node.domain = "Quant", QUANT_DOMAINS[0]
    if constant(model, node.input[0]) is None:
        # A stream has one scale, however the file spells it; a scalar fits every order of axes.
        for index in (1, 2, 3):
            value = constant(model, node.input[index])
            assert value is not None, "the legality check demands a constant"
            if value.ndim and np.unique(value).size == 1:
                node.input[index] = f"{node.output[0]}_{('scale', 'zero', 'bits')[index - 1]}"
                model.set_initializer(node.input[index], value.reshape(-1)[0].reshape(()))
    for name, default in (("signed", 1), ("narrow", 0), ("rounding_mode", "ROUND")):
        set_attribute(node, name, attribute(node, name, default))


def _run(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    tensor, scale, zero, bits = (np.asarray(value, dtype=np.float64) for value in inputs)
    signed, narrow = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0))
    rounded = int_quant(tensor, scale, zero, bits, signed, narrow, attribute(node, "rounding_mode", "ROUND"))
    return np.asarray(rounded, dtype=np.float64)


def _lowered(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """On a constant it is computed, in double precision, and becomes a constant itself.

    The result is exact: an integer times a power of two (the legality check has
    seen to that), which float32 holds as it is up to 24 bits. Per-channel scales
    need nothing more, where hls4ml would put a multiplication behind the layer.
    """
    values = []
    for name in node.input:
        value = constant(model, name)
        if value is None:
            return [node]
        values.append(value)
    model.set_initializer(node.output[0], _run(node, values).astype(np.float32))
    return []


def _ranges(model: ModelWrapper, node: NodeProto, inputs: Sequence[Range]) -> Typed:
    kind = quant_type(model, node)
    (given,) = inputs
    shift = kind.exponent - given.exponent
    if shift <= 0:
        low, high = shift_left(given.low, -shift), shift_left(given.high, -shift)
    else:
        # Rounding is monotonic, so the ends of the interval go to the ends of its image.
        low, high = (shifted_right(end, shift, kind.rounding) for end in (given.low, given.high))
    return (Range(np.clip(low, kind.lowest, kind.high), np.clip(high, kind.lowest, kind.high), kind.exponent),
            LayerTypes(kind))


_QUANT = NodeKind("Quant", _run, _ranges, rules=(_has_sane_scale, _has_known_modes), domains=QUANT_DOMAINS,
                  roles=("scale", "zero", "bits"), plain=_plain, stands_for=_stands_for, explicit=_explicit,
                  lowered=_lowered, pointwise=True)

#: No graph has the second name behind the explicit attributes.
FACET = OnnxNodes((_QUANT, replace(_QUANT, op_type="IntQuant"), BIPOLAR, TRUNC))
