"""Whether a board holds a design that has been mapped, and what of it belongs in its UltraRAM."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.rtl.synthesize.mapping import MappedDesign
from quantunet_hls.targets import CellCount

__all__ = ["check_fits", "layers_for_ultraram"]

#: Rows that windows reach over, and frames that wait for a factor of their whole, are as long at any speed.
_OF_MEMORY = "use smaller images, fewer channels or bits of them, or choose a larger board"

#: Blocks of 18 kbit that one UltraRAM block of 288 kbit stands for.
ULTRARAM_BLOCKS = 16


def layers_for_ultraram(mapped: MappedDesign, board: Board, placed: Collection[str] = ()) -> list[str]:
    """Layers whose memories should be tried in UltraRAM: none, unless block RAM is short and the board has any.

    UltraRAM holds nothing after configuration (UG573), so a ROM is never one; Yosys
    knows that. Layers with less block RAM than one UltraRAM block holds are left alone.

    Args:
        placed: layers whose memories have their place already.
    """
    have = board.resources
    if not have.uram or have.bram_18k is None or mapped.total.bram_18k <= have.bram_18k:
        return []
    return [layer for layer, module in mapped.layers.items()
            if module.count.bram_18k >= ULTRARAM_BLOCKS and layer not in placed]


def check_fits(count: CellCount, board: Board) -> None:
    """Refuse what a board can't hold.

    Raises:
        BoardError: names the resource that is short by most, how many there are and how many it takes.
    """
    needs = {name: value for name, value in asdict(count).items() if name != "carry"}
    shares = {name: need / have for name, need in needs.items()
              if (have := getattr(board.resources, name)) and need > have}
    shares |= {name: float("inf") for name, need in needs.items() if need and getattr(board.resources, name) == 0}
    if shares:
        name = max(shares, key=shares.__getitem__)
        remedy = _OF_MEMORY if name in ("bram_18k", "uram") else "ask for more cycles a frame or choose a larger board"
        raise BoardError(f"The design takes {needs[name]} {name.upper()}, but {board.title} has "
                         f"{getattr(board.resources, name)}; {remedy}.")
