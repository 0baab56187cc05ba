"""Blocks of random networks in which values meet, or are bent, before a quantizer: behind sums, or behind levels."""

from __future__ import annotations

from tests.ops.stages.table.functions import FUNCTIONS
from tests.random_blocks import Block, carried, pooled
from tests.random_layers import RandomNet
from tests.random_networks import ENDS, End

__all__ = ["BEHIND_SUMS", "BEHIND_SUMS_ENDS"]

#: Functions that only rise or only fall.
_MONOTONE = ("sigmoid", "tanh", "hard_sigmoid", "softplus", "exp", "elu", "selu", "celu", "softsign",
             "hard_sigmoid_default", "elu_half", "neg")


def _sums(net: RandomNet, x: str, channels: int) -> str:
    """Of a convolution, of a transposed one, or of two whose scales differ; with a normalization or none."""
    kind = net.one_of(["one", "one", "transposed", "two"])
    if kind == "transposed":
        y = net.transposed_sums(x, channels, (3, 3), (1, 1), [1] * 4, (0, 0))
    else:
        y = net.sums(x, channels, net.one_of([1, 3]))
    y = net.normalized(y) if net.chance(0.4) and not net.powers else y
    return net.add("Add", [y, net.sums(x, channels, 1)], net.shapes[y]) if kind == "two" else y


def curve(net: RandomNet, x: str) -> str:
    """A monotone function straight behind sums."""
    x = net.with_bits(x, 2, 6)
    y = _sums(net, carried(net, x), net.one_of([1, 2, 3]))
    y = net.add("Div", [y, net.constant(f"part{len(net.nodes)}", net.reach(y) / 4)], net.shapes[y])
    return net.levels(FUNCTIONS[_MONOTONE[net.turn % len(_MONOTONE)]](net, y), net.one_of([1, 3, 4, 5, 6, 8]))


def accumulators(net: RandomNet, x: str) -> str:
    """Two accumulators in one sum, quantized to up to 8 bits."""
    channels = net.one_of([1, 2, 3])
    y = net.sums(x, channels, 3)
    y = net.normalized(y) if net.chance(0.5) and not net.powers else y
    total = net.add("Add", net.one_of([[y, z := net.sums(x, channels, 1)], [z, y]]), net.shapes[y])
    return net.levels(net.activated(total) if net.chance(0.5) else total, net.one_of([4, 6, 8]))


def bent_levels(net: RandomNet, x: str) -> str:
    """What reads levels of any scale behind a ReLU, a slope that is a shift, or a limit on their grid."""
    x = net.quant(net.behind(net.sums(x, net.one_of([1, 2, 3]), 1)), int(net.random.integers(3, 7)), signed=1,
                  scale=(scale := net.scale_about(net.reach(x) / 16)))
    kind = net.one_of(["relu", "leaky", "limit", "far"])
    if kind in ("relu", "leaky"):
        x = net.relu(x) if kind == "relu" else net.leaky(x)
    else:
        high = net.constant(f"limit{len(net.nodes)}", scale * (2 if kind == "limit" else 1 << 9))
        x = net.add("Clip", [x, net.constant(f"zero{len(net.nodes)}", 0.0), high], net.shapes[x])
    reader = net.one_of(["convolution", "pooling", "sum", "channels"])
    if reader == "pooling":
        return net.levels(pooled(net, x, "AveragePool", (2, 2), (1, 1), [0] * 4))
    if reader == "sum":
        return net.levels(net.add("Add", [x, net.levels(x, 4, zero=0)], net.shapes[x]))
    return net.block(net.concat(x, net.relu(x)) if reader == "channels" else x, net.one_of([1, 2, 3]))


def _quantized_probabilities(net: RandomNet, x: str) -> str:
    logits = net.sums(x, 2, 1)
    return net.levels(net.add("Sigmoid", [logits], net.shapes[logits]), int(net.random.integers(2, 8)))


BEHIND_SUMS = {"curve": Block(curve), "accumulators": Block(accumulators), "bent levels": Block(bent_levels, least=2)}
BEHIND_SUMS_ENDS: dict[str, End] = {"quantized probabilities": _quantized_probabilities, "sums": ENDS["sums"],
                                    "last levels": ENDS["levels"],
                                    "relu": lambda net, x: net.relu(net.levels(net.sums(x, 2, 1), zero=0))}
