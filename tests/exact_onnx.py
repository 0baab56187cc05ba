"""What a file computes, in double precision, by ONNX's own reference implementation and qonnx's of the quantizers.

It knows nothing of the package: no pass, no proof, no form of a node. Sums of fixed-point numbers are exact in it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnx.reference.ops.op_dequantize_linear import DequantizeLinear_21
from onnx.reference.ops.op_max_pool import MaxPool as ReferenceMaxPool
from onnx.reference.ops.op_quantize_linear import QuantizeLinear_21
from onnx.reference.ops.op_resize import Resize as ReferenceResize
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

__all__ = ["exact_outputs"]

_QONNX = "qonnx.custom_op.general"


class Quant(OpRun):
    op_domain: ClassVar[str] = _QONNX

    def _run(self, x: Any, scale: Any, zero: Any, bits: Any, signed: int = 1, narrow: int = 0,
             rounding_mode: str = "ROUND") -> Any:
        return (np.asarray(int_quant(x, scale, zero, bits, bool(signed), bool(narrow), rounding_mode), np.float64),)


class IntQuant(Quant):
    pass


class BipolarQuant(OpRun):
    op_domain: ClassVar[str] = _QONNX

    def _run(self, x: Any, scale: Any) -> Any:
        return (np.asarray(binary_quant(x, scale), np.float64),)


class Trunc(OpRun):
    """QONNX's, whose first version has one input fewer, and keeps the scale of what comes."""

    op_domain: ClassVar[str] = _QONNX

    def _run(self, x: Any, scale: Any, zero: Any, bits: Any, *out: Any, rounding_mode: str = "FLOOR", signed: int = 1,
             narrow: int = 0) -> Any:
        if len(out) == 1:
            return (np.asarray(trunc_v1(x, scale, zero, bits, *out, rounding_mode), np.float64),)
        return (np.asarray(trunc_v2(x, scale, zero, bits, bool(narrow), bool(signed), *out, rounding_mode),
                           np.float64),)


class QuantizeLinear(QuantizeLinear_21):
    """The reference has none for the opsets before 19, where it was the same."""

    op_domain: ClassVar[str] = ""

    def _run(self, *inputs: Any, precision: int | None = None, **settings: Any) -> Any:
        return super()._run(*inputs, **settings)


class DequantizeLinear(DequantizeLinear_21):
    op_domain: ClassVar[str] = ""

    def _run(self, *inputs: Any, output_dtype: int | None = None, **settings: Any) -> Any:
        return super()._run(*inputs, **settings)


#: onnxruntime's own, for codes of 16 bits in opsets whose own are of 8, mean the same.
_OF_ONNXRUNTIME = [type(kind.__name__, (kind,), {"op_domain": "com.microsoft"})
                   for kind in (QuantizeLinear, DequantizeLinear)]


class HardSigmoid(OpRun):
    """ONNX's, with the slope that the single-precision number next to 1/6 is written for."""

    op_domain: ClassVar[str] = ""

    def _run(self, x: Any, alpha: float = 0.2, beta: float = 0.5) -> Any:
        sixth = np.float32(alpha) == np.float32(1 / 6)
        line = (x + 6 * beta) / 6 if sixth else x * float(np.float32(alpha)) + beta
        return (np.clip(line, 0, 1),)


class MaxPool(ReferenceMaxPool):
    """The reference mixes up rows and columns where their padding differs."""

    op_domain: ClassVar[str] = ""

    def _run(self, x: Any, kernel_shape: Any = None, strides: Any = None, pads: Any = None, ceil_mode: int = 0,
             **settings: Any) -> Any:
        if settings.get("auto_pad") not in (None, "NOTSET", "") or set(settings.get("dilations") or (1,)) != {1}:
            return super()._run(x, kernel_shape=kernel_shape, strides=strides, pads=pads, ceil_mode=ceil_mode,
                                **settings)
        strides, pads = strides or (1, 1), pads or (0, 0, 0, 0)
        for axis in (0, 1):
            x = _largest_along(x, axis + 2, kernel_shape[axis], strides[axis], (pads[axis], pads[axis + 2]), ceil_mode)
        return (x,)


def _largest_along(x: np.ndarray, axis: int, window: int, stride: int, pads: Sequence[int], ceil: int) -> np.ndarray:
    """The largest under each window along one axis; windows that begin behind the image and its front are left out."""
    size, over = x.shape[axis], x.shape[axis] + sum(pads) - window
    starts = [start - pads[0] for start in range(0, over + (stride if ceil else 1), stride)
              if start <= over or start < size + pads[0]]
    return np.stack([x.take(range(max(start, 0), min(start + window, size)), axis).max(axis) for start in starts], axis)


class Resize(ReferenceResize):
    """ONNX's along one axis after the other; the reference, which computes pixel by pixel, takes a second for one."""

    op_domain: ClassVar[str] = ""

    def _run(self, x: Any, *inputs: Any, mode: str = "nearest", nearest_mode: str = "round_prefer_floor",
             coordinate_transformation_mode: str = "half_pixel", **settings: Any) -> Any:
        # Where there are sizes, there may be no scales.
        sizes = inputs[2] if len(inputs) > 2 else None
        if mode not in ("nearest", "linear") or settings.get("axes") or settings.get("exclude_outside"):
            return super()._run(x, *inputs, mode=mode, nearest_mode=nearest_mode,
                                coordinate_transformation_mode=coordinate_transformation_mode, **settings)
        for axis in range(x.ndim):
            before = x.shape[axis]
            scale = inputs[1][axis] if sizes is None else sizes[axis] / before
            after = int(np.floor(before * scale)) if sizes is None else int(sizes[axis])
            if after != before or scale != 1:
                places = _places(coordinate_transformation_mode, np.arange(after), before, after, scale)
                x = _between(x, axis, places) if mode == "linear" else x.take(
                    np.clip(_ROUNDINGS[nearest_mode](places), 0, before - 1).astype(int), axis)
        return (x,)


def _places(mode: str, pixels: np.ndarray, before: int, after: int, scale: float) -> np.ndarray:
    """Where pixels of the result lie in the image that comes, by ONNX's table of formulas."""
    if mode == "align_corners":
        return pixels * (before - 1) / max(after - 1, 1)
    if mode == "asymmetric":
        return pixels / scale
    if mode not in ("half_pixel", "pytorch_half_pixel"):
        raise NotImplementedError(mode)
    return (pixels + 0.5) / scale - 0.5 if after > 1 or mode == "half_pixel" else np.zeros(after)


def _between(x: np.ndarray, axis: int, places: np.ndarray) -> np.ndarray:
    """Linear between neighbours, of which those beyond the image are its first and last."""
    lower, last = np.floor(places), x.shape[axis] - 1
    part = (places - lower).reshape([-1 if each == axis else 1 for each in range(x.ndim)])
    below, above = (x.take(np.clip(lower + each, 0, last).astype(int), axis) for each in (0, 1))
    return below * (1 - part) + above * part


_ROUNDINGS = {"floor": np.floor, "ceil": np.ceil, "round_prefer_floor": lambda places: np.ceil(places - 0.5),
              "round_prefer_ceil": lambda places: np.floor(places + 0.5)}

_NEW_OPS = [Quant, IntQuant, BipolarQuant, Trunc, QuantizeLinear, DequantizeLinear, *_OF_ONNXRUNTIME, HardSigmoid,
            MaxPool, Resize]


def exact_result(node: NodeProto, opset: int, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """What a node of a file of that opset makes of its inputs, by their names."""
    graph = helper.make_graph([node], "node", [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None)
                                               for name in inputs],
                              [helper.make_tensor_value_info(node.output[0], TensorProto.DOUBLE, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(_QONNX, 1)])
    feeds = {name: value.astype(np.float64) if value.dtype == np.float32 else value for name, value in inputs.items()}
    # Its Sigmoid computes both branches of its formula everywhere.
    with np.errstate(over="ignore", invalid="ignore"):
        (result,) = ReferenceEvaluator(_in_doubles(model), new_ops=_NEW_OPS).run(None, feeds)
    return np.asarray(result)


def exact_outputs(model: ModelProto, images: np.ndarray) -> list[np.ndarray]:
    """Each output of a file for images (count, ...) in the file's own order of axes; the first axis counts them."""
    evaluator = ReferenceEvaluator(_in_doubles(model), new_ops=_NEW_OPS)
    name = model.graph.input[0].name
    each = [evaluator.run(None, {name: image[None].astype(np.float32).astype(np.float64)}) for image in images]
    return [np.concatenate(values) for values in zip(*each, strict=True)]


def _in_doubles(model: ModelProto) -> ModelProto:
    """The same file with constants in double precision, and without what ONNX's reference gets wrong or has not."""
    model = copy.deepcopy(model)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    (opset,) = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    for node in model.graph.node:
        if opset == 10 and node.op_type == "Resize":
            _as_of_opset_11(node)
        if node.op_type == "BatchNormalization":
            # The reference mixes statistics of the image in, as in training, by what this leaves of 1.
            for entry in [entry for entry in node.attribute if entry.name == "momentum"]:
                node.attribute.remove(entry)
            node.attribute.append(helper.make_attribute("momentum", 1.0))
        for entry in node.attribute:
            if (entry.name, entry.s) == ("auto_pad", b"VALID"):
                # The reference pads as for SAME_UPPER.
                entry.s = b"NOTSET"
            if (node.op_type, entry.name, entry.i) == ("Cast", "to", TensorProto.FLOAT):
                entry.i = TensorProto.DOUBLE
            if (node.op_type, entry.name) == ("Constant", "value") and entry.t.data_type == TensorProto.FLOAT:
                entry.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(entry.t).astype(np.float64)))
    return model


def _as_of_opset_11(node: NodeProto) -> None:
    """Opset 10's Resize: scales are input 1, a pixel's place is divided by the scale and rounded down."""
    node.input[:] = [node.input[0], "", node.input[1]]
    for name, value in (("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")):
        node.attribute.append(helper.make_attribute(name, value))
