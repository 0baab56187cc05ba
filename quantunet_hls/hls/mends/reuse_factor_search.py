"""Every number up to inputs x outputs is tried as a reuse factor (``get_valid_reuse_factors``; no issue upstream).

hls4ml 1.3.0 calls its rule in Python for each of them: 9.4 million times for a
convolution of 3x3 kernels from 1,024 channels to 1,024. Here those that the
rule lets through are found among the divisors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hls4ml.backends import FPGABackend

from quantunet_hls.folding import ConvWork, valid_reuse

__all__ = ["applied"]

_NAME = "get_valid_reuse_factors"


def _valid(backend: FPGABackend, n_in: int, n_out: int) -> list[int]:
    """Ascending, the same numbers that hls4ml finds."""
    return valid_reuse(ConvWork(int(n_in), int(n_out), pixels=1))


@contextmanager
def applied() -> Iterator[None]:
    """All backends with this search in place of their own: Vitis leaves its convolutions to Vivado's passes."""
    theirs = getattr(FPGABackend, _NAME)
    setattr(FPGABackend, _NAME, _valid)
    try:
        yield
    finally:
        setattr(FPGABackend, _NAME, theirs)
