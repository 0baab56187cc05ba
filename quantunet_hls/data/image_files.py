"""One image file at a time: PNG, TIFF or NIfTI, its size looked at before a pixel is decoded."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from quantunet_hls.core.errors import DataError, ToolNotFoundError
from quantunet_hls.core.files import open_regular

__all__ = ["SUFFIXES", "read_image"]

_TIFF = (".tif", ".tiff")
#: Of files that are read.
SUFFIXES = (".png", *_TIFF, ".nii", ".nii.gz")

#: Most pixels of one image, and most bytes of its values before they are made 8-bit ones.
_MOST_PIXELS, _MOST_BYTES = 1 << 26, 1 << 28
#: Most bytes of a file.
_MOST_FILE_BYTES = 1 << 29

#: Compressions of TIFF that are decoded: none, LZW, deflate by two numbers, PackBits.
_TIFF_COMPRESSIONS = (1, 5, 8, 32946, 32773)
_DEFLATE = (8, 32946)
#: Most bytes of a part of a TIFF that may be compressed without its being looked at first: 256 MB at worst.
_SMALL_PART = 1 << 18

#: Of a NIfTI file: bytes of its header, and where in it the pixels' place stands; extensions may lie before that.
_NIFTI_HEADER, _NIFTI_PLACE, _NIFTI_FURTHEST = 348, 108, 1 << 20

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
_LONGEST_REASON = 200


def read_image(file: Path, modes: Sequence[str]) -> npt.NDArray[Any]:
    """The values of an image as they are stored.

    Args:
        file: with one two-dimensional image.
        modes: of pixels in PNG files that are taken, as Pillow names them.

    Returns:
        (height, width), or with planes (height, width, planes), of whatever type the file has.

    Raises:
        DataError: an absent, damaged or too large file, or a PNG of another mode; names it.
        ToolNotFoundError: the package that reads this format is missing.
    """
    name = file.name.lower()
    reader = _nifti if name.endswith((".nii", ".nii.gz")) else _tiff if name.endswith(_TIFF) else None
    with open_regular(file, _MOST_FILE_BYTES, what="an image", error=DataError) as stream:
        if reader is None:
            return _png(file, stream, modes)
        try:
            return reader(file, stream)
        except DataError:
            raise
        except ImportError as error:
            raise ToolNotFoundError(
                "nibabel" if reader is _nifti else "tifffile", f"reading {file}",
                "install it with: pip install 'quantunet-hls[train]'",
            ) from error
        except Exception as error:  # damaged files lead these libraries to many kinds of errors
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST_REASON]
            raise DataError(f"{file} can't be read as an image ({reason}); replace or remove it.") from error


def _check_size(file: Path, shape: Sequence[int], item_bytes: int = 1) -> None:
    values = math.prod(shape)
    if values > _MOST_PIXELS or values * item_bytes > _MOST_BYTES:
        raise DataError(
            f"{file} has {' x '.join(map(str, shape))} values of {item_bytes} bytes, and {_MOST_PIXELS:,} values or "
            f"{_MOST_BYTES:,} bytes are the limit; cut it into smaller images."
        )


def _png(file: Path, stream: BufferedReader, modes: Sequence[str]) -> npt.NDArray[Any]:
    try:
        with Image.open(stream, formats=["PNG"]) as image:
            _check_size(file, (image.height, image.width, len(image.getbands())))
            mode = image.mode
            if mode in modes:
                return np.asarray(image)
    except _UNREADABLE as error:
        reason = str(error)[:_LONGEST_REASON]
        raise DataError(f"{file} can't be read as a PNG image ({reason}); replace or remove it.") from error
    raise DataError(
        f"{file} has pixels of type {mode!r} where {' or '.join(map(repr, modes))} is needed "
        "(L: 8-bit grey, RGB: 8-bit colour); convert it."
    )


def _tiff(file: Path, stream: BufferedReader) -> npt.NDArray[Any]:
    import tifffile

    with tifffile.TiffFile(stream) as image:
        series = image.series[0]
        _check_size(file, series.shape, series.dtype.itemsize)
        for page in series.pages:
            _check_parts(file, stream, page)
        return np.asarray(series.asarray(maxworkers=1))


def _check_parts(file: Path, stream: BufferedReader, page: Any) -> None:
    """Refuse a page whose compressed parts hold more than they should: they are decompressed whole."""
    if page is None:
        return
    compression = int(page.keyframe.compression)
    if compression not in _TIFF_COMPRESSIONS:
        raise DataError(f"{file} is compressed in a way that is not read; save it uncompressed or with deflate.")
    most = math.prod(page.keyframe.chunks) * page.keyframe.dtype.itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if compression in _DEFLATE and count > _SMALL_PART:
            stream.seek(offset)
            part = zlib.decompressobj()
            part.decompress(stream.read(count), most + 1)
            if part.unconsumed_tail:
                raise DataError(f"{file} holds more than its size says; save it anew.")


def _nifti(file: Path, stream: BufferedReader) -> npt.NDArray[Any]:
    import nibabel

    source: Any = gzip.GzipFile(fileobj=stream) if file.name.lower().endswith(".gz") else stream
    start = source.read(_NIFTI_HEADER)
    header = nibabel.Nifti1Header(start)
    order = header.endianness
    place = struct.unpack_from(f"{order}f", start, _NIFTI_PLACE)[0]
    if not 0 <= place <= _NIFTI_FURTHEST:
        raise DataError(f"{file} has its pixels {place:g} bytes behind its start; save it anew.")
    _check_size(file, header.get_data_shape(), header.get_data_dtype().itemsize)
    image: Any = nibabel.load(file)
    stored = np.asarray(image.dataobj)
    # The first axis runs from left to right; further ones of one slice say nothing.
    return np.swapaxes(stored.reshape([*stored.shape[:2], *(size for size in stored.shape[2:] if size > 1)]), 0, 1)
