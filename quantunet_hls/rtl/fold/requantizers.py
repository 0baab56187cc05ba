"""What makes levels of sums in each layer: a multiplication with a shift, or thresholds that have the same levels.

All that a stage computes stays as it is, so this is a matter of cost alone. Step functions that no multiplication has
are thresholds from the start (:mod:`quantunet_hls.ingest.passes.fit_scales`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from quantunet_hls.boards import Board
from quantunet_hls.ops.cost import product_cost, staged_content
from quantunet_hls.ops.stages.base import MULTIPLICATION, THRESHOLDS
from quantunet_hls.ops.streaming import Staged, StreamGraph, StreamLayer
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.rtl.fold.estimate import cost
from quantunet_hls.targets import Family
from quantunet_hls.targets.memories import layout

__all__ = ["Taken", "in_all_forms", "of_fewest_luts", "taken", "told"]

#: Words of the last table of a search beyond which it is sure to take block RAM, so that it need not be made.
_MOST_WORDS = 1024


@dataclass(frozen=True)
class Taken:
    """What a layer's products and stages take of what may be exchanged: multiplier blocks, and LUTs by estimate."""

    blocks: int
    luts: float


def taken(layer: Staged, family: Family) -> Taken:
    """That of a layer as it is."""
    if isinstance(layer, Weighted):
        own = product_cost(layer)
        return Taken(own.blocks(layer, layer.multipliers, family),
                     cost(own.parts(layer, layer.multipliers, family), family))
    content = staged_content(layer.lanes, layer.unstaged, layer.stages, family)
    return Taken(content.dsp, cost(content.parts, family))


def in_all_forms(layer: Staged, family: Family) -> Iterator[Staged]:
    """The layer as it is and, where it multiplies for its levels and thresholds take no block RAM, with these."""
    yield layer
    searched = _searched(layer)
    if searched is not None and not _memory_blocks(searched, family):
        yield searched


def of_fewest_luts(layer: StreamLayer, family: Family) -> StreamLayer:
    """The layer in the form of the fewest LUTs with its multipliers, of equal ones that of the fewest blocks."""
    if not isinstance(layer, Staged) or not layer.forms:
        return layer
    return min(in_all_forms(layer, family), key=lambda made: _luts_first(taken(made, family)))


def told(graph: StreamGraph, lowered: StreamGraph, board: Board) -> Mapping[str, str]:
    """Of each layer that makes levels by what, and what that is instead of, in words.

    Args:
        graph: folded, with everything chosen.
        lowered: the same network before that.
        board: whose shares are told, where its numbers are known.
    """
    found = {}
    for layer in graph.inner:
        if isinstance(layer, Staged) and layer.forms:
            before = lowered[layer.name]
            assert isinstance(before, Staged)
            found[layer.name] = _told(layer, before, board)
    return found


def _searched(layer: Staged) -> Staged | None:
    """The layer with thresholds for all that it multiplies for levels and that has them; None where nothing has."""
    forms, source = [], layer.unstaged
    for stage in layer.stages:
        if stage.form:
            words = max(1, stage.channels // layer.lanes) << (stage.type.width - 1)
            few = words <= _MOST_WORDS and stage.in_form(THRESHOLDS, source) is not None
            forms.append(THRESHOLDS if few else stage.form)
        source = stage.type
    return layer.in_forms(forms) if tuple(forms) != layer.forms else None


def _memory_blocks(layer: Staged, family: Family) -> int:
    content = staged_content(layer.lanes, layer.unstaged, layer.stages, family)
    return sum(layout(memory, family).blocks for memory in content.memories)


def _luts_first(found: Taken) -> tuple[float, int]:
    return found.luts, found.blocks


def _told(layer: Staged, before: Staged, board: Board) -> str:
    """The form of a layer, and how much another one would take."""
    text = f"levels by {', '.join(layer.forms)}"
    other = _other(layer, before, board.part_family)
    if other is None:
        return f"{text}: {_only(before)}"
    own, instead = (taken(each, board.part_family) for each in (layer, other))
    differences = [(number, title, have) for number, title, have in (
        (round(own.luts - instead.luts), "LUT", board.resources.lut),
        (own.blocks - instead.blocks, "DSP block", board.resources.dsp)) if number]
    said = " and ".join(f"{abs(number):,} {title}{'s' * (abs(number) > 1)} {'more' if number > 0 else 'fewer'}"
                        for number, title, _ in differences)
    shares = [f"{abs(number) / have:.2%}" for number, _, have in differences if have]
    of_board = f" ({' and '.join(shares)} of the board)" if shares and len(shares) == len(differences) else ""
    return f"{text}: {said or 'no more'} than by {', '.join(other.forms)}{of_board}"


def _other(layer: Staged, before: Staged, family: Family) -> Staged | None:
    """The layer in the form that it was not given; None where it had no choice."""
    if layer.forms == before.forms:
        return next((made for made in in_all_forms(layer, family) if made is not layer), None)
    multiplied: Any = {"stages": before.stages}
    return replace(layer, **multiplied)


def _only(layer: Staged) -> str:
    """Why a layer has no other form."""
    if MULTIPLICATION not in layer.forms:
        return "no multiplication has them"
    return "thresholds would take block RAM, are no step function's, or would have to be loaded"
