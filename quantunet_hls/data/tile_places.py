"""Where tiles lie along one side of an image; plain functions, which also go into scripts beside a design."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["owned", "starts"]


def starts(length: int, tile: int) -> tuple[int, ...]:
    """First pixels of the fewest tiles that cover a side, neighbours sharing a quarter of a tile or more.

    A quarter is what the sliding window of a training's validation takes.

    Args:
        length: of the side in pixels, at least a tile's.
        tile: pixels of a tile.
    """
    step = tile - tile // 4
    gaps = -(-(length - tile) // step)
    return tuple(index * (length - tile) // gaps for index in range(gaps + 1)) if gaps else (0,)


def owned(firsts: Sequence[int], tile: int) -> Iterator[tuple[int, int]]:
    """First pixel and end of what each tile contributes: the pixels that lie deepest in it.

    Args:
        firsts: first pixels of the tiles, as from :func:`starts`.
        tile: pixels of a tile.
    """
    borders = [0, *((before + tile + after) // 2 for before, after in pairwise(firsts)), firsts[-1] + tile]
    return pairwise(borders)
