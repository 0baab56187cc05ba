"""The training loss: cross entropy, which knows every pixel, plus Dice, which knows how rare the foreground is."""

from __future__ import annotations

from collections.abc import Callable

from monai.losses.dice import DiceCELoss
from torch import Tensor

__all__ = ["segmentation_loss"]


def segmentation_loss(classes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """A function from logits (N, classes, H, W) and class indices (N, H, W) to a scalar loss.

    Dice is taken over the pixels of the whole batch: by the image it is dominated by images
    with next to no foreground, where a single pixel turns it from 0 to 1.
    """
    loss = (
        DiceCELoss(sigmoid=True, batch=True)
        if classes == 1 else DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
    )

    def of(logits: Tensor, masks: Tensor) -> Tensor:
        value: Tensor = loss(logits, masks[:, None].to(logits.dtype))
        return value

    return of
