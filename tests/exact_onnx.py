"""What a file computes, in double precision, by ONNX's own reference implementation and qonnx's of the quantizers.

It knows nothing of the package: no pass, no proof, no form of a node. Sums of fixed-point numbers are exact in it.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnx.reference.ops.op_dequantize_linear import DequantizeLinear_21
from onnx.reference.ops.op_quantize_linear import QuantizeLinear_21
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


def exact_outputs(model: ModelProto, images: np.ndarray) -> list[np.ndarray]:
    """Each output of a file for images (count, ...) in the file's own order of axes; the first axis counts them."""
    evaluator = ReferenceEvaluator(_in_doubles(model), new_ops=[
        Quant, IntQuant, BipolarQuant, Trunc, QuantizeLinear, DequantizeLinear, *_OF_ONNXRUNTIME, HardSigmoid])
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
