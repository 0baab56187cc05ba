"""Images enter: real numbers as codes of the port's type, as the test bench assigns them."""

from __future__ import annotations

import numpy as np

from quantunet_hls.types.fixed import FixedType

__all__ = ["assign_reals"]


def assign_reals(values: np.ndarray, target: FixedType) -> np.ndarray:
    """Real numbers (float64, finite) assigned to a type: its codes, float64, of the same shape."""
    scaled = np.ldexp(values, target.fraction)
    whole = np.trunc(scaled)
    # Exact, which the distance to the next whole number below would not be for a small negative one.
    rest = np.abs(scaled - whole)
    negative, above, tie = scaled < 0, rest > 0.5, rest == 0.5
    away = {
        "TRN": negative & (rest > 0),
        "TRN_ZERO": np.zeros_like(tie),
        "RND": above | (tie & ~negative),
        "RND_MIN_INF": above | (tie & negative),
        "RND_INF": above | tie,
        "RND_ZERO": above,
        "RND_CONV": above | (tie & (np.fmod(whole, 2) != 0)),
    }[target.rounding]
    codes = whole + np.where(negative, -1.0, 1.0) * away
    least, most = target.lowest, target.high
    if target.saturation == "WRAP":
        modulus = 2.0**target.width
        codes = np.fmod(codes, modulus)
        return codes + modulus * ((codes < least) - 1.0 * (codes > most))
    if target.saturation == "SAT_ZERO":
        return np.where((codes < least) | (codes > most), 0.0, codes)
    return np.clip(codes, least, most)
