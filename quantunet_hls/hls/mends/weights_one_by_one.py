"""Weights are formatted and written one by one, twice each (``print_array_to_cpp``; no issue upstream).

hls4ml 1.3.0 takes four microseconds a weight: over two minutes for 31 million. A
quantized layer has few different weights, so here each of these is formatted
once, and the writer is given all of a layer's text as if it were one weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hls4ml.backends import get_backend
from hls4ml.model.types import WeightVariable

__all__ = ["applied"]

_NAME = "print_array_to_cpp"


class _Joined:
    """A variable whose only item is the text of all of its items."""

    def __init__(self, variable: WeightVariable):
        self._variable = variable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._variable, name)

    def __iter__(self) -> Iterator[str]:
        values = np.ascontiguousarray(self._variable.data).reshape(-1)
        # By their bits, so that zeros keep their signs.
        bits, places = np.unique(values.view(f"u{values.itemsize}"), return_inverse=True)
        texts = [self._variable.precision_fmt.format(value) for value in bits.view(values.dtype)]
        yield ", ".join(map(texts.__getitem__, places.tolist()))


@contextmanager
def applied(backend: str) -> Iterator[None]:
    """The writer of the backend of that name, writing so what is written as plain numbers."""
    writer = get_backend(backend).writer
    theirs = getattr(writer, _NAME)

    def write(var: WeightVariable, *args: Any, **options: Any) -> None:
        plain = type(var).__iter__ is WeightVariable.__iter__
        theirs(_Joined(var) if plain else var, *args, **options)

    setattr(writer, _NAME, write)
    try:
        yield
    finally:
        # The class's own is seen again.
        delattr(writer, _NAME)
