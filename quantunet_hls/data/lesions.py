"""What a clinician asks of a segmentation beside its pixels: how far outlines lie apart, and what was found at all."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from scipy import ndimage
from torch import Tensor

__all__ = ["Lesions", "lesions_of"]

_PERCENTILE = 95.0
#: Pixels that touch at a corner belong to one lesion.
_NEIGHBOURS = [[1, 1, 1], [1, 1, 1], [1, 1, 1]]


@dataclass(frozen=True)
class Lesions:
    """How well lesions were found and outlined; of several classes each counts by itself.

    Attributes:
        hausdorff_95: 95th percentile of the distances in pixels from each outline to the other, the larger of both
            ways (Huttenlocher et al., 1993), in the mean over the images whose truth and result both have some
            foreground; None where there is no such image.
        outlined: how many images (and classes in them) that is.
        missed: images in which the truth has foreground and the result none, which ``hausdorff_95`` leaves out.
        invented: images in which the result has foreground and the truth none, which it leaves out, too.
        recall: share of the truth's lesions, connected areas, of which the result has at least one pixel; None where
            there is none.
        lesions: how many there are.
    """

    hausdorff_95: float | None
    outlined: int
    missed: int
    invented: int
    recall: float | None
    lesions: int


def lesions_of(predicted: Tensor, truth: Tensor, classes: int) -> Lesions:
    """Outlines and lesions of a result.

    Args:
        predicted: class indices (N, H, W).
        truth: class indices (N, H, W).
        classes: number of classes with the background.
    """
    distances: list[float] = []
    missed = invented = found = lesions = 0
    for index in range(1, classes):
        for result, mask in zip(predicted == index, truth == index, strict=True):
            if result.any() and mask.any():
                distances.append(_hausdorff(result, mask))
            missed += bool(mask.any() and not result.any())
            invented += bool(result.any() and not mask.any())
            areas, number = ndimage.label(mask.numpy(), structure=_NEIGHBOURS)
            hit = torch.from_numpy(areas)[result].unique()
            found += int((hit > 0).sum())
            lesions += number
    return Lesions(sum(distances) / len(distances) if distances else None, len(distances), missed, invented,
                   found / lesions if lesions else None, lesions)


def _hausdorff(one: Tensor, other: Tensor) -> float:
    """Between the outlines of two masks (H, W) that both have some foreground, in pixels."""
    with warnings.catch_warnings():
        # MONAI 1.6 calls a function of its own with an argument that it warns of.
        warnings.filterwarnings("ignore", ".*always_return_as_numpy", FutureWarning)
        return float(compute_hausdorff_distance(one[None, None], other[None, None], include_background=True,
                                                percentile=_PERCENTILE))
