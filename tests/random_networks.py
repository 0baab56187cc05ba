"""Small random networks over all operators that the package takes: each is drawn from its seed alone.

A network is some blocks and an end. Seeds take turns in which block and which end they have for certain; the other
blocks are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tests.random_blocks import BLOCKS, Block, first_opset
from tests.random_layers import RandomNet

__all__ = ["ENDS", "random_network"]



def _classes(net: RandomNet, x: str) -> str:
    logits = net.sums(x, 3, 1)
    logits = net.levels(logits, 6) if net.chance(0.3) else logits
    if net.chance(0.3):
        kind, settings = net.one_of([("Softmax", {"axis": 1}), ("Sigmoid", {})])
        logits = net.add(kind, [logits], net.shapes[logits], **settings)
    keep = int(net.random.integers(2))
    shape = net.shapes[logits]
    return net.add("ArgMax", [logits], (1, 1, *shape[2:]) if keep else (1, *shape[2:]), axis=1, keepdims=keep)


def _mask(net: RandomNet, x: str) -> str:
    logit = net.sums(x, 1, 1)
    limit = 0.5 if net.chance(0.5) else float(np.median(net.values[logit]))
    if limit == 0.5:
        logit = net.add("Sigmoid", [logit], net.shapes[logit])
    return net.add("Greater", [logit, net.constant("limit", limit)], net.shapes[logit])


def _probabilities(net: RandomNet, x: str) -> str:
    logits = net.sums(x, 2, 1)
    logits = net.levels(logits, 6) if net.chance(0.5) else logits
    return net.add("Sigmoid", [logits], net.shapes[logits])


#: Adds the nodes of an end to a quantized image.
End = Callable[[RandomNet, str], str]

ENDS: dict[str, End] = {
    "sums": lambda net, x: net.sums(x, int(net.random.integers(1, 4)), net.one_of([1, 3])),
    "levels": lambda net, x: net.block(x, int(net.random.integers(1, 4)), 1),
    "normalized": lambda net, x: net.normalized(net.sums(x, 2, 1)),
    "classes": _classes, "mask": _mask, "probabilities": _probabilities,
    "gate": lambda net, x: net.levels(net.add("Sigmoid", [y := net.levels(net.sums(x, 1, 1), 6)], net.shapes[y])),
}


def random_network(seed: int, certain: Mapping[str, Block] = BLOCKS, ends: Mapping[str, End] = ENDS) -> RandomNet:
    """The network of a seed: 8 to 12 pixels a side, 1 to 4 channels, two to four blocks, and an end.

    Args:
        seed: all is drawn from.
        certain: blocks of which seeds take turns to have one; the others are drawn of all.
        ends: likewise.
    """
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(8, 13, 2))
    names, blocks = list(BLOCKS), {**BLOCKS, **certain}
    plan = [list(certain)[seed % len(certain)], *random.choice(names, int(random.integers(1, 4)))]
    turn, opset = seed, int(random.choice([13, 17, 20]))
    if seed % 3 == 0:
        turn = seed // 3
        plan.append("function")
    shape = (1, int(random.integers(1, 5)), height, width)
    net = RandomNet(shape, seed=int(random.integers(1 << 30)), opset=max(opset, first_opset(turn)))
    net.turn, net.powers = turn, seed % 8 == 4
    value = net.levels("x", int(random.integers(4, 9)))
    # What makes images larger comes first, as long as they are small.
    for name in sorted(random.permutation(plan), key=lambda name: -blocks[name].grows):
        block = blocks[name] if blocks[name].takes(net, value) else BLOCKS["pointwise"]
        net.quantized.append(value)
        value = block.make(net, value)
    each = list(ends.values())
    each[(seed + seed // len(certain)) % len(each)](net, value)
    return net
