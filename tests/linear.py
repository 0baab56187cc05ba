"""Small QDQ networks: QuantizeLinear and DequantizeLinear as exporters of all kinds write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto

from tests.builders import Net

__all__ = ["Qdq"]


class Qdq(Net):
    """A graph under construction whose quantizers are ONNX's own."""

    def __init__(self, shape: Sequence[int] = (1, 2, 4, 6), *, opset: int = 13, seed: int = 0):
        super().__init__(shape, seed=seed)
        self.opset = opset

    def quantize(self, source: str, scale: Any, zero: Any = 0, dtype: Any = np.uint8, *, name: str | None = None,
                 **attributes: Any) -> str:
        """Codes of a tensor; a zero point of None is none."""
        return self.add("QuantizeLinear", self._inputs(source, scale, zero, dtype), self._shape(source), name=name,
                        **attributes)

    def dequantize(self, codes: str, scale: Any, zero: Any = 0, dtype: Any = np.uint8, *, name: str | None = None,
                   output: str | None = None, **attributes: Any) -> str:
        """Values of codes."""
        return self.add("DequantizeLinear", self._inputs(codes, scale, zero, dtype), self._shape(codes), name=name,
                        output=output, **attributes)

    def clip(self, codes: str, low: int | None, high: int | None, dtype: Any = np.uint8) -> str:
        """Codes within limits."""
        limits = ["" if end is None else self.constant(f"limit{len(self.nodes)}_{role}", end, dtype)
                  for role, end in (("low", low), ("high", high))]
        while not limits[-1]:
            limits.pop()
        return self.add("Clip", [codes, *limits], self._shape(codes))

    def qdq(self, source: str, scale: Any, zero: Any = 0, dtype: Any = np.uint8,
            limits: tuple[int | None, int | None] | None = None, **attributes: Any) -> str:
        """Values of a tensor's codes, with limits between the two where there are some."""
        codes = self.quantize(source, scale, zero, dtype, **attributes)
        if limits is not None:
            codes = self.clip(codes, *limits, dtype)
        return self.dequantize(codes, scale, zero, dtype, **attributes)

    def integers(self, shape: Sequence[int], low: int, high: int, dtype: Any = np.int8) -> str:
        """Constant codes."""
        return self.constant(f"codes{len(self.nodes)}", self.random.integers(low, high + 1, shape), dtype)

    def linear_conv(self, source: str, filters: int, scale: Any = 0.125, zero: Any = 0, dtype: Any = np.int8, *,
                    kernel: int = 3, kind: str = "Conv", bias: Any = None, reach: tuple[int, int] = (-8, 7),
                    axis: int | None = None) -> str:
        """A convolution of codes, with a bias of int32 codes of that scale, which must be absent or given."""
        _, channels, height, width = self.shapes[source]
        shape = (filters, channels, kernel, kernel) if kind == "Conv" else (channels, filters, kernel, kernel)
        settings = {} if axis is None else {"axis": axis}
        inputs = [source, self.dequantize(self.integers(shape, *reach, dtype), scale, zero, dtype, **settings)]
        if bias is not None:
            codes = self.integers((filters,), -200, 200, np.int32)
            settings = {"axis": 0} if np.size(bias) > 1 else {}
            inputs.append(self.dequantize(codes, bias, 0, np.int32, **settings))
        pad = kernel // 2 if kind == "Conv" else 0
        step = 1 if kind == "Conv" else kernel
        return self.add(kind, inputs, (1, filters, height * step, width * step), kernel_shape=[kernel] * 2,
                        pads=[pad] * 4, strides=[step] * 2)

    def proto(self, *outputs: str) -> ModelProto:
        model = super().proto(*(outputs or [self.nodes[-1].output[0]]))
        model.opset_import[0].version = self.opset
        model.ir_version = 10
        return model

    def _type_of(self, tensor: str) -> int:
        (op_type,) = [node.op_type for node in self.nodes if tensor in node.output]
        return TensorProto.UINT8 if op_type == "QuantizeLinear" else super()._type_of(tensor)

    def _shape(self, tensor: str) -> tuple[int, ...]:
        return self.shapes[tensor] if tensor in self.shapes else np.shape(self.initializers[tensor])

    def _inputs(self, tensor: str, scale: Any, zero: Any, dtype: Any) -> list[str]:
        prefix = f"l{len(self.nodes)}"
        inputs = [tensor, self.constant(f"{prefix}_scale", scale)]
        return inputs if zero is None else [*inputs, self.constant(f"{prefix}_zero", zero, dtype)]
