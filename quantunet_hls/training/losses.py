"""The training loss: cross entropy, which knows every pixel, plus Dice, which knows how rare the foreground is."""

from __future__ import annotations

from collections.abc import Callable

from monai.losses.dice import DiceCELoss
from monai.losses.focal_loss import FocalLoss
from monai.losses.tversky import TverskyLoss
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

__all__ = ["distillation_loss", "focal_loss", "segmentation_loss", "tversky_loss"]


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


def tversky_loss(classes: int, missed: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A function from logits and class indices, as for :func:`segmentation_loss`, to the Tversky loss.

    Args:
        classes: of the logits.
        missed: weight of foreground that is missed, 0 to 1; what is found in the background has the rest. With 0.5
            it is the Dice loss (Salehi et al., arXiv 1706.05721).
    """
    # What one class misses another invents, so with the background among several nothing would weigh more.
    several = classes > 1
    loss = TverskyLoss(include_background=not several, to_onehot_y=several, sigmoid=not several, softmax=several,
                       alpha=1.0 - missed, beta=missed, batch=True)
    return lambda logits, masks: loss(logits, masks[:, None].to(logits.dtype))


def focal_loss(classes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """The same to the focal loss: cross entropy that forgets pixels that are right already, by the square of what is
    missing (Lin et al., arXiv 1708.02002).
    """
    loss = FocalLoss() if classes == 1 else FocalLoss(use_softmax=True, to_onehot_y=True)
    return lambda logits, masks: loss(logits, masks[:, None].to(logits.dtype))


def distillation_loss(logits: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy towards what a teacher thinks probable (Hinton et al., arXiv 1503.02531, temperature 1).

    Args:
        logits: (N, classes, H, W).
        teacher: its logits, of the same shape.
    """
    if logits.shape[1] == 1:
        return binary_cross_entropy_with_logits(logits, teacher.sigmoid())
    return cross_entropy(logits, teacher.softmax(dim=1))
