"""The training loop: epoch by epoch, resumable after a kill to the very same result."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from quantunet_hls.data import Samples, to_input
from quantunet_hls.errors import ConfigurationError, DataError
from quantunet_hls.nets import QuantUNet
from quantunet_hls.training.augment import augment
from quantunet_hls.training.losses import segmentation_loss
from quantunet_hls.training.scores import Scores, evaluate
from quantunet_hls.training.settings import Settings
from quantunet_hls.training.state import TrainingState, load_state, save_state

__all__ = ["STATE_FILE", "EpochResult", "learning_rate", "train"]

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
        best_epoch: epoch of the best validation Dice so far.
        best_dice: that Dice.
        seconds: wall-clock time it took, validation included.
    """

    epoch: int
    epochs: int
    loss: float
    scores: Scores
    best_epoch: int
    best_dice: float
    seconds: float


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
    stop_after: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Iterator[EpochResult]:
    """Train a network in place, yielding after every epoch, once its state is on disk.

    A run folder that holds the state of the same training carries on from there; the
    result equals that of a training that was never interrupted, bit for bit on the
    same machine with the same number of threads. When the iterator is exhausted the
    net has the weights of the epoch with the best validation Dice and is in eval mode.

    Args:
        net: the network, with its first weights (and activation scales, where it is quantized).
        training: images that it learns from.
        validation: images that choose the best epoch.
        settings: how.
        run_folder: where the state file lives.
        start: what the first weights are, in words or as a hash; part of what makes a training the same.
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
    told: dict[str, Any] = {
        "architecture": net.config.to_dict(),
        "settings": settings.to_dict(),
        "training": training.sha256(),
        "validation": validation.sha256(),
        "start": start,
    }
    path = Path(run_folder) / STATE_FILE
    # Convolutions of this size run a quarter faster this way on a CPU.
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(settings.seed)
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
        optimizer = _optimizer(net, settings)
        state = TrainingState(
            told=told, epoch=0, net={}, optimizer={}, generator=generator.get_state(), rng=torch.get_rng_state(),
            best_epoch=0, best_scores={}, best_net={}, history=[], seconds=0.0,
        )
    images, masks = to_input(training.images), torch.from_numpy(training.masks)
    loss_of = segmentation_loss(net.config.classes)
    steps = math.ceil(len(training) / settings.batch_size)
    last = settings.epochs if stop_after is None else min(stop_after, settings.epochs)
    while state.epoch < last:
        began = time.monotonic()
        net.train()
        total = 0.0
        order = torch.randperm(len(training), generator=generator)
        for step, chosen in enumerate(order.split(settings.batch_size)):
            rate = learning_rate(state.epoch * steps + step, settings.epochs * steps, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch, truth = augment(images[chosen], masks[chosen], settings.augmentation, generator)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.mixed_precision):
                logits = net(batch.contiguous(memory_format=torch.channels_last))
            loss = loss_of(logits.float(), truth)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            total += float(loss.detach())
            if on_step:
                on_step(step + 1, steps)
        scores = evaluate(net, validation)
        _record(state, net, optimizer, generator, total / steps, scores, time.monotonic() - began)
        save_state(path, state)
        yield EpochResult(
            epoch=state.epoch, epochs=settings.epochs, loss=total / steps, scores=scores,
            best_epoch=state.best_epoch, best_dice=state.best_scores["dice"], seconds=state.history[-1]["seconds"],
        )
    net.load_state_dict(state.best_net)
    net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    net.eval()


def _check_masks(kind: str, samples: Samples, classes: int) -> None:
    largest = int(samples.masks.max(initial=0))
    if largest == 0:
        raise DataError(f"None of the {kind} masks has any foreground, so nothing can be learnt; choose other folds.")
    if largest >= max(2, classes):
        raise DataError(
            f"The {kind} masks go up to class {largest}, which a network of {classes} classes lacks; give it more."
        )


def _optimizer(net: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    # Biases, norms and activation scales have a meaning of their own at zero; only kernels are drawn towards it.
    kernels = [value for value in net.parameters() if value.ndim > 1]
    others = [value for value in net.parameters() if value.ndim <= 1]
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
    loss: float, scores: Scores, seconds: float,
) -> None:
    state.epoch += 1
    state.seconds += seconds
    state.net, state.optimizer = deepcopy(net.state_dict()), deepcopy(optimizer.state_dict())
    state.generator, state.rng = generator.get_state(), torch.get_rng_state()
    state.history.append({"epoch": state.epoch, "loss": loss, **asdict(scores), "seconds": seconds})
    if not state.best_epoch or scores.dice > state.best_scores["dice"]:
        state.best_epoch, state.best_scores, state.best_net = state.epoch, asdict(scores), deepcopy(net.state_dict())
