"""Random residual networks: blocks with strides and projections, branches of unequal scales, sums at a U-Net's skip."""

from __future__ import annotations

import numpy as np

from tests.builders import Net


def residual_net(seed: int) -> Net:
    """Two to four residual blocks, the last of them between two that a skip joins by a sum; two classes."""
    random = np.random.default_rng(seed)
    size = 2 * random.integers(3, 7, 2)
    net = Net((1, int(random.integers(1, 4)), *map(int, size)), seed=seed)
    x = _quant(net, random, "x")
    for _ in range(random.integers(1, 3)):
        x = _block(net, random, x, int(random.integers(2, 5)), stride=1)
    if random.random() < 0.7:
        # As in a ResUNet: what comes up again is added to what went down.
        filters = net.shapes[x][1]
        down = _block(net, random, x, filters, stride=2) if random.random() < 0.5 else _block(
            net, random, net.pool(x), filters, stride=1)
        x = _quant(net, random, _sum(net, net.resize(down), x))
    else:
        x = _block(net, random, x, net.shapes[x][1], stride=2)
    net.conv(x, 2, kernel=1, pads=[0] * 4)
    return net


def _block(net: Net, random: np.random.Generator, x: str, filters: int, stride: int) -> str:
    """Two convolutions beside the identity, or beside a projection where shapes differ."""
    y = _quant(net, random, net.relu(net.conv(x, filters, strides=(stride, stride))))
    y = net.conv(y, filters)
    if random.random() < 0.5:
        y = _quant(net, random, y, signed=1)
    shortcut = x
    if stride != 1 or net.shapes[x][1] != filters:
        shortcut = net.conv(x, filters, kernel=1, pads=[0] * 4, strides=(stride, stride))
        if random.random() < 0.5:
            shortcut = _quant(net, random, shortcut, signed=1)
    total = _sum(net, *((y, shortcut) if random.random() < 0.5 else (shortcut, y)))
    if random.random() < 0.7:
        total = net.relu(total)
    return _quant(net, random, total, signed=int(random.random() < 0.3))


def _sum(net: Net, one: str, other: str) -> str:
    return net.add("Add", [one, other], net.shapes[one])


def _quant(net: Net, random: np.random.Generator, source: str, signed: int = 0) -> str:
    bits = int(random.integers(2 + signed, 7))
    return net.quant(source, bits, int(random.integers(-bits, 2 - bits + signed)), signed=signed,
                     rounding=str(random.choice(["ROUND", "FLOOR"])))
