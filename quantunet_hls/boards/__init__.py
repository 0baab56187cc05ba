"""The boards that designs are made for: one JSON file each, or any part of the user's own."""

from quantunet_hls.boards.catalogue import Board, Memory, Resources, load, names
from quantunet_hls.boards.parts import Family, check_part, device_of, family_of, for_part

__all__ = [
    "Board",
    "Family",
    "Memory",
    "Resources",
    "check_part",
    "device_of",
    "family_of",
    "for_part",
    "load",
    "names",
]
