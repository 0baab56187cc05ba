"""What bit widths cost, as a part of the training loss (QuantU-Net, arXiv 2503.08719) and as a promise to keep.

The same function prices the widths while they are learned, where its gradient
counts, and the whole numbers in the end, where only its value does. Brevitas's
penalties (``brevitas.loss.weighted_bit_width``) collect widths during a forward
pass, so they can't price widths that are only considered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from quantunet_hls.errors import ConfigurationError
from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.nets.learned import clamp_widths, learned_widths, narrowest_width, set_widths, width_offsets
from quantunet_hls.nets.sizes import layer_sizes
from quantunet_hls.training.settings import BoardCost, WidthLearning

__all__ = ["Excess", "excess_of", "frozen_epochs", "move_widths", "settle_within"]

#: Bits that a width moves in one step at most: a single batch must not decide.
_FARTHEST = 0.1

#: From widths in bits, named ``layer.weight`` and ``layer.activation``, to a loss: 0 where nothing is too wide.
Excess = Callable[[Mapping[str, Tensor]], Tensor]


def excess_of(net: QuantUNet, how: WidthLearning, height: int, width: int) -> Excess:
    """The bitwidth loss, without its weight.

    For the measures "mean" (the mean of all widths, as in the paper), "parameters"
    (mean of a weight's width over all weights and of a value's over all values) and
    "operations" (the square root of the mean product of both over all
    multiplications) it is in bits: what lies above the target, or all of it
    where there is none. For "board" it is the share by which each budget is overdrawn, times 8.

    Args:
        net: with learned widths.
        how: measure, target and, for "board", what a bit costs.
        height: rows of the images in pixels.
        width: columns.

    Raises:
        ConfigurationError: where even the narrowest widths are too wide.
    """
    excess = _board(net.config, how.board) if how.board else _above(_measure(net.config, how, height, width), how)
    least = {name: torch.tensor(float(narrowest_width(name))) for name in learned_widths(net)}
    if (how.board or how.target is not None) and float(excess(least)) > 0:
        raise ConfigurationError(
            "Even the narrowest widths are beyond what is asked for; raise the target or the budget, "
            "or take a smaller network."
        )
    return excess


def _above(measure: Excess, how: WidthLearning) -> Excess:
    target = how.target
    return measure if target is None else lambda widths: torch.relu(measure(widths) - target)


def _measure(config: UNetConfig, how: WidthLearning, height: int, width: int) -> Excess:
    sizes = layer_sizes(config, height, width)
    if how.measure == "mean":
        return lambda widths: torch.stack(list(widths.values())).mean()
    if how.measure == "parameters":
        weights = {f"{name}.weight": float(size.weights) for name, size in sizes.items()}
        values: dict[str, float] = {}
        for name, size in sizes.items():
            if name != "head":
                owner = f"{config.activation_owner(name)}.activation"
                values[owner] = values.get(owner, 0.0) + size.values
        return lambda widths: (_mean(widths, weights) + _mean(widths, values)) / 2
    total = sum(size.macs for size in sizes.values())

    def operations(widths: Mapping[str, Tensor]) -> Tensor:
        products = [
            size.macs * widths[f"{name}.weight"] * _input_width(config, name, widths) for name, size in sizes.items()
        ]
        return torch.sqrt(torch.stack(products).sum() / total)

    return operations


def _mean(widths: Mapping[str, Tensor], counts: Mapping[str, float]) -> Tensor:
    total = sum(counts.values())
    return torch.stack([widths[name] * (count / total) for name, count in counts.items()]).sum()


def _input_width(config: UNetConfig, layer: str, widths: Mapping[str, Tensor]) -> Tensor:
    source = config.source_of(layer)
    return widths[f"{source}.activation"] if source else torch.tensor(float(config.input_bits))


def _board(config: UNetConfig, board: BoardCost) -> Excess:
    def excess(widths: Mapping[str, Tensor]) -> Tensor:
        luts, blocks = [], []
        for name in config.layer_names:
            weight, value = widths[f"{name}.weight"], _input_width(config, name, widths)
            luts.append(board.luts[name] * weight * value)
            blocks.append(board.weight_blocks[name] * weight + board.line_blocks[name] * value)
        overdrawn = [
            torch.relu(torch.stack(used).sum() / budget - 1)
            for used, budget in ((luts, board.lut_budget), (blocks, board.block_budget))
        ]
        return 8 * torch.stack(overdrawn).sum()

    return excess


@torch.no_grad()
def move_widths(net: QuantUNet, how: WidthLearning, steps: int) -> None:
    """One step of every learned width down its gradient, within the narrowest and the widest; drops the gradients.

    Plain descent, unlike the weights': an optimizer that brings every parameter's
    gradients to one size would take the same bits off a layer that can't do without
    them as off one that does not notice.

    Args:
        net: with the gradients of the whole loss.
        how: pace, weight and limit.
        steps: in an epoch.
    """
    offsets = width_offsets(net)
    # The mean's gradient by one width is the weight divided by their number.
    size = how.pace * len(offsets) / (how.weight * steps)
    for offset in offsets.values():
        if offset.grad is not None:
            offset.sub_((size * offset.grad).clamp(-_FARTHEST, _FARTHEST))
            offset.grad = None
    clamp_widths(net, how.widest)


@torch.no_grad()
def settle_within(net: QuantUNet, excess: Excess, *, bounded: bool) -> None:
    """Set every learned width to a whole number, in place; with ``bounded`` to numbers that cost nothing too much.

    Widths are rounded. While they are too wide together, the one that is nearest to
    being rounded down is made one bit narrower, of those whose bit helps.
    """
    exact = {name: float(offset.abs()) + narrowest_width(name) for name, offset in width_offsets(net).items()}
    whole = {name: round(value) for name, value in exact.items()}

    def price(widths: Mapping[str, int]) -> float:
        return float(excess({name: torch.tensor(float(bits)) for name, bits in widths.items()}))

    while bounded and (now := price(whole)) > 0:
        helps = [name for name, bits in whole.items()
                 if bits > narrowest_width(name) and price(whole | {name: bits - 1}) < now]
        if not helps:  # excess_of has refused what can't be met
            raise ConfigurationError("The widths can't be brought within the target; raise it.")
        lowest = min(helps, key=lambda name: (exact[name] - whole[name], -exact[name], name))
        whole[lowest] -= 1
    set_widths(net, whole)


def frozen_epochs(how: WidthLearning, epochs: int) -> int:
    """How many epochs at the end train with widths that no longer change; at least one."""
    return min(epochs, max(1, math.ceil(how.settled * epochs)))
