"""What bit widths cost, as a part of the training loss (QuantU-Net, arXiv 2503.08719) and as a promise to keep.

The same function prices the widths while they are learned, where its gradient
counts, and the whole numbers in the end, where only its value does. Brevitas's
penalties (``brevitas.loss.weighted_bit_width``) collect widths during a forward
pass, so they can't price widths that are only considered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.nets.learned import (
    clamp_widths,
    learned_widths,
    narrowest_width,
    set_widths,
    width_offsets,
    width_values,
)
from quantunet_hls.nets.sizes import layer_sizes
from quantunet_hls.training.settings import BoardCost, WidthLearning

__all__ = [
    "Excess", "board_shares", "excess_of", "fill_within", "frozen_epochs", "move_widths", "settle_within",
    "start_within",
]

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
    where there is none. For "board" it is the share by which each resource's budget is overdrawn, times 8.

    Args:
        net: with learned widths.
        how: measure, target and, for "board", what a bit costs.
        height: rows of the images in pixels.
        width: columns.

    Raises:
        ConfigurationError: where even the narrowest widths are too wide.
    """
    least = {name: torch.tensor(float(narrowest_width(name))) for name in learned_widths(net)}
    if how.board:
        needed = float(board_shares(net.config, how.board)(least).max())
        if needed > how.board.budget:
            raise ConfigurationError(
                f"Even the narrowest widths need {needed:.1%} of the board, more than the budget's "
                f"{how.board.budget:.1%} ({how.board.source}); raise the budget, ask for fewer frames a second, or "
                "take a smaller network."
            )
        return _overdrawn(net.config, how.board)
    excess = _above(_measure(net.config, how, height, width), how)
    if how.target is not None and float(excess(least)) > 0:
        raise ConfigurationError(
            "Even the narrowest widths are beyond what is asked for; raise the target, or take a smaller network."
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


def _overdrawn(config: UNetConfig, board: BoardCost) -> Excess:
    """The share by which budgets are overdrawn, times 8; what a width feels of it grows with ``4**bits``.

    So does what its bit is worth least: rounding to ``b`` bits adds noise in proportion to ``4**-b``. Widths
    that followed their costs alone would run to both ends, for a layer's bit may cost a hundred times
    another's; so a bit that costs four times as much is pressed alike where the width is one less.
    """
    shares = board_shares(config, board)

    def excess(widths: Mapping[str, Tensor]) -> Tensor:
        now = {name: width.detach() for name, width in widths.items()}
        mean = torch.stack(list(now.values())).mean()
        felt = {name: now[name] + 4 ** (now[name] - mean) * (width - now[name]) for name, width in widths.items()}
        return 8 * torch.relu(shares(felt) / board.budget - 1).sum()

    return excess


def board_shares(config: UNetConfig, board: BoardCost) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """What a design of whole widths takes of each of a board's resources (resources,), in the order of their rows.

    A width's gradient is the mean slope to the widths on both sides, because a memory
    may take the same blocks at one of them.
    """
    layers = _Table(board.layers[name] for name in config.layer_names)
    owners = tuple(board.results)
    results = _Table(board.results[name] for name in owners)
    rest = torch.tensor(board.rest)
    rows = [[row for row, other in enumerate(board.resources) if other == name]
            for name in dict.fromkeys(board.resources)]

    def shares(widths: Mapping[str, Tensor]) -> Tensor:
        weights = torch.stack([widths[f"{name}.weight"] for name in config.layer_names])
        inputs = torch.stack([_input_width(config, name, widths).to(weights) for name in config.layer_names])
        activations = torch.stack([widths[f"{name}.activation"] for name in owners])
        modules = layers.at(weights - board.narrowest, inputs - board.narrowest)
        streams = results.at(activations - board.narrowest)
        sums = rest.to(weights) + modules.sum(dim=0) + streams.sum(dim=0)
        return torch.stack([sums[chosen].max() for chosen in rows])

    return shares


class _Table:
    """Values at whole places: (entries, rows, places of one axis or of several)."""

    def __init__(self, entries: Iterable[object]):
        self._values = torch.tensor(tuple(entries))

    def at(self, *places: Tensor) -> Tensor:
        """Values (entries, rows) at a place of each axis (entries,) each; beyond the ends those at the ends."""
        values = self._values.to(places[0].device)
        nearest = [place.detach().round().long().clamp(0, size - 1)
                   for place, size in zip(places, values.shape[2:], strict=True)]
        found = self._found(values, nearest)
        for axis, (place, middle) in enumerate(zip(places, nearest, strict=True)):
            below, above = (middle - 1).clamp(min=0), (middle + 1).clamp(max=values.shape[2 + axis] - 1)
            rise = torch.zeros_like(found)
            for sign, end in ((1, above), (-1, below)):
                rise += sign * self._found(values, [*nearest[:axis], end, *nearest[axis + 1:]])
            slope = rise / (above - below).clamp(min=1)[:, None]
            found = found + slope * (place - middle)[:, None]
        return found

    @staticmethod
    def _found(values: Tensor, places: list[Tensor]) -> Tensor:
        """The entry's own values at whole places: (entries, rows)."""
        for place in reversed(places):
            index = place.view(-1, *[1] * (values.ndim - 1)).expand(*values.shape[:-1], 1)
            values = values.gather(-1, index)[..., 0]
        return values


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
def start_within(net: QuantUNet, excess: Excess) -> None:
    """Set every learned width, in place, to a whole number with which nothing is too wide: where a budget starts.

    While widths are too wide, the one is made a bit narrower that takes the most off the
    excess for the noise that it adds (``4**-bits``): a layer whose bit costs four times as
    much has a bit less.
    """
    def dearest(saved: Mapping[str, float], widths: Mapping[str, int]) -> str:
        return max(saved, key=lambda name: (saved[name] * 4.0 ** widths[name], widths[name], name))

    set_widths(net, _brought_within(width_values(net), excess, dearest))


@torch.no_grad()
def settle_within(net: QuantUNet, excess: Excess, *, bounded: bool) -> None:
    """Set every learned width to a whole number, in place; with ``bounded`` to numbers that cost nothing too much.

    Widths are rounded. While they are too wide together, the one that is nearest to
    being rounded down is made one bit narrower: of those whose bit helps, or of all
    where none does, because a memory may need several bits less for a block less.
    """
    exact = {name: float(offset.abs()) + narrowest_width(name) for name, offset in width_offsets(net).items()}
    whole = {name: round(value) for name, value in exact.items()}

    def lowest(saved: Mapping[str, float], widths: Mapping[str, int]) -> str:
        helps = [name for name, part in saved.items() if part > 0]
        return min(helps or saved, key=lambda name: (exact[name] - widths[name], -exact[name], name))

    set_widths(net, _brought_within(whole, excess, lowest) if bounded else whole)


@torch.no_grad()
def fill_within(net: QuantUNet, excess: Excess, widest: int) -> None:
    """Give settled widths, in place, what is left of a budget: a bit to the narrowest for which nothing is too wide."""
    whole = width_values(net)

    def fits(name: str) -> bool:
        return whole[name] < widest and _price(whole | {name: whole[name] + 1}, excess) <= 0

    while wider := next((name for name in sorted(whole, key=lambda name: (whole[name], name)) if fits(name)), None):
        whole[wider] += 1
    set_widths(net, whole)


def _price(widths: Mapping[str, int], excess: Excess) -> float:
    return float(excess({name: torch.tensor(float(bits)) for name, bits in widths.items()}))


def _brought_within(widths: Mapping[str, int], excess: Excess,
                    choose: Callable[[Mapping[str, float], Mapping[str, int]], str]) -> dict[str, int]:
    """Widths narrowed bit by bit until nothing is too wide.

    Args:
        widths: whole numbers to start from.
        excess: see :data:`Excess`.
        choose: from what a bit less of each width would take off the excess, and from the widths, the next one.
    """
    whole = dict(widths)
    while (now := _price(whole, excess)) > 0:
        wider = [name for name, bits in whole.items() if bits > narrowest_width(name)]
        if not wider:  # excess_of has refused what can't be met
            raise ConfigurationError("The widths can't be brought within the target; raise it.")
        whole[choose({name: now - _price(whole | {name: whole[name] - 1}, excess) for name in wider}, whole)] -= 1
    return whole


def frozen_epochs(how: WidthLearning, epochs: int) -> int:
    """How many epochs at the end train with widths that no longer change; at least one."""
    return min(epochs, max(1, math.ceil(how.settled * epochs)))
