"""A training's budget on a board: the whole streaming RTL design, as numbers that the training takes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.folding import Goal
from quantunet_hls.nets import QuantUNet, settled
from quantunet_hls.nets.learned import set_widths, width_values
from quantunet_hls.rtl.fold.estimate import shares
from quantunet_hls.rtl.fold.fit import cycles_at_rate, fold_for
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.rtl.fold.width_costs import NARROWEST, width_costs
from quantunet_hls.training.settings import BoardCost

__all__ = ["RESERVE", "board_cost", "design_shares"]

#: Part of a budget that the tables keep back: they price widths layer by layer, and by the weights before training.
#: ``tests/rtl/fold/test_width_costs.py`` says how far designs are off them.
RESERVE = 0.05

_DIGITS = 6

#: As many as the hardware flow takes.
_BIAS_BITS = 24


def board_cost(net: QuantUNet, height: int, width: int, board: Board, share: float, frames_per_s: float,
               widest: int) -> BoardCost:
    """What a network's widths cost on a board at a frame rate.

    Args:
        net: with learned widths and its first weights; left as it is.
        height: rows of the images in pixels.
        width: columns.
        board: with its clock.
        share: of the board's LUTs, of its DSP blocks and of its block RAM that the design may take.
        frames_per_s: that it must reach.
        widest: most bits of a weight or an activation.

    Raises:
        ConfigurationError: a share that is none, or a frame rate that can't be reached.
        BoardError: a board whose resources or multipliers are not known.
    """
    if not 0 < share <= 1:
        raise ConfigurationError(f"A budget is a share of the board above 0 and at most 1, not {share!r}.")
    graph = stream_graph(_widest(net, widest), board, (net.config.in_channels, height, width))
    cycles = cycles_at_rate(graph, Goal(frames_per_s=frames_per_s), board)
    budget = share * (1 - RESERVE)
    costs = width_costs(graph, board, cycles, budget, widest)
    config = net.config
    # Both name the convolutions in the order in which they run.
    names = dict(zip(costs.modules, config.layer_names, strict=True))
    return BoardCost(
        resources=costs.resources, narrowest=NARROWEST, budget=budget,
        layers={names[name]: _plain(table.tolist()) for name, table in costs.modules.items()},
        results={names[name]: _plain(table.tolist()) for name, table in costs.results.items()},
        rest=_plain(costs.rest.tolist()),
        source=f"{share:g} of {board.name} at {frames_per_s:g} frames/s and {board.clock_mhz:g} MHz less {RESERVE:.0%} "
               "of it in reserve: estimates of the whole design",
    )


def _widest(net: QuantUNet, bits: int) -> QuantUNet:
    """A network with these widths everywhere, and biases that the fine steps of such layers don't saturate."""
    wide = copy.deepcopy(net)
    set_widths(wide, dict.fromkeys(width_values(wide), bits))
    whole = settled(wide)
    config = whole.config
    free = QuantUNet(replace(config, layer_widths={
        name: replace(config.widths_of(name), bias=_BIAS_BITS) for name in config.layer_names}))
    free.load_state_dict(whole.state_dict())
    return free.eval()


def design_shares(net: QuantUNet, height: int, width: int, board: Board, frames_per_s: float) -> dict[str, float]:
    """What the streaming RTL of a trained network is estimated to take of a board, by resource.

    Args:
        net: of whole widths.
        height: rows of the images in pixels.
        width: columns.
        board: with its clock.
        frames_per_s: that the design must reach.

    Raises:
        ConfigurationError: a frame rate that can't be reached.
    """
    graph = stream_graph(net, board, (net.config.in_channels, height, width))
    folded = fold_for(graph, Goal(frames_per_s=frames_per_s), board, lambda made: choose_multipliers(made, board))
    return shares(folded, board)


def _plain(values: Any) -> Any:
    """Nested lists as tuples, of numbers of a few digits."""
    return tuple(_plain(value) for value in values) if isinstance(values, list) else round(values, _DIGITS)
