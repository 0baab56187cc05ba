"""Images larger than a network's input: tiles that overlap, and one result made of theirs.

Every pixel of the result comes from one tile, the one in which it lies deepest
(borders are in the middle of an overlap), so that classes join as well as logits
do, and the hardware, which may send either, is compared like with like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from torch import Tensor

from quantunet_hls.core.errors import DataError
from quantunet_hls.data.tile_places import owned, starts

__all__ = ["Tiling", "spread_tiles", "tiling_of"]

Pixels = TypeVar("Pixels", np.ndarray, Tensor)


@dataclass(frozen=True)
class Tiling:
    """Where the tiles of an image lie.

    Attributes:
        image: rows and columns of the image.
        tile: rows and columns of a tile.
        rows: first row of each row of tiles.
        columns: first column of each column of tiles.
    """

    image: tuple[int, int]
    tile: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def cut(self, images: Pixels) -> list[Pixels]:
        """The tiles of images (N, C, rows, columns): for each place, row by row, those of all images."""
        return [images[..., row:row + self.tile[0], column:column + self.tile[1]]
                for row in self.rows for column in self.columns]

    def join(self, tiles: Sequence[Pixels], whole: Pixels) -> Pixels:
        """Fill ``whole`` (..., rows, columns) from what :meth:`cut` gave, or what became of it."""
        parts = iter(tiles)
        for row, (top, bottom) in zip(self.rows, owned(self.rows, self.tile[0]), strict=True):
            for column, (left, right) in zip(self.columns, owned(self.columns, self.tile[1]), strict=True):
                whole[..., top:bottom, left:right] = next(parts)[..., top - row:bottom - row,
                                                                 left - column:right - column]
        return whole


def tiling_of(image: tuple[int, int], tile: tuple[int, int]) -> Tiling:
    """The fewest tiles that cover an image with neighbours that overlap by a quarter of a tile or more.

    Args:
        image: rows and columns of the images.
        tile: rows and columns that the network takes.

    Raises:
        DataError: images that are smaller than a tile.
    """
    if image[0] < tile[0] or image[1] < tile[1]:
        raise DataError(f"The images are {image[0]}x{image[1]} (height x width) and the network takes "
                        f"{tile[0]}x{tile[1]}; enlarge them or build the network for a smaller size.")
    return Tiling(image, tile, starts(image[0], tile[0]), starts(image[1], tile[1]))


def spread_tiles(images: np.ndarray, count: int, tile: tuple[int, int]) -> np.ndarray:
    """One tile of each image, every image's at another place; more of each where there are fewer images than asked.

    Args:
        images: (N, C, height, width).
        count: how many tiles; fewer where the images have fewer.
        tile: rows and columns of a tile.

    Returns:
        Tiles (count, C, rows, columns), the images in turn.

    Raises:
        DataError: images that are smaller than a tile.
    """
    places = tiling_of((images.shape[2], images.shape[3]), tile).cut(images)
    chosen = [(index % len(images), (index % len(images) + index // len(images)) % len(places))
              for index in range(min(count, len(images) * len(places)))]
    return np.stack([places[place][image] for image, place in chosen])
