"""The training loss: cross entropy, which knows every pixel, plus Dice, which knows how rare the foreground is."""

from __future__ import annotations

from collections.abc import Callable

from monai.losses.dice import DiceCELoss
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

__all__ = ["distillation_loss", "segmentation_loss"]


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


def distillation_loss(logits: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy towards what a teacher thinks probable (Hinton et al., arXiv 1503.02531, temperature 1).

    Args:
        logits: (N, classes, H, W).
        teacher: its logits, of the same shape.
    """
    if logits.shape[1] == 1:
        return binary_cross_entropy_with_logits(logits, teacher.sigmoid())
    return cross_entropy(logits, teacher.softmax(dim=1))
