"""Whether a board holds a folded design, as far as its estimate tells: before anything is generated or mapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quantunet_hls.boards import Board
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.fold.ultraram import spared_by_ultraram

__all__ = ["MAPPED_SHARES", "Need", "beyond", "held", "in_doubt", "needs", "told"]

#: Least and most that Yosys mapped designs to, as shares of their estimates, over all designs of
#: ``reports/reference/estimates.json`` (``benchmarks/estimates.py``), a hundredth further out.
MAPPED_SHARES: Mapping[str, tuple[float, float]] = {
    "lut": (0.95, 1.18), "dsp": (0.90, 1.01), "bram_18k": (0.86, 1.01)}
#: UltraRAM is asked for by name, so it is counted and not estimated.
_COUNTED = {"uram": (1.0, 1.0)}

_TITLES = {"lut": "LUTs", "dsp": "DSP blocks", "bram_18k": "memory blocks of 18 kbit",
           "uram": "UltraRAM blocks"}


@dataclass(frozen=True)
class Need:
    """What a design is likely to take of one of a board's resources.

    Attributes:
        name: of the resource, as in :class:`quantunet_hls.boards.Resources`.
        estimated: as estimated; of memory blocks those that UltraRAM, if it were all used, can't stand for.
        least, most: by how far estimates have been off.
        have: of the board.
        roms: of memory blocks those with contents from the start, which UltraRAM never has.
    """

    name: str
    estimated: int
    least: int
    most: int
    have: int
    roms: int = 0

    def __str__(self) -> str:
        roms = f", {self.roms:,} of them for weights" if self.roms else ""
        return f"about {self.estimated:,} {_TITLES[self.name]}{roms}, of which there are {self.have:,}"


def needs(graph: StreamGraph, board: Board) -> tuple[Need, ...]:
    """What a folded graph with its multipliers takes of those resources of a board that are known."""
    found, have = estimate(graph, board.part_family), board.resources
    made = []
    for name, (low, high) in {**MAPPED_SHARES, **_COUNTED}.items():
        number, of_board = getattr(found, name), getattr(have, name)
        if of_board is None or (name in _COUNTED and not number):
            continue
        roms = found.rom_18k if name == "bram_18k" else 0
        # What is written while the design runs may lie in UltraRAM.
        elsewhere = (spared_by_ultraram(graph, board.part_family, max((have.uram or 0) - found.uram, 0))
                     if name == "bram_18k" and number > of_board else 0)
        estimated, least, most = (round(share * roms) + max(round(share * (number - roms)) - elsewhere, 0)
                                  for share in (1, low, high))
        made.append(Need(name, estimated, least, most, of_board, roms))
    return tuple(made)


def beyond(found: Iterable[Need]) -> list[Need]:
    """Those that the board has too little of even if all else were in the design's favour."""
    return [need for need in found if need.least > need.have]


def in_doubt(found: Iterable[Need]) -> list[Need]:
    """Those of which it may have too little, estimates being what they are."""
    return [need for need in found if need.least <= need.have < need.most]


def held(found: Iterable[Need]) -> bool:
    """Whether a board has what is estimated, of all that is known."""
    return all(need.estimated <= need.have for need in found)


def told(found: Iterable[Need]) -> str:
    """Resources and what there is of them, in words."""
    return "; ".join(map(str, found))
