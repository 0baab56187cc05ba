"""Layers drawn at random: quantizers of every form, weights, biases, and what stands between sums and a quantizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.builders import QUANT_DOMAIN
from tests.exact_onnx import exact_result
from tests.linear import Qdq

__all__ = ["RandomNet"]

Pair = tuple[int, int]


class RandomNet(Qdq):
    """A graph under construction whose every scale, offset, width and slope is drawn at random.

    Attributes:
        values: what each tensor is for one image, in double precision; scales and limits are drawn so that they are
            used.
        quantized: images that later layers may read again.
        turn: which of several things takes turns in such networks.
        powers: whether all scales are powers of two, and nothing else is drawn that hardware does not hold itself.
    """

    def __init__(self, shape: Sequence[int], *, opset: int = 13, seed: int = 0):
        super().__init__(shape, opset=opset, seed=seed)
        self.values = {"x": np.random.default_rng(seed).uniform(-1, 3, shape)}
        self.quantized: list[str] = []
        self.turn, self.powers = 0, False

    def add(self, op_type: str, inputs: Sequence[str], shape: Sequence[int], **options: Any) -> str:
        output = super().add(op_type, inputs, shape, **options)
        given = {name: self.values.get(name, self.initializers.get(name)) for name in inputs if name}
        self.values[output] = exact_result(self.nodes[-1], self.opset, given)
        assert self.values[output].shape == tuple(shape), op_type
        return output

    def reach(self, source: str) -> float:
        """How far from 0 the values of a tensor lie."""
        return float(np.abs(self.values[source]).max()) or 1.0

    def one_of(self, options: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
        """One of several things, as it is."""
        chances = None if weights is None else np.array(weights) / sum(weights)
        return options[int(self.random.choice(len(options), p=chances))]

    def chance(self, part: float) -> bool:
        return bool(self.random.random() < part)

    # Quantizers of images.

    def levels(self, source: str, bits: int | None = None, *, zero: int | None = None, form: str | None = None) -> str:
        """A quantizer of a random scale, of all forms and rounding modes, with and without sign and zero point."""
        bits = self.one_of(range(1, 9), [1, 2, 4, 4, 4, 4, 4, 4]) if bits is None else bits
        least, most = (float(end) for end in np.quantile(self.values[source], [0.02, 0.98]))
        signed = self.chance(0.2 if least >= 0 else 0.8)
        form = form or self.one_of(["Quant", "IntQuant", "QDQ"], [6, 1, 2])
        if bits == 1 and signed:
            return self.bipolar(source, self.scale_about(self.reach(source) / 2)) if self.chance(0.5) else self.quant(
                source, 1, signed=1, scale=self.scale_about(self.reach(source) / 2))
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        # In a third of them the levels lie where the values do.
        fitted = zero is None and not self.powers and (self.chance(0.3) or (not signed and least < 0))
        about = (most - least) / (high - low) if fitted else max(abs(least), abs(most)) / max(high, -low)
        scale = self.scale_about(about or 1.0)
        zero = (zero or 0) if not fitted else min(max(low + round(-least / scale), low), high)
        if form == "QDQ":
            return self.qdq(source, scale, zero, np.int8 if signed else np.uint8, None if bits == 8 else (low, high))
        result = self.quant(source, bits, signed=int(signed), scale=scale,
                            rounding=self.one_of(["ROUND", "HALF_EVEN", "FLOOR"], [6, 2, 2]), zero=zero)
        self.nodes[-1].op_type = form
        return result

    def bipolar(self, source: str, scale: Any) -> str:
        """Plus or minus the scale."""
        return self.add("BipolarQuant", [source, self.constant(f"q{len(self.nodes)}_scale", scale)],
                        self._shape(source), domain=QUANT_DOMAIN)

    def with_bits(self, source: str, low: int, high: int) -> str:
        """A quantizer of that many bits at least and at most, of no zero point."""
        return self.levels(source, int(self.random.integers(low, high + 1)), zero=0)

    # Weighted sums.

    def kernel(self, shape: Sequence[int], axis: int = 0) -> str:
        """Weights, from one bit to eight, with a scale a tensor or a filter, and in the end a zero point."""
        random, filters = self.random, shape[axis]
        bits = int(random.integers(1, 9))
        reach = 2 ** (bits - 1)
        scales = np.array([self.scale_about(1 / reach) for _ in range(filters if random.integers(2) else 1)])
        spread = [1] * len(shape)
        spread[axis] = scales.size
        if bits > 1 and self.chance(0.2):
            zero = 0 if scales.size > 1 else int(random.integers(-2, 3))
            codes = self.integers(shape, -reach, reach - 1)
            settings = {"axis": axis} if scales.size > 1 else {}
            scale, zero = (scales, np.full(filters, zero)) if scales.size > 1 else (scales[0], zero)
            return self.dequantize(codes, scale, zero, np.int8, **settings)
        raw = self.constant(f"raw{len(self.nodes)}", random.uniform(-1, 1, shape))
        scale = scales.reshape(spread) if scales.size > 1 else scales[0]
        if bits == 1 and random.integers(2):
            return self.bipolar(raw, scale)
        return self.quant(raw, bits, signed=1, narrow=int(bits > 1 and random.integers(2)), scale=scale)

    def _biases(self, filters: int) -> list[str]:
        """A bias as a float, quantized, or as codes; or none."""
        kind, values = int(self.random.integers(4)), self.random.uniform(-0.5, 0.5, filters)
        kind = 2 if self.powers else kind
        if kind == 0:
            return []
        if kind == 1:
            return [self.constant(f"bias{len(self.nodes)}", values)]
        if kind == 2:
            raw = self.constant(f"bias{len(self.nodes)}", values)
            return [self.quant(raw, 12, signed=1, scale=self.scale_about(0.001))]
        return [self.dequantize(self.integers((filters,), -500, 500, np.int32), self.scale_about(0.001), 0, np.int32)]

    def sums(self, source: str, filters: int, kernel: int | Pair = 3, *, group: int = 1, stride: Pair = (1, 1),
             dilation: Pair = (1, 1), pads: Sequence[int] | None = None) -> str:
        """A convolution, padded (top, left, bottom, right) so that the image keeps its size where nothing is said."""
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        channels, *size = self.shapes[source][1:]
        weights = self.kernel((filters, channels // group, rows, columns))
        beyond = [dilation[0] * (rows - 1), dilation[1] * (columns - 1)]
        if pads is None:
            pads = [*(each // 2 for each in beyond), *(each - each // 2 for each in beyond)]
        size = [(side + pads[axis] + pads[axis + 2] - beyond[axis] - 1) // stride[axis] + 1
                for axis, side in enumerate(size)]
        return self.add("Conv", [source, weights, *self._biases(filters)], (1, filters, *size), group=group,
                        kernel_shape=[rows, columns], pads=list(pads), strides=list(stride), dilations=list(dilation))

    def transposed_sums(self, source: str, filters: int, kernel: Pair, stride: Pair, pads: Sequence[int],
                        more: Pair) -> str:
        """A transposed convolution."""
        channels, *size = self.shapes[source][1:]
        size = [(side - 1) * stride[axis] + kernel[axis] - pads[axis] - pads[axis + 2] + more[axis]
                for axis, side in enumerate(size)]
        weights = self.kernel((channels, filters, *kernel), 1)
        return self.add("ConvTranspose", [source, weights, *self._biases(filters)], (1, filters, *size),
                        kernel_shape=list(kernel), strides=list(stride), pads=list(pads), output_padding=list(more))

    # What may stand between sums and a quantizer.

    def normalized(self, source: str) -> str:
        """Batch normalization with factors of either sign."""
        channels, random = self.shapes[source][1], self.random
        values = [random.uniform(-1.5, 1.5, channels), random.uniform(-0.5, 0.5, channels),
                  random.uniform(-0.5, 0.5, channels), random.uniform(0.1, 1, channels)]
        inputs = [self.constant(f"bn{len(self.nodes)}_{index}", value) for index, value in enumerate(values)]
        return self.add("BatchNormalization", [source, *inputs], self.shapes[source], epsilon=1e-5)

    def activated(self, source: str) -> str:
        """ReLU, LeakyReLU or PReLU of any slope, limits, or none."""
        random, channels = self.random, self.shapes[source][1]
        kind = self.one_of(["relu", "leaky", "prelu", "clip", "none"])
        if self.powers and kind in ("leaky", "prelu"):
            return self.leaky(source)
        if kind == "relu":
            return self.relu(source)
        if kind == "leaky":
            return self.leaky(source, self.one_of([0.01, 0.1, 0.25, 0.2, 13 / 128]))
        if kind == "prelu":
            slopes = self.constant(f"slope{len(self.nodes)}", random.uniform(-0.3, 1.3, (channels, 1, 1)))
            return self.add("PRelu", [source, slopes], self.shapes[source])
        return self.clipped(source) if kind == "clip" else source

    def clipped(self, source: str) -> str:
        """ReLU6 and its like: two limits, or one."""
        reach = self.reach(source)
        low = self.one_of([0.0, None, float(np.float32(-reach * self.random.random()))])
        high = self.one_of([6.0, float(np.float32(reach * self.random.random())), 1.0])
        ends = ["" if end is None else self.constant(f"limit{len(self.nodes)}_{role}", end)
                for role, end in (("low", low), ("high", high))]
        return self.add("Clip", [source, *ends], self.shapes[source])

    def scaled(self, source: str) -> str:
        """Times a constant, plus another one, for each channel or for all."""
        random, channels = self.random, self.shapes[source][1]
        shape = (channels, 1, 1) if random.integers(2) else ()
        value = self.constant(f"number{len(self.nodes)}", random.uniform(0.3, 2, shape))
        return self.add(self.one_of(["Mul", "Div", "Add", "Sub"]), [source, value], self.shapes[source])

    def behind(self, source: str) -> str:
        """What may follow sums: normalization, activation, constants, in any order."""
        for step in self.random.permutation([self.normalized, self.activated, self.scaled]):
            if self.powers and step != self.activated:
                continue
            if self.chance(0.25 if step == self.scaled else 0.5):
                source = step(source)
        return source

    def block(self, source: str, filters: int, kernel: int | Pair = 3, **options: Any) -> str:
        """A layer and what may stand behind it up to its quantizer."""
        return self.levels(self.behind(self.sums(source, filters, kernel, **options)))

    def scale_about(self, about: float) -> float:
        """A float32 number, now and then a power of two."""
        if self.random.integers(4) == 0 or self.powers:
            return float(2.0 ** np.round(np.log2(about)))
        return float(np.float32(about * self.random.uniform(0.6, 1.6)))
