"""Numbers of products and of their sums: in which steps they are, and which type holds all of them."""

from __future__ import annotations

import numpy as np

from quantunet_hls.ops.loaded import WIDEST
from quantunet_hls.types.fixed import FixedType, Integers, covering

__all__ = ["exact_sums", "in_steps"]


def in_steps(codes: Integers, finer: int) -> Integers | None:
    """The same numbers in steps that are smaller by so many bits, or larger where that is negative and loses none.

    None where that is none, or takes more bits than any sum.
    """
    if not -WIDEST <= finer <= WIDEST:
        return None if codes.any() else codes
    if finer >= 0:
        return None if (np.abs(codes) >> (WIDEST - finer)).any() else codes << finer
    return None if (codes & ((1 << -finer) - 1)).any() else codes >> -finer


def exact_sums(weights: Integers, bias: Integers, source: FixedType, fraction: int) -> FixedType:
    """The narrowest type of every partial sum of products with ``weights`` (..., outputs) on top of ``bias``.

    Each product's range contains zero, for a tap may lie in the padding.
    """
    columns = weights.reshape(-1, weights.shape[-1])
    extremes = np.stack([columns * source.low, columns * source.high])
    lows = bias + np.minimum(extremes.min(axis=0), 0).sum(axis=0)
    highs = bias + np.maximum(extremes.max(axis=0), 0).sum(axis=0)
    return covering(min(int(lows.min()), 0), max(int(highs.max()), 0), fraction)
