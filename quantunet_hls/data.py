"""Image folders: ``DIR/images/*.png``, ``DIR/masks/*.png`` of the same names, and perhaps ``DIR/index.csv``.

Pixels stay 8-bit integers here. The network's input port reads a grey value v
as v / 256 (:func:`to_input`), in training, in inference and in hardware alike.
"""

from __future__ import annotations

import csv
import hashlib
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from quantunet_hls.errors import ConfigurationError, DataError

__all__ = ["Samples", "Split", "names_in", "read_images", "read_pairs", "to_input"]

Pixels = npt.NDArray[np.uint8]

_MODES = {1: ("L",), 3: ("RGB",)}
_MASK_MODES = ("1", "L")
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class Samples:
    """Images with their truth.

    Attributes:
        images: grey or colour values 0 to 255, uint8 (N, C, H, W).
        masks: class indices, uint8 (N, H, W); 0 is the background.
        names: a name for every image.
    """

    images: Pixels
    masks: Pixels
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        count, _, height, width = self.images.shape
        if self.masks.shape != (count, height, width) or len(self.names) != count:
            raise DataError(
                f"Images of shape {self.images.shape} do not go with masks of shape {self.masks.shape} "
                f"and {len(self.names)} names; give one mask and one name for every image."
            )

    def __len__(self) -> int:
        return len(self.images)

    def sha256(self) -> str:
        """Hex SHA-256 over shapes, pixels and masks, in this order of images."""
        digest = hashlib.sha256(str(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).tobytes())
        digest.update(np.ascontiguousarray(self.masks).tobytes())
        return digest.hexdigest()


def to_input(images: Pixels) -> Tensor:
    """What the network's 8-bit input port sees: float32 of the same shape, v / 256 for a grey value v."""
    return torch.from_numpy(np.ascontiguousarray(images)).float() / 256


def read_images(
    source: Path | Sequence[Path],
    *,
    height: int | None = None,
    width: int | None = None,
    channels: int = 1,
    limit: int | None = None,
) -> Pixels:
    """Read 8-bit PNG images.

    Args:
        source: a folder (its ``images/*.png``, or its own ``*.png`` where it has no such subfolder),
            in the order of their names, or the files themselves.
        height: rows that every image must have; as the first image has where it is None.
        width: columns, likewise.
        channels: 1 for grey, 3 for RGB.
        limit: read this many at most.

    Returns:
        uint8 array (N, channels, height, width).

    Raises:
        DataError: no image there, or one that is unreadable, of another size or of another type; names the file.
    """
    if isinstance(source, Path | str):
        folder = Path(source)
        inner = folder / "images"
        files = sorted((inner if inner.is_dir() else folder).glob("*.png"))
        if not files:
            raise DataError(f"{folder} has no images (*.png, or images/*.png); name a folder that has some.")
    else:
        files = [Path(file) for file in source]
        if not files:
            raise DataError("No image file was given; name at least one.")
    if limit is not None:
        if limit < 1:
            raise ConfigurationError(f"The number of images to read must be at least 1, not {limit}.")
        files = files[:limit]
    if channels not in _MODES:
        raise ConfigurationError(f"PNG images have 1 or 3 channels, not {channels}.")
    return _read_all(files, _MODES[channels], height, width)


def _read_all(files: Sequence[Path], modes: Sequence[str], height: int | None, width: int | None) -> Pixels:
    images: list[Pixels] = []
    for file in files:
        image = _read_png(file, modes)
        height, width = height or image.shape[1], width or image.shape[2]
        if image.shape[1:] != (height, width):
            raise DataError(
                f"{file} is {image.shape[1]}x{image.shape[2]} (height x width) where {height}x{width} is needed; "
                "resize or crop it."
            )
        images.append(image)
    return np.stack(images)


def _read_png(file: Path, modes: Sequence[str]) -> Pixels:
    try:
        with Image.open(file, formats=["PNG"]) as image:
            mode = image.mode
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist; check the path.") from error
    except _UNREADABLE as error:
        raise DataError(f"{file} can't be read as a PNG image ({error}); replace or remove it.") from error
    if mode not in modes:
        raise DataError(
            f"{file} has pixels of type {mode!r} where {' or '.join(map(repr, modes))} is needed "
            "(L: 8-bit grey, RGB: 8-bit colour); convert it."
        )
    if mode == "1":
        pixels = pixels.astype(np.uint8) * 255
    return np.moveaxis(np.atleast_3d(pixels), 2, 0)


def names_in(folder: Path, folds: Collection[int] | None = None) -> tuple[str, ...]:
    """File names of a data folder's images, sorted.

    Args:
        folder: folder with ``images/``, ``masks/`` and, if folds are asked for, ``index.csv``
            with the columns ``file`` and ``fold``.
        folds: only images of these folds; all where it is None.

    Raises:
        DataError: no such folder, no image, no readable index, or no image in these folds.
    """
    folder = Path(folder)
    if not (folder / "images").is_dir():
        raise DataError(f"{folder} has no images subfolder; name a folder with images/ and masks/.")
    if folds is None:
        names = sorted(file.name for file in (folder / "images").glob("*.png"))
        if not names:
            raise DataError(f"{folder / 'images'} has no PNG image; name a folder that has some.")
        return tuple(names)
    fold_of = _read_index(folder / "index.csv")
    names = sorted(name for name, fold in fold_of.items() if fold in folds)
    if not names:
        raise DataError(
            f"{folder / 'index.csv'} has no image in fold {_listed(folds)}; "
            f"its folds are {_listed(set(fold_of.values())) or 'none'}."
        )
    return tuple(names)


@dataclass(frozen=True)
class Split:
    """Which images of a data folder: those of some folds of its index, or those at some places of a stack.

    Attributes:
        kind: "fold", or "slice": a place, from 0, in the order of the names.
        numbers: of the folds or places.
    """

    kind: str
    numbers: tuple[int, ...]

    def names(self, folder: Path) -> tuple[str, ...]:
        """File names, sorted.

        Raises:
            DataError: no such folder or index, no image in these folds, or no image at one of these places.
        """
        if self.kind == "fold":
            return names_in(folder, self.numbers)
        everything = names_in(folder)
        beyond = [number for number in self.numbers if not 0 <= number < len(everything)]
        if beyond:
            raise DataError(
                f"{folder / 'images'} has no slice {beyond[0]}; its slices are 0 to {len(everything) - 1}."
            )
        return tuple(everything[number] for number in self.numbers)


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _read_index(file: Path) -> dict[str, int]:
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        fold_of = {row["file"]: int(row["fold"]) for row in rows}
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist, and a split by fold needs it; add it.") from error
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(
            f"{file} can't be read as an index ({error}); it needs the columns file and fold, a whole number."
        ) from error
    for name in fold_of:
        if Path(name).name != name or name in {"", ".", ".."}:
            raise DataError(f"{file} lists {name!r}, which is no plain file name; keep the images in images/.")
    if len(fold_of) != len(rows):
        raise DataError(f"{file} lists a file twice; keep one line for each.")
    return fold_of


def read_pairs(
    folder: Path,
    names: Sequence[str] | None = None,
    *,
    height: int | None = None,
    width: int | None = None,
    channels: int = 1,
) -> Samples:
    """Read images with their masks (0 background, 255 class 1).

    Args:
        folder: folder with ``images/`` and ``masks/``.
        names: file names, as from :func:`names_in`; all where it is None.
        height: rows that every image must have; as the first image has where it is None.
        width: columns, likewise.
        channels: 1 for grey, 3 for RGB images.

    Raises:
        DataError: a missing or unreadable file, sizes that differ, a mask with other values; names the file.
    """
    folder = Path(folder)
    names = names_in(folder) if names is None else tuple(names)
    for name in names:
        if not (folder / "masks" / name).is_file():
            raise DataError(f"{folder / 'images' / name} has no mask; put it at {folder / 'masks' / name}.")
    images = read_images(
        [folder / "images" / name for name in names], height=height, width=width, channels=channels
    )
    files = [folder / "masks" / name for name in names]
    masks = _read_all(files, _MASK_MODES, images.shape[2], images.shape[3])[:, 0]
    odd = (masks != 0) & (masks != 255)
    if odd.any():
        first = int(np.argmax(odd.any(axis=(1, 2))))
        raise DataError(
            f"{files[first]} has the value {masks[first][odd[first]][0]} where a mask has 0 and 255 only; threshold it."
        )
    return Samples(images=images, masks=(masks // 255).astype(np.uint8), names=tuple(names))
