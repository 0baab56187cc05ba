"""Synthetic phantoms: grey images with blobs to segment, drawn where no real data may travel.

They look enough like a slice through a head (a bright rim, textured tissue,
lesions) for a network to have something to do, and prove nothing about medicine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.image_folders import Samples

__all__ = ["draw_phantoms"]

_Plane = npt.NDArray[np.float64]
_WAVES = 12


def draw_phantoms(
    count: int, height: int, width: int, *, channels: int = 1, classes: int = 1, seed: int = 0
) -> Samples:
    """Draw phantoms; image i depends on the seed and on i only, so fewer images are the first of more.

    Args:
        count: images.
        height: rows in pixels.
        width: columns in pixels.
        channels: colour planes; each sees tissue and lesions at other strengths.
        classes: as a network's: 1 or 2 give masks of 0 and 1, k gives class indices 0 to k - 1,
            all lesion classes in turn.
        seed: of all draws, 0 or more.

    Returns:
        Images uint8 (count, channels, height, width), masks uint8 (count, height, width).

    Raises:
        ConfigurationError: for a number below 1, more than 256 classes, or a negative seed.
    """
    numbers = {"count": count, "height": height, "width": width, "channels": channels, "classes": classes}
    for name, value in numbers.items():
        if value < 1:
            raise ConfigurationError(f"Phantoms need a {name} of at least 1, not {value}.")
    if classes > 256:
        raise ConfigurationError(f"An 8-bit mask has room for 256 classes, not {classes}.")
    if seed < 0:
        raise ConfigurationError(f"A seed is 0 or more, not {seed}.")
    images = np.empty((count, channels, height, width), np.uint8)
    masks = np.empty((count, height, width), np.uint8)
    for index in range(count):
        draws = np.random.default_rng([seed, index])
        images[index], masks[index] = _draw(draws, height, width, channels, max(2, classes))
    return Samples(images=images, masks=masks, names=tuple(f"phantom{index:04d}" for index in range(count)))


def _draw(
    draws: np.random.Generator, height: int, width: int, channels: int, classes: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    head_y, head_x = 0.5 + draws.uniform(-0.04, 0.04, 2)
    radius_y, radius_x = draws.uniform(0.34, 0.44, 2)
    turn = draws.uniform(-0.3, 0.3)
    head = _distance(y, x, head_y, head_x, radius_y, radius_x, turn)
    tissue = 0.28 + 0.06 * _texture(draws, y, x)
    mask = np.zeros((height, width), np.uint8)
    bright = np.zeros((height, width))
    for number in range(int(draws.integers(1, 3)) + classes - 2):
        angle, out = draws.uniform(0, 2 * np.pi), draws.uniform(0, 0.5)
        size_y, size_x = draws.uniform(0.07, 0.16, 2)
        at_y = head_y + radius_y * out * np.sin(angle)
        at_x = head_x + radius_x * out * np.cos(angle)
        wobble = 1 + 0.15 * _texture(draws, y, x)
        inside = _distance(y, x, at_y, at_x, size_y, size_x, draws.uniform(0, np.pi)) < wobble
        label = 1 + number % (classes - 1)
        mask[inside] = label
        bright[inside] = 0.18 + 0.3 * label / (classes - 1)
    image = np.empty((channels, height, width), np.uint8)
    for channel in range(channels):
        strength = draws.uniform(0.8, 1.2, 2)
        values = np.where(head < 1, strength[0] * tissue + strength[1] * bright, 0.0)
        values = np.where((head >= 0.88) & (head < 1), 0.75, values)
        noisy = values + draws.normal(0, 0.015, (height, width))
        image[channel] = np.clip(np.rint(noisy * 255), 0, 255).astype(np.uint8)
    return image, mask


def _distance(y: _Plane, x: _Plane, at_y: float, at_x: float, size_y: float, size_x: float, turn: float) -> _Plane:
    """Distance from an ellipse's middle, 1 on its rim."""
    along = (x - at_x) * np.cos(turn) + (y - at_y) * np.sin(turn)
    across = (y - at_y) * np.cos(turn) - (x - at_x) * np.sin(turn)
    return np.hypot(along / size_x, across / size_y)


def _texture(draws: np.random.Generator, y: _Plane, x: _Plane) -> _Plane:
    """A smooth random field around 0 with a standard deviation near 1."""
    field = np.zeros_like(y)
    for _ in range(_WAVES):
        pace_y, pace_x = draws.normal(0, 5, 2)
        field += np.cos(2 * np.pi * (pace_y * y + pace_x * x) + draws.uniform(0, 2 * np.pi))
    return field * np.sqrt(2 / _WAVES)
