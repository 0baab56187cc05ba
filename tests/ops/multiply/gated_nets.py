"""Small networks with products of two streams, as encoders and attention gates have them."""

from __future__ import annotations

from tests.builders import Net


def squeeze_and_excite(gate: str = "Sigmoid", *, channels: int = 4, size: tuple[int, int] = (8, 6)) -> Net:
    """Mobile networks' block: a pooling of the whole image, two convolutions, a gate for each channel."""
    net = Net((1, 2, *size))
    x = net.quant(net.relu(net.conv(net.quant("x"), channels)), 5, -3)
    y = net.quant(net.add("GlobalAveragePool", [x], (1, channels, 1, 1)), 6, -4)
    y = net.quant(net.relu(net.conv(y, 2, 1, pads=[0] * 4)), 5, -3)
    y = net.quant(net.conv(y, channels, 1, pads=[0] * 4), 6, -4, signed=1)
    y = net.quant(net.add(gate, [y], net.shapes[y]), 5, -5)
    net.conv(net.quant(net.add("Mul", [x, y], net.shapes[x]), 5, -3), 2)
    return net


def attention_gate(*, channels: int = 3, size: tuple[int, int] = (8, 6)) -> Net:
    """As in MONAI's AttentionUnet: what comes up and the skip, through convolutions, gate the skip in one channel."""
    net = Net((1, 2, *size))
    skip = net.quant(net.relu(net.conv(net.quant("x"), channels)), 5, -3)
    low = net.quant(net.relu(net.conv(net.pool(skip), channels)), 5, -3)
    up = net.resize(low)
    total = net.add("Add", [net.quant(net.conv(up, 2, 1, pads=[0] * 4), 6, -3, signed=1),
                            net.quant(net.conv(skip, 2, 1, pads=[0] * 4), 6, -3, signed=1)], (1, 2, *size))
    psi = net.quant(net.conv(net.quant(net.relu(total), 5, -2), 1, 1, pads=[0] * 4), 7, -4, signed=1)
    psi = net.quant(net.add("Sigmoid", [psi], net.shapes[psi]), 6, -6)
    gated = net.quant(net.add("Mul", [skip, psi], net.shapes[skip]), 5, -3)
    net.conv(net.concat(gated, up), 2, 1, pads=[0] * 4)
    return net
