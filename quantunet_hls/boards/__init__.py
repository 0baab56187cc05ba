"""The boards that designs are made for: one JSON file each, also of the user's, or any part."""

from quantunet_hls.boards.board import Board, Memory, Resources, SerialLine
from quantunet_hls.boards.catalogue import by_size, load, names, own_folder
from quantunet_hls.boards.parts import for_part

__all__ = ["Board", "Memory", "Resources", "SerialLine", "by_size", "for_part", "load", "names", "own_folder"]
