"""Images to calibrate with, as a network takes them, and the port that they come in by."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.core.errors import DataError
from quantunet_hls.data.check_images import check_images
from quantunet_hls.data.image_folders import Pixels, image_files, names_in, read_images, to_input
from quantunet_hls.data.tiles import spread_tiles
from quantunet_hls.tuning.grids import IMAGE, Grid, Scales, best_grid

__all__ = ["CalibrationImages", "calibration_images", "other_names", "spread_evenly"]

#: Values that are looked at for the type of a port.
_PORT_VALUES = 1 << 20


@dataclass(frozen=True, eq=False)
class CalibrationImages:
    """Images of a network's size.

    Attributes:
        values: float32 (N, channels, height, width).
        port: of the hardware; its grid.
    """

    values: Tensor
    port: Grid

    def sha256(self) -> str:
        """Hex SHA-256 of shape, values and port."""
        digest = hashlib.sha256(f"{tuple(self.values.shape)} {self.port}".encode())
        digest.update(np.ascontiguousarray(self.values.numpy()).tobytes())
        return digest.hexdigest()

    @staticmethod
    def of(pixels: Pixels, count: int, size: tuple[int, int]) -> CalibrationImages:
        """Tiles of 8-bit images (N, channels, height, width), spread evenly over them.

        Raises:
            DataError: no images, or images smaller than a tile.
        """
        if not len(pixels):
            raise DataError("There are no images to calibrate with; name a folder that has some.")
        return CalibrationImages(to_input(spread_tiles(pixels[spread_evenly(len(pixels), count)], count, size)), IMAGE)


def calibration_images(data: Path | np.ndarray, count: int, image: tuple[int, int, int],
                       scored: Collection[int] = ()) -> CalibrationImages:
    """Images of somebody's data.

    Args:
        data: a folder or file of 8-bit images, or numbers as for
            :func:`quantunet_hls.data.check_images.check_images`.
        count: how many; fewer where there are fewer.
        image: channels, height and width that the network takes.
        scored: folds of the folder that are scored on, and so not calibrated with where it has others.

    Raises:
        DataError: images that are missing, damaged, or of another size.
    """
    channels, height, width = image
    if isinstance(data, np.ndarray) or data.suffix == ".npy":
        values = check_images(data, count, height, width, channels)
        flat = values.reshape(-1)[:: max(1, values.size // _PORT_VALUES)]
        port = best_grid(flat, bool((values < 0).any()), IMAGE.width, Scales.POWER_OF_TWO)
        return CalibrationImages(torch.from_numpy(values.transpose(0, 3, 1, 2)).float(), port)
    if data.is_file():
        files = [data]
    elif scored:
        files = [data / "images" / name for name in other_names(data, scored)]
    else:
        files = image_files(data)
    chosen = [files[place] for place in spread_evenly(len(files), count)]
    return CalibrationImages.of(read_images(chosen, channels=channels), count, (height, width))


def other_names(data: Path, scored: Collection[int]) -> tuple[str, ...]:
    """Images of a data folder that are in none of some folds; all where there are no others."""
    held = set(names_in(data, scored))
    return tuple(name for name in names_in(data) if name not in held) or names_in(data)


def spread_evenly(length: int, count: int) -> list[int]:
    """Some of so many places."""
    return [int(place) for place in np.linspace(0, length - 1, min(count, length)).round()]
