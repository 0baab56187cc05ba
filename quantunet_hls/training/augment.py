"""Augmentation of a whole batch at once: image by image would take longer than the network itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from quantunet_hls.training.settings import Augmentation

__all__ = ["augment", "random_crops"]

#: Places along a side that are moved by draws of their own in an elastic change; what lies between goes along.
_ELASTIC_PLACES = 4


def augment(
    images: Tensor, masks: Tensor, how: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Move and change every image by draws of its own; its mask moves along.

    Args:
        images: float (N, C, H, W) in [0, 1).
        masks: class indices, uint8 (N, H, W).
        how: the limits.
        generator: where the draws come from.

    Returns:
        Images of the same shape, still multiples of 1/256 from 0 to 255/256 as the
        8-bit input port has them, and masks of the same shape and type. What comes
        from outside the picture is black background.
    """
    count, _, height, width = images.shape

    def evenly(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle = evenly(math.radians(how.rotation))
    size = 1 + evenly(how.scale)
    shift_x, shift_y = evenly(2 * how.shift), evenly(2 * how.shift)
    mirror = torch.randint(0, 2, (2, count), generator=generator).float() * 2 - 1
    if not how.flip:
        mirror = torch.ones_like(mirror)
    gain, offset = 1 + evenly(how.gain), evenly(how.offset)

    # The grid's coordinates run from -1 to 1 along both sides, so a rotation in pixels
    # needs the aspect ratio where the picture is not square.
    aspect = height / width
    cosine, sine = torch.cos(angle) / size, torch.sin(angle) / size
    rows_x = torch.stack([cosine * mirror[0], -sine * aspect * mirror[1], shift_x], dim=1)
    rows_y = torch.stack([sine / aspect * mirror[0], cosine * mirror[1], shift_y], dim=1)
    grid = affine_grid(torch.stack([rows_x, rows_y], dim=1), list(images.shape), align_corners=False)
    if how.elastic:
        grid = grid + _elastic(images, how.elastic, generator)

    moved = grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    moved_masks = grid_sample(
        masks[:, None].float(), grid, mode="nearest", padding_mode="zeros", align_corners=False
    )
    if how.gamma:
        moved = moved ** (1 + evenly(how.gamma))[:, None, None, None]
    changed = moved * gain[:, None, None, None] + offset[:, None, None, None]
    if how.noise:
        spread = torch.rand(count, 1, 1, 1, generator=generator) * how.noise
        changed = changed + spread * torch.randn(changed.shape, generator=generator)
    return changed.mul(256).round().clamp(0, 255) / 256, moved_masks[:, 0].to(masks.dtype)


def _elastic(images: Tensor, limit: float, generator: torch.Generator) -> Tensor:
    """How far every place of every image is moved, (N, H, W, 2) in a grid's coordinates, from -1 to 1 along a side."""
    count, _, height, width = images.shape
    draws = torch.rand(count, 2, _ELASTIC_PLACES, _ELASTIC_PLACES, generator=generator) * 2 - 1
    smooth = interpolate(draws * (2 * limit), size=(height, width), mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1)


def random_crops(images: Tensor, masks: Tensor, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A square from a random place of every image, and the same one of its mask.

    Args:
        images: (N, C, H, W).
        masks: (N, H, W).
        side: of the squares in pixels, H and W at most.
        generator: where the draws come from.

    Returns:
        (N, C, side, side) and (N, side, side).
    """
    count, _, height, width = images.shape
    tops = torch.randint(0, height - side + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(0, width - side + 1, (count,), generator=generator).tolist()
    places = [(slice(top, top + side), slice(left, left + side)) for top, left in zip(tops, lefts, strict=True)]
    return (torch.stack([image[:, rows, columns] for image, (rows, columns) in zip(images, places, strict=True)]),
            torch.stack([mask[rows, columns] for mask, (rows, columns) in zip(masks, places, strict=True)]))
