"""Images to check a design on: the user's, or phantoms that the package draws."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from quantunet_hls.core.errors import DataError
from quantunet_hls.core.files import open_regular
from quantunet_hls.data.image_folders import read_images
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.data.tiles import spread_tiles

__all__ = ["check_count", "check_images"]

#: An 8-bit value v enters the network as v / 256, a number that the 8-bit input port holds exactly.
_FULL_SCALE = 256.0
#: Largest value of an image; no input port reaches as far.
_LARGEST = 2.0**60
#: Most values of all images of a check, in eight bytes each.
_MOST_VALUES = 1 << 26


def check_images(source: Path | np.ndarray | None, count: int, height: int, width: int, channels: int) -> np.ndarray:
    """Images for a simulation, as float64 (count, height, width, channels).

    Args:
        source: a folder or file of 8-bit images (values v enter as v / 256), which are cut into tiles where they
            are larger than what the network takes; a ``.npy`` file or an array of floats (images, channels,
            height, width) that are taken as they are; or None for phantoms.
        count: how many; fewer where the source has fewer.
        height: rows that the network takes.
        width: columns.
        channels: colour planes.

    Raises:
        DataError: images that are missing, damaged, or of another size.
    """
    if count < 1:
        raise DataError(f"A check needs at least 1 image, not {count}.")
    if source is None:
        check_count(count, channels * height * width)
        pixels = draw_phantoms(count, height, width, channels=channels).images
        values = pixels / _FULL_SCALE
    elif isinstance(source, np.ndarray) or Path(source).suffix == ".npy":
        values = _as_given(source, (channels, height, width), count)
    else:
        pixels = read_images(Path(source), channels=channels, limit=count)
        # Tiles overlap, so that they have up to twice the pixels of their images.
        values_of_tile = channels * height * width
        check_count(min(count, -(-2 * pixels.size // values_of_tile)), values_of_tile)
        values = spread_tiles(pixels, count, (height, width)) / _FULL_SCALE
    # In single precision, as QONNX takes images: every executor then starts from the same numbers.
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1), dtype=np.float32).astype(np.float64)


def check_count(count: int, values: int) -> None:
    """Refuse more images than are held at once.

    Args:
        count: of images.
        values: of one of them.

    Raises:
        DataError: names how many there may be.
    """
    if count < 1:
        raise DataError(f"A check needs at least 1 image, not {count}.")
    if count * values > _MOST_VALUES:
        raise DataError(
            f"{count:,} images of {values:,} values each are too many to check with at once; "
            f"take at most {_MOST_VALUES // values:,}, or smaller ones."
        )


def _as_given(source: Path | np.ndarray, shape: tuple[int, int, int], count: int) -> np.ndarray:
    if isinstance(source, np.ndarray):
        values, name = source, "The array"
    else:
        name = str(source)
        try:
            open_regular(source, what="an array", error=DataError).close()
            # Mapped, an array takes no memory before its type and shape are known.
            values = np.load(source, mmap_mode="r", allow_pickle=False)
        except DataError:
            raise
        except Exception as error:  # numpy evaluates the header, and raises whatever its text leads to
            raise DataError(f"{source} can't be read as a .npy array of numbers; save it with numpy.save.") from error
        if not isinstance(values, np.ndarray):
            values.close()
            raise DataError(f"{source} is an archive of arrays; save the one of the images with numpy.save.")
    if values.ndim != 4 or values.shape[1:] != shape or not len(values):
        raise DataError(f"{name} has the shape {values.shape}, where (images, {', '.join(map(str, shape))}) is needed.")
    values = values[:count]
    check_count(len(values), math.prod(shape))
    real = np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)
    # The comparison is false for NaN, too.
    if not real or not np.all(np.abs(values.astype(np.float64)) <= _LARGEST):
        raise DataError(f"{name} holds values that are no numbers up to {_LARGEST:g}; save plain floats.")
    return values
