"""The catalogue: the boards that come with the package and the user's own, each a JSON file that bears its name."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from platformdirs import user_data_path

from quantunet_hls.boards.board import Board, read_board
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError

__all__ = ["by_size", "load", "names", "own_folder", "shipped"]

_FOLDER = Path(__file__).parent


def own_folder() -> Path:
    """The user's own boards: ``QUANTUNET_HLS_BOARDS`` of the environment, or ``boards/`` in the user's data folder."""
    override = os.environ.get("QUANTUNET_HLS_BOARDS")
    return Path(override) if override else user_data_path("quantunet-hls", appauthor=False) / "boards"


def names() -> list[str]:
    """The names of all boards in the catalogue, sorted; the user's own among them."""
    return sorted(_files())


def load(board: str) -> Board:
    """A board of the catalogue, or that of a JSON file.

    Args:
        board: its name, or the path of its file: what ends in ``.json`` and names a folder, or a file that is there.
            Of two with one name the user's own is taken.

    Raises:
        UnknownNameError: where the catalogue has none, with the nearest names.
        ConfigurationError: a file that is absent, or no board's.
    """
    if board.endswith(".json") and (Path(board).name != board or Path(board).is_file()):
        if not Path(board).is_file():
            raise ConfigurationError(f"There is no board file {board}; write one, or choose a board of "
                                     "`quantunet-hls boards`.")
        return read_board(Path(board))
    known = _files()
    if board not in known:
        raise UnknownNameError("board", board, known, "quantunet-hls boards")
    return read_board(known[board])


def by_size() -> list[Board]:
    """The boards of the catalogue whose LUTs, DSP blocks and block RAM are known, fewest LUTs first.

    A file of the user's that is no board is left out; who asks for it by name is told.
    """
    found = []
    for path in _files().values():
        try:
            board = read_board(path)
        except ConfigurationError:
            continue
        have = board.resources
        if have.lut and have.dsp and have.bram_18k:
            found.append((have.lut, board.name, board))
    return [board for _, _, board in sorted(found, key=lambda each: each[:2])]


@cache
def shipped() -> tuple[Board, ...]:
    """The boards that come with the package."""
    return tuple(read_board(path) for path in sorted(_FOLDER.glob("*.json")))


def _files() -> dict[str, Path]:
    return {path.stem: path for folder in (_FOLDER, own_folder()) for path in folder.glob("*.json")}
