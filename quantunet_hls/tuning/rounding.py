"""Weights on a grid of a few bits that keep a layer's sums, not the weights themselves, near what they were.

A layer's sums on calibration images are ``X W + b``. With the moments ``X'X`` and
``X'Y`` of its inputs X and the sums Y that it should have, the best real weights
follow from least squares; they are then rounded one after the other, and what
each rounding costs is made up for by those still to come (Frantar et al.,
"GPTQ", arXiv 2210.17323, after LeCun et al. and Hassibi et al.). Means are taken
out first, so the bias takes up the mean of what is left (the bias correction of
Nagel et al., arXiv 1906.04721).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantunet_hls.types import FixedType

__all__ = ["Fitted", "FittedFilters", "Moments", "bias_type", "fit", "fit_filters", "moments", "weight_type"]

#: Ridge towards the weights as they are, and on the matrix to invert, in shares of its mean diagonal.
_KEEP, _DAMP = 0.01, 0.01
#: Finer steps that are tried beside the one that saturates no weight.
_FINER = 3
#: Steps that are tried for a filter, as shares of the one that holds its largest weight: of many bits, and of few.
_SHARES = {False: np.linspace(1, 0.6, 9), True: np.linspace(1, 0.2, 17)}
#: Widths that count as few bits: more of the largest weights are worth cutting.
_NARROW = 4
#: Widest bias, for a graph's quantizer holds no more.
_BIAS_BITS = 24


@dataclass(frozen=True, eq=False)
class Moments:
    """What calibration images say of a layer's inputs and of the sums that it should have.

    A full convolution is one group, a depthwise one has a group for each channel.

    Attributes:
        gram: (groups, taps, taps), of the inputs around their mean.
        cross: (groups, taps, outputs), of inputs and wanted sums around their means.
        inputs: (groups, taps), mean inputs.
        sums: (groups, outputs), mean sums.
    """

    gram: np.ndarray
    cross: np.ndarray
    inputs: np.ndarray
    sums: np.ndarray


@dataclass(frozen=True, eq=False)
class Fitted:
    """Weights and biases of a layer, on their grid.

    Attributes:
        type: of the weights.
        weights: (filters, rows, columns, channels).
        biases: (filters), real numbers: their grid follows from that of the data.
    """

    type: FixedType
    weights: np.ndarray
    biases: np.ndarray


@dataclass(frozen=True, eq=False)
class FittedFilters:
    """Weights and biases of a layer, each filter on a grid of its own.

    Attributes:
        width: of the weights.
        steps: (filters), of their grids, as single precision holds them.
        weights: (filters, rows, columns, channels).
        biases: (filters), real numbers.
    """

    width: int
    steps: np.ndarray
    weights: np.ndarray
    biases: np.ndarray


def moments(patches: np.ndarray, sums: np.ndarray) -> Moments:
    """Moments of inputs (samples, groups, taps) and sums (samples, groups, outputs)."""
    count = len(patches)
    mean_in, mean_out = patches.mean(0, dtype=np.float64), sums.mean(0, dtype=np.float64)
    # Single precision halves the time of what is by far the most work here.
    x = (patches - mean_in).astype(np.float32).transpose(1, 2, 0)
    y = (sums - mean_out).astype(np.float32).transpose(1, 0, 2)
    gram, cross = x @ x.transpose(0, 2, 1), x @ y
    return Moments(gram.astype(np.float64) / count, cross.astype(np.float64) / count, mean_in, mean_out)


def weight_type(width: int, fraction: int) -> FixedType:
    """A weight's type; with two bits the lowest code stays unused, which hls4ml takes for another."""
    return FixedType(width, fraction, True, "RND_CONV", "SAT_SYM" if width == 2 else "SAT")


def bias_type(biases: np.ndarray, fraction: int) -> FixedType:
    """The narrowest type for biases in steps of ``2**-fraction``, or in coarser ones where they would not fit."""
    while True:
        codes = np.rint(np.ldexp(np.asarray(biases, np.float64), fraction))
        width = max(int(np.abs(codes).max(initial=0)).bit_length() + 1, 2)
        if width <= _BIAS_BITS:
            return FixedType(width, fraction, True, "RND_CONV", "SAT")
        fraction -= 1


def fit(weights: np.ndarray, given: Moments, width: int) -> Fitted:
    """The best weights of ``width`` bits that were found, with the best step for them, a power of two.

    Args:
        weights: as they are (filters, rows, columns, channels).
        given: moments of the layer.
        width: 2 or more.
    """
    wanted, factors = _wanted(weights, given)
    best: tuple[float, FixedType, np.ndarray] | None = None
    # The step that holds the largest weight, and finer ones that saturate some.
    coarsest = int(np.floor(np.log2((2 ** (width - 1) - 1) / max(np.abs(wanted).max(), 2.0**-40))))
    for fraction in range(coarsest, coarsest + _FINER):
        kind = weight_type(width, fraction)
        codes = np.stack([_rounded(np.ldexp(one, fraction), order, upper, kind.lowest, kind.high)
                          for one, (order, upper) in zip(wanted, factors, strict=True)])
        values = np.ldexp(codes, -fraction)
        error = float(_errors(values - wanted, given).sum())
        if best is None or error < best[0]:
            best = error, kind, values
    assert best is not None
    _, kind, values = best
    return Fitted(kind, values.transpose(0, 2, 1).reshape(weights.shape), _biases(values, given))


def fit_filters(weights: np.ndarray, given: Moments, width: int) -> FittedFilters:
    """The best weights of ``width`` bits that were found, with the best step for each filter, any real number.

    Args:
        weights: as they are (filters, rows, columns, channels).
        given: moments of the layer.
        width: 2 or more.
    """
    wanted, factors = _wanted(weights, given)
    highest = 2 ** (width - 1) - 1
    lowest = -highest if width == 2 else -highest - 1
    largest = np.maximum(np.abs(wanted).max(1, keepdims=True), 2.0**-40) / highest
    # (groups, 1, outputs, steps): in single precision, as QONNX holds them.
    steps = (largest[..., None] * _SHARES[width <= _NARROW]).astype(np.float32).astype(np.float64)
    codes = np.stack([_rounded(one[..., None] / step, order, upper, lowest, highest)
                      for one, step, (order, upper) in zip(wanted, steps, factors, strict=True)])
    values = codes * steps
    best = np.stack([_errors(values[..., index] - wanted, given) for index in range(values.shape[-1])]).argmin(0)
    chosen = best[:, None, :, None]
    values = np.take_along_axis(values, np.broadcast_to(chosen, (*values.shape[:3], 1)), 3)[..., 0]
    step = np.take_along_axis(steps, chosen, 3)[..., 0]
    return FittedFilters(width, step.reshape(-1), values.transpose(0, 2, 1).reshape(weights.shape),
                         _biases(values, given))


def _wanted(weights: np.ndarray, given: Moments) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The best real weights (groups, taps, outputs), taps in the order rows, columns, channels; and :func:`_factor`."""
    groups = len(given.gram)
    start = weights.reshape(groups, len(weights) // groups, -1).transpose(0, 2, 1).astype(np.float64)
    wanted = np.stack([_least_squares(*parts) for parts in zip(start, given.gram, given.cross, strict=True)])
    return wanted, [_factor(gram) for gram in given.gram]


def _errors(off: np.ndarray, given: Moments) -> np.ndarray:
    """Mean square (groups, outputs) of what weights that are off by so much do to the sums."""
    return np.einsum("gko,gko->go", off, given.gram @ off)


def _biases(values: np.ndarray, given: Moments) -> np.ndarray:
    """Biases (filters) that give the sums of these weights (groups, taps, outputs) the mean that they should have."""
    return (given.sums - np.einsum("gk,gko->go", given.inputs, values)).reshape(-1)


def _least_squares(start: np.ndarray, gram: np.ndarray, cross: np.ndarray) -> np.ndarray:
    ridge = max(_KEEP * float(np.diag(gram).mean()), 1e-12)
    return start + np.linalg.solve(gram + ridge * np.eye(len(gram)), cross - gram @ start)


def _factor(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of the taps, the strongest first, and the upper Cholesky factor of the inverse in that order."""
    order = np.argsort(-np.diag(gram), kind="stable")
    damped = gram[np.ix_(order, order)] + max(_DAMP * float(np.diag(gram).mean()), 1e-12) * np.eye(len(gram))
    return order, np.linalg.cholesky(np.linalg.inv(damped)).T


def _rounded(codes: np.ndarray, order: np.ndarray, upper: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    """Codes (taps, ...) one tap after the other, the rest of each made up for by those still to come."""
    left = codes[order].copy()
    result = np.empty_like(left)
    for tap in range(len(left)):
        result[tap] = np.clip(np.rint(left[tap]), lowest, highest)
        error = (left[tap] - result[tap]) / upper[tap, tap]
        left[tap + 1:] -= np.multiply.outer(upper[tap, tap + 1:], error)
    back = np.empty_like(result)
    back[order] = result
    return back
