"""Image folders: ``DIR/images``, ``DIR/masks`` with files of the same names, and perhaps ``DIR/index.csv``.

Files are PNG, TIFF or NIfTI, one two-dimensional image each. Pixels are 8-bit
integers here: 8-bit files are taken as they are, others are stretched from their
own smallest to their own largest value. The network's input port reads a grey value v
as v / 256 (:func:`to_input`), in training, in inference and in hardware alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.data.image_files import SUFFIXES, read_image
from quantunet_hls.data.index_file import Kinds, kinds_of, read_index

__all__ = ["Samples", "Split", "has_masks", "image_files", "names_in", "read_images", "read_pairs",
           "read_unlabelled", "require_masks", "to_input"]

Pixels = npt.NDArray[np.uint8]

_MODES = {1: ("L",), 3: ("RGB",)}
_MASK_MODES = ("1", "L")
#: Most values of all images that are read at once, a byte each.
_MOST_VALUES = 1 << 32


@dataclass(frozen=True)
class Samples:
    """Images with their truth.

    Attributes:
        images: grey or colour values 0 to 255, uint8 (N, C, H, W).
        masks: class indices, uint8 (N, H, W); 0 is the background.
        names: a name for every image.
        kinds: of every image's foreground; None where nobody says.
    """

    images: Pixels
    masks: Pixels
    names: tuple[str, ...]
    kinds: Kinds | None = None

    def __post_init__(self) -> None:
        count, _, height, width = self.images.shape
        if self.masks.shape != (count, height, width) or len(self.names) != count:
            raise DataError(
                f"Images of shape {self.images.shape} do not go with masks of shape {self.masks.shape} "
                f"and {len(self.names)} names; give one mask and one name for every image."
            )

    def __len__(self) -> int:
        return len(self.images)

    def at(self, places: Sequence[int] | npt.NDArray[np.integer]) -> Samples:
        """Those at some places."""
        chosen = np.asarray(places, dtype=int)
        return Samples(self.images[chosen], self.masks[chosen], tuple(self.names[place] for place in chosen),
                       self.kinds and self.kinds.at(chosen))

    def told_apart(self, classes: int) -> Samples:
        """The same with as many classes in the masks, the background among them, as a network tells apart.

        Of more than two, the foreground of each image becomes the class that its kind says; masks that have several
        classes already stay.

        Raises:
            DataError: masks that know the foreground only, or other kinds than there are classes.
        """
        if classes <= 2:
            return self
        if self.kinds is None:
            if self.masks.size and self.masks.max() <= 1:
                raise DataError(
                    f"The network tells {classes} classes apart and the masks know the foreground only; add the "
                    "column class, the kind of each image's foreground, to index.csv."
                )
            return self
        return replace(self, masks=self.kinds.classes_in(self.masks > 0, classes, self.names))

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
    """Read images: PNG of 8 bits, TIFF, NIfTI.

    Args:
        source: a folder (its ``images`` subfolder's files, or its own where it has no such subfolder),
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
        files = image_files(Path(source))
    else:
        files = [Path(file) for file in source]
        if not files:
            raise DataError("No image file was given; name at least one.")
    if limit is not None:
        if limit < 1:
            raise ConfigurationError(f"The number of images to read must be at least 1, not {limit}.")
        files = files[:limit]
    if channels not in _MODES:
        raise ConfigurationError(f"Images have 1 or 3 channels, not {channels}.")
    return _read_all(files, _MODES[channels], height, width)


def image_files(folder: Path) -> list[Path]:
    """The images in a folder's ``images`` subfolder, or in itself where it has no such subfolder, by their names.

    Raises:
        DataError: none there.
    """
    inner = folder / "images"
    files = _images_in(inner if _is(inner.is_dir) else folder)
    if not files:
        raise DataError(
            f"{folder} has no images (*.png, *.tif, *.nii, or such in images/); name a folder that has some."
        )
    return files


def _read_all(files: Sequence[Path], modes: Sequence[str], height: int | None, width: int | None) -> Pixels:
    first = _read_one(files[0], modes)
    height, width = height or first.shape[1], width or first.shape[2]
    size = len(files) * len(first) * height * width
    if size > _MOST_VALUES:
        raise DataError(
            f"{len(files):,} images such as {files[0]} have {size:,} values together, and {_MOST_VALUES:,} are the "
            "limit; take fewer or smaller ones."
        )
    images = np.empty((len(files), len(first), height, width), np.uint8)
    for place, file in enumerate(files):
        image = first if place == 0 else _read_one(file, modes)
        if image.shape[1:] != (height, width):
            raise DataError(
                f"{file} is {image.shape[1]}x{image.shape[2]} (height x width) where {height}x{width} is needed; "
                "resize or crop it."
            )
        images[place] = image
    return images


def _read_one(file: Path, modes: Sequence[str]) -> Pixels:
    """(channels, height, width); a mask's ones become 255."""
    values = read_image(file, modes)
    if file.suffix.lower() == ".png":
        # Of one bit a pixel: masks.
        values = values.astype(np.uint8) * 255 if values.dtype == bool else values
        return np.moveaxis(np.atleast_3d(values), 2, 0)
    colour = modes == _MODES[3]
    if values.ndim != (3 if colour else 2) or (colour and values.shape[2] != 3):
        raise DataError(
            f"{file} has the shape {values.shape}, where "
            f"{'(height, width, 3)' if colour else '(height, width)'} is needed; save every slice as a file of its own."
        )
    real = values.dtype == bool or np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)
    if not real or not values.size or not np.isfinite(values).all():
        raise DataError(f"{file} has values that are no numbers, or none at all; save plain grey values.")
    if modes == _MASK_MODES:
        # Label files count classes from 0; whatever is neither 0, 1 nor 255 is refused where masks are checked.
        whole = np.where(values == 1, 255, np.where(values == 0, 0, np.clip(np.rint(values), 2, 255)))
        return whole.astype(np.uint8)[None]
    return np.moveaxis(np.atleast_3d(values if values.dtype == np.uint8 else _stretched(values)), 2, 0)


def _images_in(folder: Path) -> list[Path]:
    try:
        if not folder.is_dir():
            return []
        return sorted(file for file in folder.iterdir() if file.name.lower().endswith(SUFFIXES))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{folder} can't be read ({getattr(error, 'strerror', None) or error}); check the path and the folder."
        ) from error


def _stretched(values: npt.NDArray[Any]) -> Pixels:
    low, high = float(values.min()), float(values.max())
    share = (values.astype(np.float64) - low) / (high - low if high > low else 1.0)
    return np.rint(share * 255).astype(np.uint8)


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
    if not _is((folder / "images").is_dir):
        raise DataError(f"{folder} has no images subfolder; name a folder with images/ and masks/.")
    if folds is None:
        names = [file.name for file in _images_in(folder / "images")]
        if not names:
            raise DataError(f"{folder / 'images'} has no PNG, TIFF or NIfTI image; name a folder that has some.")
        return tuple(names)
    fold_of = read_index(folder / "index.csv", "fold", int)
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


def _is(test: Callable[[], bool]) -> bool:
    """Whether a path is so; one that can't be, or can't be looked at, is not."""
    try:
        return test()
    except (OSError, ValueError):
        return False


def require_masks(folder: Path, names: Sequence[str]) -> None:
    """Whether each of these images has a mask.

    Raises:
        DataError: names the first that has none.
    """
    for name in names:
        if not _is((folder / "masks" / name).is_file):
            raise DataError(f"{folder / 'images' / name} has no mask; put it at {folder / 'masks' / name}.")


def has_masks(folder: Path) -> bool:
    """Whether a data folder has truth beside its images."""
    return _is((Path(folder) / "masks").is_dir)


def read_unlabelled(folder: Path, names: Sequence[str] | None = None, *, channels: int = 1) -> Samples:
    """Images without their masks, which are all 0.

    Args:
        folder: as for :func:`image_files`, or with ``images/`` where names are given.
        names: file names, as from :func:`names_in`; all where it is None.
        channels: 1 for grey, 3 for RGB images.

    Raises:
        DataError: no image, or one that is missing, unreadable, or of another size than the first; names the file.
    """
    folder = Path(folder)
    files = image_files(folder) if names is None else [folder / "images" / name for name in names]
    images = read_images(files, channels=channels)
    return Samples(images, np.zeros((len(images), *images.shape[2:]), np.uint8), tuple(file.name for file in files))


def read_pairs(
    folder: Path,
    names: Sequence[str] | None = None,
    *,
    height: int | None = None,
    width: int | None = None,
    channels: int = 1,
    classes: int = 1,
) -> Samples:
    """Read images with their masks (0 background, 255 foreground).

    Args:
        folder: folder with ``images/`` and ``masks/``.
        names: file names, as from :func:`names_in`; all where it is None.
        height: rows that every image must have; as the first image has where it is None.
        width: columns, likewise.
        channels: 1 for grey, 3 for RGB images.
        classes: that are told apart, the background among them; of more than two, 255 is the class that the image's
            kind has (:mod:`quantunet_hls.data.index_file`).

    Raises:
        DataError: a missing or unreadable file, sizes that differ, a mask with other values; names the file. Or an
            index that says other kinds than that.
    """
    folder = Path(folder)
    names = names_in(folder) if names is None else tuple(names)
    require_masks(folder, names)
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
    read = Samples(images, (masks // 255).astype(np.uint8), tuple(names), kinds_of(folder, names))
    return read.told_apart(classes)
