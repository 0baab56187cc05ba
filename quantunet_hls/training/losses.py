"""The training loss: cross entropy, which knows every pixel, plus Dice, which knows how rare the foreground is."""

from __future__ import annotations

from collections.abc import Callable

from monai.losses.dice import DiceCELoss
from torch import Tensor

__all__ = ["segmentation_loss"]


def segmentation_loss(classes: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A function from logits (N, classes, H, W) and class indices (N, H, W) to Dice loss and cross entropy.

    Dice is taken over the pixels of the whole batch: by the image it is dominated by images
    with next to no foreground, where a single pixel turns it from 0 to 1.
    """
    loss = (
        DiceCELoss(sigmoid=True, batch=True)
        if classes == 1 else DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
    )

    def of(logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        truth = masks[:, None].to(logits.dtype)
        entropy = loss.bce(logits, truth) if classes == 1 else loss.ce(logits, truth)
        return loss.dice(logits, truth), entropy

    return of
