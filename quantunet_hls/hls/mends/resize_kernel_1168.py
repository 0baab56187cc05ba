"""Nearest upsampling unrolls a whole row times all channels (hls4ml issue 1168).

The kernel of hls4ml 1.3.0 is pipelined by row, so synthesis of a small U-Net
does not end. The kernel beside this file is pipelined by pixel and keeps one row
in a buffer. It has the same name and stands in the same header, which hls4ml's
table of custom sources lets a project replace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hls4ml.backends import get_backend

__all__ = ["HEADER", "applied"]

HEADER = Path(__file__).with_name("nnet_image_stream.h")
_DESTINATION = f"nnet_utils/{HEADER.name}"


@contextmanager
def applied(backend: str) -> Iterator[None]:
    """Projects written for this backend get the header beside this file."""
    sources = get_backend(backend).custom_source
    sources[_DESTINATION] = HEADER
    try:
        yield
    finally:
        del sources[_DESTINATION]
