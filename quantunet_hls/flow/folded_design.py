"""One folding for both kinds of project: reuse factors for hls4ml, lanes and FIFO depths for the streaming RTL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.folding import ConvWork, Goal, balanced_reuse, frame_cycles, reuse_within, valid_reuse
from quantunet_hls.folding.written import WrittenFolding

if TYPE_CHECKING:
    from quantunet_hls.flow.spec import DesignSpec

    # Amaranth is an extra, which nobody needs who has no streaming RTL made.
    from quantunet_hls.ops.streaming import StreamGraph

__all__ = ["FoldedDesign", "StreamChoices", "chosen_for", "fold_design", "stream_choices"]

#: Multipliers for a part of unknown size.
UNKNOWN_PART_BUDGET = 64


@dataclass(frozen=True)
class FoldedDesign:
    """How parallel each layer is.

    Attributes:
        reuse: of each convolution of the hls4ml project, by node.
        streaming: the folded stream graph; None where no RTL is made.
    """

    reuse: Mapping[str, int]
    streaming: StreamGraph | None

    def written(self, work: Mapping[str, ConvWork], names: Mapping[str, str]) -> WrittenFolding:
        """As it is written down, to be edited and given to :func:`fold_design` again.

        Args:
            work: of the convolutions.
            names: for each renamed node what the network calls it.
        """
        streaming = None
        if self.streaming is not None:
            from quantunet_hls.rtl.fold.folding_file import folding_of

            streaming = folding_of(self.streaming)
        return WrittenFolding(dict(self.reuse), streaming, cycles_per_frame=frame_cycles(work, self.reuse),
                              names=dict(names))


@dataclass(frozen=True)
class StreamChoices:
    """What is asked for of the streaming RTL beside its pace.

    Attributes:
        arithmetic: what its multipliers are, of :data:`quantunet_hls.rtl.fold.multipliers.KINDS`.
        weights: where they are: auto, rom, loaded or streamed.
        any_weights: whether a design of loaded weights has the types for any of their widths.
    """

    arithmetic: str = "auto"
    weights: str = "auto"
    any_weights: bool = False


def stream_choices(spec: DesignSpec) -> StreamChoices:
    """What a design that is asked for says of them."""
    return StreamChoices(spec.arithmetic, spec.weights, spec.sums == "any")


def fold_design(work: Mapping[str, ConvWork], goal: Goal, target: Board, stream: StreamGraph | None,
                choices: StreamChoices, given: WrittenFolding | None = None) -> FoldedDesign:
    """Fold a network for a goal, or as a file says.

    Args:
        work: of the convolutions.
        goal: what for; with none of its fields, half of the board's multiplier blocks.
        target: with its clock.
        stream: the lowered stream graph, where RTL is made.
        choices: what is asked for of it.
        given: a design's ``folding.json``, edited or not, to be taken instead of the goal.

    Raises:
        ConfigurationError: a goal that can't be met, with the nearest that can; or what is wrong with the file.
        BoardError: a board of which every folding takes more, or whose size is not known.
    """
    if given is not None:
        return _as_given(work, target, stream, choices, given)
    if stream is None:
        return FoldedDesign(_reuse_for(work, goal, target), None)
    from quantunet_hls.rtl.fold.fit import fold_for

    chosen = chosen_for(choices, target if goal.share is None else _with_memory(target, goal.share))
    if goal.frames_per_s is None and goal.latency_us is None and goal.share is None:
        reuse = _reuse_for(work, goal, target)
        return FoldedDesign(reuse, _buffered(_at_pace(stream, frame_cycles(work, reuse), chosen)))
    folded = fold_for(stream, goal, target, chosen)
    return FoldedDesign(reuse_within(work, folded.cycles), _buffered(folded))


def _buffered(folded: StreamGraph) -> StreamGraph:
    """With FIFOs for what waits beside layers that compute block by block, which comes with their streamed weights."""
    from quantunet_hls.rtl.fold.parallelism import with_safe_depths

    return with_safe_depths(folded) if folded.feeding else folded


def _with_memory(target: Board, share: float) -> Board:
    """The board with a share of its memories, by which weights find their places within that share."""
    have = target.resources
    bram, uram = (None if blocks is None else int(share * blocks) for blocks in (have.bram_18k, have.uram))
    return replace(target, resources=replace(have, bram_18k=bram, uram=uram))


def chosen_for(choices: StreamChoices, target: Board) -> Callable[[StreamGraph], StreamGraph]:
    """What gives a folded graph its places of weights and its multipliers."""
    from quantunet_hls.rtl.fold.multipliers import multiplying
    from quantunet_hls.rtl.fold.storage import Storage, check_loadable, placed

    def multiplied(graph: StreamGraph) -> StreamGraph:
        return multiplying(graph, choices.arithmetic, target)

    def chosen(graph: StreamGraph) -> StreamGraph:
        made = placed(graph, Storage(choices.weights, choices.any_weights), target, multiplied)
        check_loadable(made, target)
        return made

    return chosen


def _at_pace(stream: StreamGraph, cycles: int, chosen: Callable[[StreamGraph], StreamGraph]) -> StreamGraph:
    """The RTL as fast as the hls4ml project, or as fast as it can be."""
    from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold

    return chosen(fold(stream, max(cycles, fewest_cycles(stream))))


def _reuse_for(work: Mapping[str, ConvWork], goal: Goal, target: Board) -> dict[str, int]:
    cycles = goal.cycles(target.clock_ns)
    if cycles is not None:
        reuse = reuse_within(work, cycles)
        reached = frame_cycles(work, reuse)
        if reached > cycles:
            raise goal.missed_rate("least reuse", reached, target.clock_ns)
        return reuse
    if goal.latency_us is not None:
        raise ConfigurationError("Only the RTL's latency is known before synthesis; ask the open tool chain for it, "
                                 "or ask for a frame rate.")
    blocks = target.resources.dsp
    if goal.share is not None:
        if not blocks:
            raise BoardError(f"How many multiplier blocks {target.title} has is not known, so a share of it can't be "
                             "taken; ask for a number of multipliers.")
        return balanced_reuse(work, max(1, int(goal.share * blocks)))
    return balanced_reuse(work, goal.multipliers or (max(1, blocks // 2) if blocks else UNKNOWN_PART_BUDGET))


def _as_given(work: Mapping[str, ConvWork], target: Board, stream: StreamGraph | None, choices: StreamChoices,
              given: WrittenFolding) -> FoldedDesign:
    reuse = given.reuse_factors
    for name in sorted(set(work) ^ set(reuse)):
        raise ConfigurationError(f"The folding's reuse_factors {'lack' if name in work else 'name'} {name!r}, which "
                                 f"this network {'has' if name in work else 'lacks'}; take the folding.json of this "
                                 "network.")
    for name, layer in work.items():
        if reuse[name] not in valid_reuse(layer):
            possible = ", ".join(map(str, valid_reuse(layer)))
            raise ConfigurationError(f"Layer {name!r} can't have the reuse factor {reuse[name]!r}; "
                                     f"it can have {possible}.")
    if stream is None:
        return FoldedDesign(dict(reuse), None)
    from quantunet_hls.ops.weighted import weighted
    from quantunet_hls.rtl.fold.bandwidth import check_traffic
    from quantunet_hls.rtl.fold.folding_file import folded_as
    from quantunet_hls.rtl.fold.storage import check_loadable

    if given.streaming is None:
        return FoldedDesign(dict(reuse), _buffered(
            _at_pace(stream, frame_cycles(work, reuse), chosen_for(choices, target))))
    folded = folded_as(stream, given.streaming, target.part_family)
    check_loadable(folded, target)
    check_traffic(folded, target)
    for multiplying in weighted(folded):
        multiplying.check_contents()
    return FoldedDesign(dict(reuse), folded)
