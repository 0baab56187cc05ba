"""Place and route of a mapped design, with the driver of its part's family."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.targets import FAMILIES
from quantunet_hls.targets.place import PlaceAndRoute, Placed

__all__ = ["driver_of", "place_and_route"]


def driver_of(board: Board) -> PlaceAndRoute:
    """What places and routes for a board's part.

    Raises:
        BoardError: nothing does.
    """
    driver = board.part_family.place_and_route
    if driver is None:
        able = ", ".join(f"{each.vendor} {each.title}" for each in FAMILIES if each.place_and_route)
        raise BoardError(f"{board.title} has a {board.part}; the open place and route here takes {able} only.")
    return driver


def place_and_route(top: str, netlists: Sequence[Path], board: Board, folder: Path, *,
                    constraints: str | None = None) -> Placed:
    """Link a mapped design for a board's part, place and route it, and pack the bitstream.

    A clock that is missed is a figure in the result, not an error.

    Args:
        top: name of the top module; its clock is the port or net ``clk``.
        netlists: Verilog of the cells of the top module and of all modules in it.
        folder: for netlist, logs and bitstream.
        constraints: in the form of the family's tool; ports that they leave out go to any pin.

    Raises:
        BoardError: a part that nothing places and routes for.
        ToolNotFoundError, ToolFailedError: a tool is absent, failed or ran past its limit.
    """
    return driver_of(board).place(top, netlists, board.part, board.clock_mhz, folder, constraints=constraints)
