"""Random networks with scales of any kind: zero points, batch normalization, slopes, float biases, joins."""

from __future__ import annotations

import numpy as np

from tests.builders import Net


class ScaledNet(Net):
    """A graph under construction whose every scale, offset and slope is drawn at random."""

    def levels(self, source: str, bits: int | None = None, *, zero: int | None = None) -> str:
        """A quantizer of a random scale, of all rounding modes, with and without sign and zero point."""
        random = self.random
        bits = int(random.integers(2, 9)) if bits is None else bits
        signed = int(random.integers(2))
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        result = self.quant(source, bits, signed=signed, scale=self._scale(2 / (high - low)),
                            rounding=str(random.choice(["ROUND", "FLOOR"], p=[0.8, 0.2])))
        asymmetric = random.integers(3) == 0
        zero = (int(random.integers(low, high + 1)) if asymmetric else 0) if zero is None else zero
        self.constant(self.nodes[-1].input[2], zero)
        return result

    def sums(self, source: str, filters: int, kernel: int = 3, *, group: int = 1, stride: int = 1) -> str:
        """A convolution with weights of a scale a tensor or a filter, and a bias, quantized or not, or none."""
        random, channels = self.random, self.logical(source)[1]
        shape = (filters, channels // group, kernel, kernel)
        raw = self.constant(f"raw{len(self.nodes)}", random.uniform(-1, 1, shape))
        bits = int(random.integers(2, 9))
        reach = 2 ** (bits - 1)
        scale = np.array([self._scale(1 / reach) for _ in range(filters)]).reshape(filters, 1, 1, 1)
        weights = self.quant(raw, bits, signed=1, narrow=1, scale=scale if random.integers(2) else scale.flat[0])
        bias = [None, random.uniform(-0.5, 0.5, filters)][int(random.integers(2))]
        inputs = [source, weights]
        if bias is not None:
            constant = self.constant(f"bias{len(self.nodes)}", bias)
            inputs.append(self.quant(constant, 12, signed=1, scale=self._scale(0.001)) if random.integers(2)
                          else constant)
        pad = kernel // 2
        size = [(side + 2 * pad - kernel) // stride + 1 for side in self.logical(source)[2:]]
        return self.add("Conv", inputs, (1, filters, *size), kernel_shape=[kernel, kernel], pads=[pad] * 4,
                        strides=[stride, stride], dilations=[1, 1], group=group)

    def normalized(self, source: str) -> str:
        """Batch normalization with factors of either sign."""
        channels, random = self.logical(source)[1], self.random
        values = [random.uniform(-1.5, 1.5, channels), random.uniform(-0.5, 0.5, channels),
                  random.uniform(-0.5, 0.5, channels), random.uniform(0.1, 1, channels)]
        inputs = [self.constant(f"bn{len(self.nodes)}_{index}", value) for index, value in enumerate(values)]
        return self.add("BatchNormalization", [source, *inputs], self.shapes[source], epsilon=1e-5)

    def activated(self, source: str) -> str:
        """ReLU, LeakyReLU or PReLU of any slope, or none."""
        random, channels = self.random, self.logical(source)[1]
        kind = int(random.integers(4))
        if kind == 0:
            return self.relu(source)
        if kind == 1:
            return self.leaky(source, float(random.choice([0.01, 0.1, 0.25, 0.2])))
        if kind == 2:
            slopes = self.constant(f"slope{len(self.nodes)}", random.uniform(-0.3, 1.3, (channels, 1, 1)))
            return self.add("PRelu", [source, slopes], self.shapes[source])
        return source

    def scaled(self, source: str) -> str:
        """Times a constant, plus another one, for each channel or for all."""
        random, channels = self.random, self.logical(source)[1]
        shape = (channels, 1, 1) if random.integers(2) else ()
        op = str(random.choice(["Mul", "Div", "Add", "Sub"]))
        value = self.constant(f"number{len(self.nodes)}", random.uniform(0.3, 2, shape))
        return self.add(op, [source, value], self.shapes[source])

    def block(self, source: str, filters: int, **options: int) -> str:
        """A layer and what may stand behind it up to its quantizer."""
        value = self.sums(source, filters, **options)
        if self.random.integers(2):
            value = self.normalized(value)
        value = self.activated(value)
        if self.random.integers(4) == 0:
            value = self.scaled(value)
        return self.levels(value)

    def _scale(self, about: float) -> float:
        """A float32 number, now and then a power of two."""
        if self.random.integers(5) == 0:
            return float(2.0 ** np.round(np.log2(about)))
        return float(np.float32(about * self.random.uniform(0.6, 1.6)))


def residual_scaled_net(seed: int) -> ScaledNet:
    """Two residual blocks whose branches have scales of their own, the second with a pooling of what falls behind."""
    net = ScaledNet((1, 2, 6, 8), seed=seed)
    random = net.random
    filters = int(random.integers(2, 4))
    value = net.block(net.levels("x", 5), filters)
    for turn in range(2):
        branch = net.levels(net.activated(net.sums(value, filters)), int(random.integers(2, 6)))
        value = net.add("Add", [value, branch] if random.integers(2) else [branch, value], net.shapes[value])
        if random.integers(2):
            value = net.normalized(value)
        if random.integers(2):
            value = net.relu(value)
        if turn and random.integers(2):
            value = net.pool(value)
        value = net.levels(value, int(random.integers(2, 6)))
    falling = net.pool(net.normalized(net.sums(value, filters, 1)))
    net.sums(net.levels(falling), 2, 1)
    return net


def scaled_net(seed: int) -> ScaledNet:
    """A small U-Net: two levels, a pooling, an upsampling, a concat of two scales with a quantizer behind it."""
    net = ScaledNet((1, 2, 8, 12), seed=seed)
    random = net.random
    down = net.block(net.levels("x", 6), int(random.integers(2, 5)))
    low = net.pool(down, kind=str(random.choice(["MaxPool", "AveragePool"])))
    if random.integers(2):
        low = net.levels(low)
    low = net.block(low, int(random.integers(2, 5)))
    if random.integers(2):
        low = net.block(low, net.logical(low)[1], group=net.logical(low)[1])
    joined = net.concat(down, net.resize(low)) if random.integers(2) else net.concat(net.resize(low), down)
    if random.integers(3) == 0:
        joined = net.normalized(joined)
    up = net.block(net.levels(joined), int(random.integers(2, 5)))
    head = net.sums(up, 2, 1)
    if random.integers(2):
        net.levels(head)
    return net
