"""How well a network segments: Dice, IoU and pixel accuracy on images it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from monai.inferers.utils import sliding_window_inference
from monai.metrics.confusion_matrix import get_confusion_matrix
from torch import Tensor, nn

from quantunet_hls.data.image_folders import Samples, to_input

__all__ = ["Scores", "count_pixels", "counts_of", "dice_spread", "evaluate", "infer", "masks_of", "predict",
           "scores_from_counts"]

#: Draws of a bootstrap: the spread of its spread is below 3 % of it (1 / sqrt(2 x 1,000)).
_DRAWS = 1000


@dataclass(frozen=True)
class Scores:
    """Agreement of predictions with the truth, every figure from 0 to 1.

    Attributes:
        dice: 2 TP / (2 TP + FP + FN) with the pixels of all images pooled; the mean over the foreground
            classes where there are several. This is the figure that checkpoints are chosen by.
        dice_per_image: the same of every image by itself, then the mean over the images whose truth has any
            foreground (and over the classes that it has).
        iou: TP / (TP + FP + FN), pooled as for ``dice``.
        pixel_accuracy: share of all pixels that get the right class.
        dice_of_classes: ``dice`` of each foreground class by itself, in their order; none where there is one class.
    """

    dice: float
    dice_per_image: float
    iou: float
    pixel_accuracy: float
    dice_of_classes: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, float]:
        """Plain values, for JSON; classes as ``dice_class_1`` and so on."""
        return {"dice": self.dice, "dice_per_image": self.dice_per_image, "iou": self.iou,
                "pixel_accuracy": self.pixel_accuracy,
                **{f"dice_class_{index}": dice for index, dice in enumerate(self.dice_of_classes, start=1)}}


def predict(logits: Tensor) -> Tensor:
    """Class indices, uint8 (N, H, W), of logits (N, classes, H, W); one class means foreground above zero."""
    classes = (logits[:, 0] > 0) if logits.shape[1] == 1 else logits.argmax(dim=1)
    return classes.to(torch.uint8)


def count_pixels(predicted: Tensor, truth: Tensor, classes: int) -> Tensor:
    """True positives, false positives, true negatives and false negatives of every image and class.

    Args:
        predicted: class indices (N, H, W).
        truth: class indices (N, H, W).
        classes: number of classes with the background.

    Returns:
        int64 (N, classes, 4).
    """
    def one_hot(indices: Tensor) -> Tensor:
        return torch.stack([indices == index for index in range(classes)], dim=1)

    # MONAI sums in the type it is given: float32 would lose pixels from 2**24 on.
    return get_confusion_matrix(one_hot(predicted).double(), one_hot(truth).double()).long()


def scores_from_counts(counts: Tensor) -> Scores:
    """Scores of the counts that :func:`count_pixels` gives, over all their images.

    Where neither truth nor prediction has any foreground, Dice and IoU are 1: there was nothing to miss.
    """
    counts = counts.double()
    right = counts[:, :, 0].sum()
    pixels = counts[:, 0].sum()
    foreground = counts[:, 1:]
    tp, fp, _, fn = foreground.sum(dim=0).unbind(-1)
    each_tp, each_fp, _, each_fn = foreground.unbind(-1)
    present = (each_tp + each_fn) > 0
    each_dice = _ratio(2 * each_tp, 2 * each_tp + each_fp + each_fn)[present]
    pooled = _ratio(2 * tp, 2 * tp + fp + fn)
    return Scores(
        dice=float(pooled.mean()),
        dice_per_image=float(each_dice.mean()) if present.any() else 1.0,
        iou=float(_ratio(tp, tp + fp + fn).mean()),
        pixel_accuracy=float(right / pixels),
        dice_of_classes=tuple(pooled.tolist()) if len(pooled) > 1 else (),
    )


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp(min=1), torch.ones_like(whole))


def dice_spread(counts: Tensor) -> float:
    """Standard deviation of the pooled Dice over other draws of as many images (bootstrap; Efron, 1979).

    It says how far the figure depends on which images were at hand. Slices of one patient are alike, so where a
    patient has many, the true spread is larger.

    Args:
        counts: as from :func:`count_pixels`, (N, classes, 4).
    """
    foreground = counts[:, 1:].double()
    chosen = torch.randint(len(counts), (_DRAWS, len(counts)), generator=torch.Generator().manual_seed(0))
    tp, fp, _, fn = torch.stack([foreground[draw].sum(dim=0) for draw in chosen]).unbind(-1)
    return float(_ratio(2 * tp, 2 * tp + fp + fn).mean(dim=1).std(correction=0))


def evaluate(net: nn.Module, samples: Samples, batch_size: int = 32, *, window: int | None = None) -> Scores:
    """Scores of a network on images that go in exactly as at the hardware's 8-bit port.

    The network is put into eval mode for it and back into its mode afterwards.

    Args:
        net: on any device.
        samples: images with their truth.
        batch_size: images at a time.
        window: side in pixels of the squares that larger images are cut into, overlapping by a quarter; where they
            overlap, the mean of the logits counts. None puts images in as they are.
    """
    return scores_from_counts(counts_of(net, samples, batch_size, window=window))


def counts_of(net: nn.Module, samples: Samples, batch_size: int = 32, *, window: int | None = None) -> Tensor:
    """What :func:`count_pixels` counts of a network's results; arguments as for :func:`evaluate`."""
    masks, classes = masks_of(net, samples, batch_size, window=window)
    return count_pixels(masks, torch.from_numpy(samples.masks), classes)


@torch.no_grad()
def masks_of(net: nn.Module, samples: Samples, batch_size: int = 32, *, window: int | None = None
             ) -> tuple[Tensor, int]:
    """What a network makes of images: class indices, uint8 (N, H, W), and how many classes there are with the
    background; arguments as for :func:`evaluate`.
    """
    was_training = net.training
    net.eval()
    device = next(net.parameters(), torch.empty(0)).device
    masks, classes = [], 2
    for start in range(0, len(samples), batch_size):
        logits = infer(net, to_input(samples.images[start:start + batch_size]).to(device), window).cpu()
        masks.append(predict(logits))
        classes = max(2, logits.shape[1])
    net.train(was_training)
    return torch.cat(masks), classes


@torch.no_grad()
def infer(net: nn.Module, images: Tensor, window: int | None = None) -> Tensor:
    """Logits (N, classes, H, W) of images (N, C, H, W), through a sliding window where they are larger than it."""
    if window is None or images.shape[-2:] == (window, window):
        return torch.as_tensor(net(images))
    logits = sliding_window_inference(images, (window, window), 16, net, overlap=0.25)
    assert isinstance(logits, Tensor)
    return logits
