"""The training loop: epoch by epoch, resumable after a kill to the very same result."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.scores import Scores, evaluate
from quantunet_hls.nets import QuantUNet
from quantunet_hls.nets.learned import learned_widths, width_offsets, width_values
from quantunet_hls.training.augment import augment, random_crops
from quantunet_hls.training.losses import segmentation_loss
from quantunet_hls.training.settings import Settings
from quantunet_hls.training.state import TrainingState, load_state, save_state
from quantunet_hls.training.widths import (
    Excess,
    excess_of,
    fill_within,
    frozen_epochs,
    move_widths,
    settle_within,
    start_within,
)

__all__ = ["STATE_FILE", "EpochResult", "learning_epochs", "learning_rate", "train"]

_log = logging.getLogger(__name__)

#: Name of the state file in a run folder.
STATE_FILE = "state.pt"


@dataclass(frozen=True)
class EpochResult:
    """What one epoch brought.

    Attributes:
        epoch: its number, from 1.
        epochs: how many there will be.
        loss: mean over its steps.
        scores: on the validation images, after it.
        best_epoch: epoch of the best validation Dice so far; 0 while bit widths are still learned.
        best_dice: that Dice.
        seconds: wall-clock time it took, validation included.
        record: all figures of the epoch, also the parts of the loss and each learned width in bits.
    """

    epoch: int
    epochs: int
    loss: float
    scores: Scores
    best_epoch: int
    best_dice: float
    seconds: float
    record: Mapping[str, float] = field(default_factory=dict)


def learning_rate(step: int, steps: int, settings: Settings) -> float:
    """Rate at a step (from 0) of ``steps``: a linear climb to the peak, then a cosine down to 1 % of it."""
    climb = settings.warmup * steps
    if step < climb:
        return settings.learning_rate * (step + 1) / (climb + 1)
    along = (step - climb) / max(1.0, steps - climb)
    return settings.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * along)) / 2)


def train(
    net: QuantUNet,
    training: Samples,
    validation: Samples,
    settings: Settings,
    run_folder: Path,
    *,
    start: str = "random",
    device: str = "cpu",
    stop_after: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Iterator[EpochResult]:
    """Train a network in place, yielding after every epoch, once its state is on disk.

    A run folder that holds the state of the same training carries on from there; the
    result equals that of a training that was never interrupted, bit for bit on the
    same machine with the same number of threads. When the iterator is exhausted the
    net has the weights of the epoch with the best validation Dice and is in eval mode,
    on the CPU. Where bit widths are learned, only epochs with settled widths can be the best one.

    Args:
        net: the network, with its first weights (and activation scales, where it is quantized).
        training: images that it learns from.
        validation: images that choose the best epoch.
        settings: how.
        run_folder: where the state file lives.
        start: what the first weights are, in words or as a hash; part of what makes a training the same.
        device: where to compute, as PyTorch names it; "cuda" is not repeatable bit for bit.
        stop_after: epochs after which to stop early; the same training without it carries on from there.
        on_step: called after every step with the steps done in this epoch and their number.

    Raises:
        ConfigurationError: the run folder belongs to another training, or it is to stop before its first epoch.
        CheckpointError: its state file is damaged.
        DataError: masks without any foreground, or with more classes than the network has.
    """
    for kind, samples in (("training", training), ("validation", validation)):
        _check_masks(kind, samples, net.config.classes)
    if stop_after is not None and stop_after < 1:
        raise ConfigurationError(f"A training can stop after its first epoch or later, not after {stop_after}.")
    if settings.mixed_precision and net.config.quantized:
        raise ConfigurationError(
            "A quantized network can't be trained in mixed precision, because bfloat16 can't hold its integers; "
            "switch it off."
        )
    if settings.widths is not None and not net.learned_widths:
        raise ConfigurationError("Bit widths can only be learned by a network that is built for it (learned_widths).")
    told: dict[str, Any] = {
        "architecture": net.config.to_dict(),
        "settings": settings.to_dict(),
        "training": training.sha256(),
        "validation": validation.sha256(),
        "start": start,
    }
    path = Path(run_folder) / STATE_FILE
    # Convolutions of this size run a quarter faster this way on a CPU.
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(settings.seed)
    height, width = _input_size(training, settings)
    excess = excess_of(net, settings.widths, height, width) if settings.widths else None
    if path.exists():
        state = load_state(path)
        _check_same(told, state.told, path)
        # Brevitas makes new parameters when it loads a state, so the optimizer must come after it.
        net.load_state_dict(state.net)
        optimizer = _optimizer(net, settings)
        optimizer.load_state_dict(state.optimizer)
        generator.set_state(state.generator)
        torch.set_rng_state(state.rng)
        _log.info("resuming %s after epoch %d of %d", path, state.epoch, settings.epochs)
    else:
        torch.manual_seed(settings.seed)
        if settings.widths is not None and settings.widths.board is not None and excess is not None:
            start_within(net, excess)
        optimizer = _optimizer(net, settings)
        state = TrainingState(
            told=told, epoch=0, net={}, optimizer={}, generator=generator.get_state(), rng=torch.get_rng_state(),
            best_epoch=0, best_scores={}, best_net={}, history=[], seconds=0.0,
        )
    images, masks = to_input(training.images), torch.from_numpy(training.masks)
    loss_of = _Loss(net, settings, excess)
    draws = len(training) * settings.crops_per_image
    steps = math.ceil(draws / settings.batch_size)
    last = settings.epochs if stop_after is None else min(stop_after, settings.epochs)
    while state.epoch < last and not _out_of_patience(state, settings):
        began = time.monotonic()
        net.train()
        learning = settings.widths is not None and state.epoch < learning_epochs(settings)
        if settings.widths is not None and not learning:
            _settle(net, settings, excess)
        totals: dict[str, float] = {}
        order = torch.randperm(draws, generator=generator) % len(training)
        for step, chosen in enumerate(order.split(settings.batch_size)):
            rate = learning_rate(state.epoch * steps + step, settings.epochs * steps, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch, truth = images[chosen], masks[chosen]
            if settings.crop is not None:
                batch, truth = random_crops(batch, truth, settings.crop, generator)
            batch, truth = augment(batch, truth, settings.augmentation, generator)
            optimizer.zero_grad()
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.mixed_precision):
                logits = net(batch.to(device, memory_format=torch.channels_last))
            parts = loss_of(logits.float(), truth.to(device), learning)
            parts["loss"].backward()
            nn.utils.clip_grad_norm_([value for group in optimizer.param_groups for value in group["params"]], 1.0)
            optimizer.step()
            if learning and settings.widths is not None:
                move_widths(net, settings.widths, steps)
            for name, value in parts.items():
                totals[name] = totals.get(name, 0.0) + float(value.detach())
            if on_step:
                on_step(step + 1, steps)
        scores = evaluate(net, validation, window=settings.crop)
        record = {name: total / steps for name, total in totals.items()} | asdict(scores)
        record |= {f"bits/{name}": float(bits) for name, bits in width_values(net).items()}
        _record(state, net, optimizer, generator, record, time.monotonic() - began, eligible=not learning)
        save_state(path, state)
        yield EpochResult(
            epoch=state.epoch, epochs=settings.epochs, loss=record["loss"], scores=scores,
            best_epoch=state.best_epoch, best_dice=state.best_scores.get("dice", 0.0),
            seconds=state.history[-1]["seconds"], record=state.history[-1],
        )
    # Stopped before its widths were settled, it has no best epoch yet.
    net.load_state_dict(state.best_net or state.net)
    net.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    net.eval()


def learning_epochs(settings: Settings) -> int:
    """Epochs, the first ones, in which bit widths are learned."""
    return settings.epochs - frozen_epochs(settings.widths, settings.epochs) if settings.widths else 0


class _Loss:
    """The loss and its parts, for the loop and for whoever watches it."""

    def __init__(self, net: QuantUNet, settings: Settings, excess: Excess | None):
        self._net, self._settings, self._excess = net, settings, excess
        self._segmentation = segmentation_loss(net.config.classes)

    def __call__(self, logits: Tensor, masks: Tensor, learning: bool) -> dict[str, Tensor]:
        dice, entropy = self._segmentation(logits, masks)
        how = self._settings
        loss = how.dice_weight * dice + how.cross_entropy_weight * entropy
        parts = {"dice_loss": dice, "cross_entropy": entropy}
        if learning and how.widths is not None and self._excess is not None:
            parts["bitwidth_loss"] = self._excess(learned_widths(self._net))
            loss = loss + how.widths.weight * parts["bitwidth_loss"]
        return {"loss": loss} | parts


def _settle(net: QuantUNet, settings: Settings, excess: Excess | None) -> None:
    """Make whole numbers of the widths, once, and keep the optimizer from them."""
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


def _input_size(samples: Samples, settings: Settings) -> tuple[int, int]:
    height, width = samples.images.shape[2:]
    if settings.crop is None:
        return height, width
    if settings.crop > min(height, width):
        raise DataError(
            f"Squares of {settings.crop} pixels can't be cut from images of {height}x{width} (height x width); "
            "take a smaller crop."
        )
    return settings.crop, settings.crop


def _out_of_patience(state: TrainingState, settings: Settings) -> bool:
    return (settings.patience is not None and state.best_epoch > 0
            and state.epoch - state.best_epoch >= settings.patience)


def _check_masks(kind: str, samples: Samples, classes: int) -> None:
    largest = int(samples.masks.max(initial=0))
    if largest == 0:
        raise DataError(
            f"None of the {len(samples)} {kind} masks ({samples.names[0]} to {samples.names[-1]}) has any foreground, "
            "so nothing can be learnt; choose other images."
        )
    if largest >= max(2, classes):
        raise DataError(
            f"The {kind} masks go up to class {largest}, which a network of {classes} classes lacks; give it more."
        )


def _optimizer(net: QuantUNet, settings: Settings) -> torch.optim.Optimizer:
    # Widths move by steps of their own.
    widths = {id(offset) for offset in width_offsets(net).values()}
    # Biases, norms and activation scales have a meaning of their own at zero; only kernels are drawn towards it.
    kernels = [value for value in net.parameters() if value.ndim > 1]
    others = [value for value in net.parameters() if value.ndim <= 1 and id(value) not in widths]
    return torch.optim.AdamW(
        [{"params": kernels, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
    )


def _check_same(told: Mapping[str, Any], before: Mapping[str, Any], path: Path) -> None:
    for key, value in told.items():
        if before.get(key) != value:
            raise ConfigurationError(
                f"{path} belongs to a training with another {key}; repeat that training's command or name a new folder."
            )


def _record(
    state: TrainingState, net: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator,
    record: Mapping[str, float], seconds: float, *, eligible: bool,
) -> None:
    state.epoch += 1
    state.seconds += seconds
    state.net, state.optimizer = _on_cpu(net.state_dict()), _on_cpu(optimizer.state_dict())
    state.generator, state.rng = generator.get_state(), torch.get_rng_state()
    state.history.append({"epoch": state.epoch, **record, "seconds": seconds})
    if eligible and (not state.best_epoch or record["dice"] > state.best_scores["dice"]):
        state.best_epoch, state.best_net = state.epoch, state.net
        state.best_scores = {entry.name: record[entry.name] for entry in fields(Scores)}


def _on_cpu(value: Any) -> Any:
    """A copy of a state dict, its tensors on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, Mapping):
        return {key: _on_cpu(part) for key, part in value.items()}
    return [_on_cpu(part) for part in value] if isinstance(value, list) else value
