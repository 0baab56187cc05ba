"""One epoch of a training: its order, its steps, the loss, and bit widths that are learned or settled."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from quantunet_hls.nets import QuantUNet
from quantunet_hls.nets.learned import learned_widths, width_offsets
from quantunet_hls.training.augment import augment, random_crops
from quantunet_hls.training.heads import Heads
from quantunet_hls.training.losses import distillation_loss, focal_loss, segmentation_loss, tversky_loss
from quantunet_hls.training.settings import Settings
from quantunet_hls.training.widths import Excess, fill_within, frozen_epochs, move_widths, settle_within

__all__ = ["Course", "average_share", "learning_epochs", "learning_rate", "move_average", "train_epoch"]


@dataclass(frozen=True, eq=False)
class Course:
    """What an epoch works with, beside its images; net, optimizer and generator change under way.

    Attributes:
        net: that is trained.
        settings: how.
        excess: of its widths over what they may be, where they are learned.
        device: where to compute.
        optimizer: of all parameters but the widths.
        generator: of order and augmentation.
        average: the average of the net's weights over the steps, as a net; None where none is taken.
        teacher: a network in eval mode whose probabilities are learnt from; None where there is none.
        heads: of deep supervision; None where there is none.
    """

    net: QuantUNet
    settings: Settings
    excess: Excess | None
    device: str
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    average: QuantUNet | None = None
    teacher: nn.Module | None = None
    heads: Heads | None = None

    @cached_property
    def forward(self) -> Callable[[Tensor], Tensor]:
        """The net's logits for a batch of images."""
        return torch.compile(self.net, dynamic=False) if self.settings.compiled else self.net


def learning_rate(step: int, steps: int, settings: Settings) -> float:
    """Rate at a step (from 0) of ``steps``: a linear climb to the peak, then a cosine down to 1 % of it."""
    climb = settings.warmup * steps
    if step < climb:
        return settings.learning_rate * (step + 1) / (climb + 1)
    along = (step - climb) / max(1.0, steps - climb)
    return settings.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * along)) / 2)


def learning_epochs(settings: Settings) -> int:
    """Epochs, the first ones, in which bit widths are learned."""
    return settings.epochs - frozen_epochs(settings.widths, settings.epochs) if settings.widths else 0


def train_epoch(course: Course, images: Tensor, masks: Tensor, epoch: int, learning: bool,
                on_step: Callable[[int, int], None] | None) -> dict[str, float]:
    """Train one epoch (from 0); returns the means of the loss and its parts over the steps."""
    settings = course.settings
    course.net.train()
    if settings.widths is not None and not learning:
        _settle(course)
    loss_of = _Loss(course.net, settings, course.excess)
    draws = len(images) * settings.crops_per_image
    steps = math.ceil(draws / settings.batch_size)
    totals: dict[str, float] = {}
    order = torch.randperm(draws, generator=course.generator) % len(images)
    for step, chosen in enumerate(order.split(settings.batch_size)):
        rate = learning_rate(epoch * steps + step, settings.epochs * steps, settings)
        parts = _step(course, loss_of, images[chosen], masks[chosen], rate, learning)
        if learning and settings.widths is not None:
            move_widths(course.net, settings.widths, steps)
        if course.average is not None:
            # Widths that move have no average: it begins when they are whole.
            averaged = (epoch - learning_epochs(settings)) * steps + step
            move_average(course.average, course.net, 0.0 if learning else average_share(averaged, settings))
        for name, value in parts.items():
            totals[name] = totals.get(name, 0.0) + float(value.detach())
        if on_step:
            on_step(step + 1, steps)
    return {name: total / steps for name, total in totals.items()}


def _step(course: Course, loss_of: _Loss, batch: Tensor, truth: Tensor, rate: float,
          learning: bool) -> dict[str, Tensor]:
    """Change the weights by one batch of images; returns the loss and its parts."""
    settings, optimizer, generator = course.settings, course.optimizer, course.generator
    for group in optimizer.param_groups:
        group["lr"] = rate
    if settings.crop is not None:
        batch, truth = random_crops(batch, truth, settings.crop, generator)
    batch, truth = augment(batch, truth, settings.augmentation, generator)
    optimizer.zero_grad()
    batch = batch.to(course.device, memory_format=torch.channels_last)
    watched: AbstractContextManager[dict[int, Tensor]] = (
        course.heads.watching(course.net) if course.heads is not None else nullcontext({}))
    mixed = torch.autocast(torch.device(course.device).type, torch.bfloat16, enabled=settings.mixed_precision)
    with mixed, watched as seen:
        logits = course.forward(batch).float()
    truth = truth.to(course.device)
    parts = loss_of(logits, truth, learning)
    if course.heads is not None:
        parts["deep_supervision"] = course.heads.loss(seen, truth, loss_of.segmentation)
        parts["loss"] = parts["loss"] + settings.deep_supervision * parts["deep_supervision"]
    if course.teacher is not None:
        with torch.no_grad():
            taught = torch.as_tensor(course.teacher(batch))
        parts["distillation"] = distillation_loss(logits, taught)
        parts["loss"] = parts["loss"] + settings.distillation * parts["distillation"]
    parts["loss"].backward()
    nn.utils.clip_grad_norm_([value for group in optimizer.param_groups for value in group["params"]], 1.0)
    optimizer.step()
    return parts


class _Loss:
    """The loss and its parts, for the loop and for whoever watches it."""

    def __init__(self, net: QuantUNet, settings: Settings, excess: Excess | None):
        self._net, self._settings, self._excess = net, settings, excess
        classes = net.config.classes
        self._dice_and_entropy = segmentation_loss(classes)
        self._tversky, self._focal = tversky_loss(classes, settings.tversky_missed), focal_loss(classes)

    def _parts(self, logits: Tensor, masks: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of what compares logits with masks, and what it is made of."""
        how = self._settings
        dice, entropy = self._dice_and_entropy(logits, masks)
        parts = {"dice_loss": dice, "cross_entropy": entropy}
        loss = how.dice_weight * dice + how.cross_entropy_weight * entropy
        for name, weight, of in (("tversky_loss", how.tversky_weight, self._tversky),
                                 ("focal_loss", how.focal_weight, self._focal)):
            if weight:
                parts[name] = of(logits, masks)
                loss = loss + weight * parts[name]
        return loss, parts

    def segmentation(self, logits: Tensor, masks: Tensor) -> Tensor:
        """What compares logits (N, classes, H, W) with class indices (N, H, W)."""
        return self._parts(logits, masks)[0]

    def __call__(self, logits: Tensor, masks: Tensor, learning: bool) -> dict[str, Tensor]:
        loss, parts = self._parts(logits, masks)
        how = self._settings
        if learning and how.widths is not None and self._excess is not None:
            parts["bitwidth_loss"] = self._excess(learned_widths(self._net))
            loss = loss + how.widths.weight * parts["bitwidth_loss"]
        return {"loss": loss} | parts


def average_share(step: int, settings: Settings) -> float:
    """Share of itself that the average of the weights keeps at a step, from 0, since it began.

    It climbs to what the settings say. An average that kept that much from its first step on would remember the random
    start for thousands of steps: normalisation divides by running variances, some of which fall from 1 to a hundredth
    within a few steps.
    """
    return min(settings.average, (1 + step) / (10 + step))


@torch.no_grad()
def move_average(average: QuantUNet, net: QuantUNet, share: float) -> None:
    """Let an average of weights, running statistics among them, keep a share of itself; the rest comes from the net."""
    for kept, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(now, 1.0 - share)
        else:
            kept.copy_(now)


def _settle(course: Course) -> None:
    """Make whole numbers of the widths, once, and keep the optimizer from them."""
    net, settings, excess = course.net, course.settings, course.excess
    offsets = width_offsets(net).values()
    assert settings.widths is not None
    assert excess is not None
    # A settled width is whole, so settling it again would change nothing, but for the price of pricing it.
    if any(offset.requires_grad for offset in offsets):
        board = settings.widths.board
        settle_within(net, excess, bounded=board is not None or settings.widths.target is not None)
        if board is not None:
            fill_within(net, excess, settings.widths.widest)
        for offset in offsets:
            offset.requires_grad_(False)
        if course.average is not None:
            move_average(course.average, net, 0.0)
