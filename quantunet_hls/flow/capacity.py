"""What a board can't hold is said when the design has been folded, with what it could hold instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from quantunet_hls import boards
from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, QuantUNetError
from quantunet_hls.flow.folded_design import StreamChoices, chosen_for, fold_design, stream_choices
from quantunet_hls.folding import ConvWork, Goal

if TYPE_CHECKING:
    # Amaranth is an extra, which nobody needs who has no streaming RTL made.
    from quantunet_hls.flow.run import Run
    from quantunet_hls.ops.streaming import StreamGraph

__all__ = ["check_capacity"]


def check_capacity(run: Run, work: Mapping[str, ConvWork], stream: StreamGraph, folded: StreamGraph) -> None:
    """Refuse RTL that the board can't hold, or tell where it isn't to be mapped; tell where it is in doubt.

    Args:
        run: whose board it is.
        work: of the convolutions.
        stream: the lowered graph.
        folded: the same, folded.

    Raises:
        BoardError: what is short even if the estimate is too high by as much as any was, and what fits.
    """
    from quantunet_hls.rtl.fold.capacity import beyond, in_doubt, needs, told

    found = needs(folded, run.target)
    short, doubtful = beyond(found), in_doubt(found)
    if doubtful:
        run.progress(f"{run.target.title} may not hold the RTL: it takes {told(doubtful)}; mapping it will tell")
    if not short:
        return
    said = f"{run.target.title} can't hold the RTL: it takes {told(short)}"
    if not run.spec.reaches("synthesis"):
        run.progress(said)
        return
    run.progress("looking for what it can hold")
    fits = list(_what_fits(run, work, stream, folded))
    raise BoardError(f"{said}. What fits by the same estimate: {'; '.join(fits)}." if fits else
                     f"{said}, and no slower folding, no fewer bits of the weights and no other board of the catalogue "
                     "mends that; choose a smaller network or smaller images.")


def _what_fits(run: Run, work: Mapping[str, ConvWork], stream: StreamGraph, folded: StreamGraph) -> Iterator[str]:
    """The nearest that the board holds in each way, and the smallest board that holds the design."""
    from quantunet_hls.rtl.fold.capacity import held, needs
    from quantunet_hls.rtl.fold.nearest import as_fast, slower, weight_bits_held

    asked = stream_choices(run.spec)

    def folded_for(goal: Goal, board: Board, choices: StreamChoices = asked) -> StreamGraph | None:
        try:
            return fold_design(work, goal, board, stream, choices).streaming
        except QuantUNetError:
            return None

    if asked.weights == "rom":
        loaded = folded_for(run.spec.goal, run.target, replace(asked, weights="loaded"))
        if loaded is not None and held(needs(loaded, run.target)):
            yield "weights that are loaded at start-up (--weights loaded)"
    if asked.weights in ("rom", "loaded"):
        mixed = folded_for(run.spec.goal, run.target, replace(asked, weights="auto"))
        if mixed is not None and mixed.feeding and held(needs(mixed, run.target)):
            yield "weights of its largest layers in external memory (--weights auto)"
    choose = chosen_for(asked, run.target)
    rate = slower(stream, folded, run.target, choose, lambda rate: folded_for(Goal(frames_per_s=rate), run.target))
    if rate is not None:
        yield f"{rate:g} frames a second (--fps {rate:g})"
    plain = as_fast(stream, folded)
    bits = weight_bits_held(plain, run.target, choose)
    if bits is not None:
        yield f"weights of {bits} bits"
    board = _larger(run, plain, folded_for)
    if board is not None:
        yield f"{board.title} (--board {board.name})"


def _larger(run: Run, plain: StreamGraph, folded_for: Callable[[Goal, Board], StreamGraph | None]
            ) -> Board | None:
    """The smallest board that holds the design, folded for it as is asked for."""
    from quantunet_hls.rtl.fold.capacity import held, needs
    from quantunet_hls.rtl.fold.nearest import holds_chosen

    for known in boards.by_size():
        if known.name == run.target.name or not known.part_family.mapped:
            continue
        board = known if run.spec.clock_ns is None else replace(known, clock_ns=run.spec.clock_ns)
        if holds_chosen(plain, board, chosen_for(stream_choices(run.spec), board)):
            made = folded_for(run.spec.goal, board)
            if made is not None and held(needs(made, board)):
                return board
    return None
