"""Faults of hls4ml 1.3.0, each mended in a file of its own, through hls4ml's own tables.

The tables are global, so the mends hold only while :func:`mended` is open:
hls4ml behaves as ever for everybody else in the same process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from quantunet_hls.hls.mends import (
    model_in_configuration,
    random_stamp,
    resize_kernel_1168,
    resize_shape_1268,
    reuse_factor_search,
    rounded_away,
    weights_one_by_one,
)

__all__ = ["mended"]


@contextmanager
def mended(backend: str) -> Iterator[None]:
    """hls4ml with all mends in place, for conversions to the backend of that name."""
    with ExitStack() as stack:
        stack.enter_context(resize_shape_1268.applied())
        stack.enter_context(resize_kernel_1168.applied(backend))
        stack.enter_context(random_stamp.applied())
        stack.enter_context(reuse_factor_search.applied())
        stack.enter_context(model_in_configuration.applied())
        stack.enter_context(rounded_away.applied(backend))
        stack.enter_context(weights_one_by_one.applied(backend))
        yield
