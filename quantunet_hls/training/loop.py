"""The training loop: epoch by epoch, resumable after a kill to the very same result."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.scores import Scores, evaluate
from quantunet_hls.nets import QuantUNet
from quantunet_hls.nets.learned import width_offsets, width_values
from quantunet_hls.training.epoch import Course, learning_epochs, train_epoch
from quantunet_hls.training.heads import Heads
from quantunet_hls.training.settings import Settings
from quantunet_hls.training.state import TrainingState, load_state, save_state
from quantunet_hls.training.widths import Excess, excess_of, start_within

__all__ = ["STATE_FILE", "EpochResult", "train"]

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
        scores: on the validation images, after it, of the averaged weights where there is an average.
        kept_epoch: epoch whose weights are kept so far; 0 while bit widths are still learned.
        kept_dice: its validation Dice.
        seconds: wall-clock time it took, validation included.
        record: all figures of the epoch, also the parts of the loss and each learned width in bits.
    """

    epoch: int
    epochs: int
    loss: float
    scores: Scores
    kept_epoch: int
    kept_dice: float
    seconds: float
    record: Mapping[str, float] = field(default_factory=dict)


def train(
    net: QuantUNet,
    training: Samples,
    validation: Samples,
    settings: Settings,
    run_folder: Path,
    *,
    start: str = "random",
    teacher: nn.Module | None = None,
    device: str = "cpu",
    stop_after: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Iterator[EpochResult]:
    """Train a network in place, yielding after every epoch, once its state is on disk.

    A run folder that holds the state of the same training carries on from there; the result equals that of a training
    that was never interrupted, bit for bit on the same machine with the same number of threads. When the iterator is
    exhausted the net has the weights of the epoch that is kept (:class:`Settings`), averaged where there is an average,
    and is in eval mode, on the CPU. Where bit widths are learned, only epochs with settled widths count.

    Args:
        net: the network, with its first weights (and activation scales, where it is quantized).
        training: images that it learns from.
        validation: images that every epoch is scored on, and that choose the best one if that is kept.
        settings: how.
        run_folder: where the state file lives.
        start: what the first weights are, in words or as a hash; part of what makes a training the same. So is a
            teacher, which has to be among these words.
        teacher: a network whose probabilities are learnt from as well; takes the same images.
        device: where to compute, as PyTorch names it; "cuda" is not repeatable bit for bit.
        stop_after: epochs after which to stop early; the same training without it carries on from there.
        on_step: called after every step with the steps done in this epoch and their number.

    Raises:
        ConfigurationError: the run folder belongs to another training, or it is to stop before its first epoch.
        CheckpointError: its state file is damaged.
        DataError: masks without any foreground, or with more classes than the network has.
    """
    _check(net, training, validation, settings, teacher, stop_after)
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
    height, width = _input_size(training, settings)
    excess = excess_of(net, settings.widths, height, width) if settings.widths else None
    if teacher is not None:
        teacher.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    course, state = (_resumed(net, settings, excess, teacher, device, told, path) if path.exists()
                     else _begun(net, settings, excess, teacher, device, told))
    yield from _epochs(course, state, path, training, validation, stop_after, on_step)
    # Stopped before its widths were settled, it has no epoch that counts yet.
    net.load_state_dict(state.kept_net or state.net)
    net.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    net.eval()


def _epochs(course: Course, state: TrainingState, path: Path, training: Samples, validation: Samples,
            stop_after: int | None, on_step: Callable[[int, int], None] | None) -> Iterator[EpochResult]:
    """Train epoch by epoch, the state on disk after each."""
    images, masks = to_input(training.images), torch.from_numpy(training.masks)
    net, settings = course.net, course.settings
    last = settings.epochs if stop_after is None else min(stop_after, settings.epochs)
    while state.epoch < last and not _out_of_patience(state, settings):
        began = time.monotonic()
        learning = settings.widths is not None and state.epoch < learning_epochs(settings)
        record = train_epoch(course, images, masks, state.epoch, learning, on_step)
        scores = evaluate(course.average or net, validation, window=settings.crop)
        record |= scores.to_dict()
        record |= {f"bits/{name}": float(bits) for name, bits in width_values(net).items()}
        _record(state, course, record, scores, time.monotonic() - began, eligible=not learning)
        save_state(path, state)
        yield EpochResult(
            epoch=state.epoch, epochs=settings.epochs, loss=record["loss"], scores=scores,
            kept_epoch=state.kept_epoch, kept_dice=state.kept_scores.get("dice", 0.0),
            seconds=state.history[-1]["seconds"], record=state.history[-1],
        )


def _begun(net: QuantUNet, settings: Settings, excess: Excess | None, teacher: nn.Module | None, device: str,
           told: dict[str, Any]) -> tuple[Course, TrainingState]:
    """A training before its first epoch."""
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    if settings.widths is not None and settings.widths.board is not None and excess is not None:
        start_within(net, excess)
    state = TrainingState(
        told=told, epoch=0, net={}, optimizer={}, generator=generator.get_state(), rng=torch.get_rng_state(),
        average={}, kept_epoch=0, kept_scores={}, kept_net={}, history=[], seconds=0.0,
    )
    average = copy.deepcopy(net) if settings.average else None
    heads = _heads(net, settings, device)
    optimizer = _optimizer(net, settings, heads)
    return Course(net, settings, excess, device, optimizer, generator, average, teacher, heads), state


def _resumed(net: QuantUNet, settings: Settings, excess: Excess | None, teacher: nn.Module | None, device: str,
             told: dict[str, Any], path: Path) -> tuple[Course, TrainingState]:
    """The training whose state lies there, if it was told the same."""
    state = load_state(path)
    _check_same(told, state.told, path)
    # Brevitas makes new parameters when it loads a state, so the optimizer must come after it.
    average = copy.deepcopy(net) if settings.average else None
    net.load_state_dict(state.net)
    if average is not None:
        average.load_state_dict(state.average)
    if (heads := _heads(net, settings, device)) is not None:
        heads.load_state_dict(state.heads)
    optimizer, generator = _optimizer(net, settings, heads), torch.Generator()
    optimizer.load_state_dict(state.optimizer)
    generator.set_state(state.generator)
    torch.set_rng_state(state.rng)
    _log.info("resuming %s after epoch %d of %d", path, state.epoch, settings.epochs)
    return Course(net, settings, excess, device, optimizer, generator, average, teacher, heads), state


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
    return (settings.patience is not None and state.kept_epoch > 0
            and state.epoch - state.kept_epoch >= settings.patience)


def _check(net: QuantUNet, training: Samples, validation: Samples, settings: Settings, teacher: nn.Module | None,
           stop_after: int | None) -> None:
    for kind, samples in (("training", training), ("validation", validation)):
        _check_masks(kind, samples, net.config.classes)
    if stop_after is not None and stop_after < 1:
        raise ConfigurationError(f"A training can stop after its first epoch or later, not after {stop_after}.")
    if settings.mixed_precision and net.config.quantized:
        raise ConfigurationError(
            "A quantized network can't be trained in mixed precision, because bfloat16 can't hold its integers; "
            "switch it off."
        )
    if settings.compiled and net.config.quantized:
        raise ConfigurationError(
            "A quantized network can't be compiled, because torch.compile can't follow its quantizers; switch it off."
        )
    if settings.deep_supervision and net.config.depth < 2:
        raise ConfigurationError("Deep supervision is of the decoder's coarser levels, which a U-Net of depth 1 lacks; "
                                 "leave it out or take depth 2.")
    if settings.deep_supervision and settings.compiled:
        raise ConfigurationError("A compiled network can't be watched for deep supervision; switch one of them off.")
    if (teacher is not None) != (settings.distillation > 0):
        raise ConfigurationError("A teacher and the weight of what it teaches (distillation) go together; give both.")
    if settings.widths is not None and not net.learned_widths:
        raise ConfigurationError("Bit widths can only be learned by a network that is built for it (learned_widths).")


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


def _heads(net: QuantUNet, settings: Settings, device: str) -> Heads | None:
    return Heads(net).to(device) if settings.deep_supervision else None


def _optimizer(net: QuantUNet, settings: Settings, heads: Heads | None) -> torch.optim.Optimizer:
    # Widths move by steps of their own.
    widths = {id(offset) for offset in width_offsets(net).values()}
    # Biases, norms and activation scales have a meaning of their own at zero; only kernels are drawn towards it.
    kernels = [value for value in net.parameters() if value.ndim > 1]
    others = [value for value in net.parameters() if value.ndim <= 1 and id(value) not in widths]
    return torch.optim.AdamW(
        [{"params": kernels, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0},
         *([{"params": list(heads.parameters()), "weight_decay": 0.0}] if heads is not None else [])],
        lr=settings.learning_rate,
    )


def _check_same(told: Mapping[str, Any], before: Mapping[str, Any], path: Path) -> None:
    # A setting that came later was as it is by default.
    before = {**before, "settings": {**Settings().to_dict(), **before.get("settings", {})}}
    for key, value in told.items():
        if before.get(key) != value:
            raise ConfigurationError(
                f"{path} belongs to a training with another {key}; repeat that training's command or name a new folder."
            )


def _record(state: TrainingState, course: Course, record: Mapping[str, float], scores: Scores, seconds: float, *,
            eligible: bool) -> None:
    state.epoch += 1
    state.seconds += seconds
    state.net, state.optimizer = _on_cpu(course.net.state_dict()), _on_cpu(course.optimizer.state_dict())
    state.average = _on_cpu(course.average.state_dict()) if course.average is not None else {}
    state.heads = _on_cpu(course.heads.state_dict()) if course.heads is not None else {}
    state.generator, state.rng = course.generator.get_state(), torch.get_rng_state()
    state.history.append({"epoch": state.epoch, **record, "seconds": seconds})
    latest = course.settings.keep == "last"
    if eligible and (latest or not state.kept_epoch or scores.dice > state.kept_scores["dice"]):
        state.kept_epoch, state.kept_net = state.epoch, state.average or state.net
        state.kept_scores = scores.to_dict()


def _on_cpu(value: Any) -> Any:
    """A copy of a state dict, its tensors on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, Mapping):
        return {key: _on_cpu(part) for key, part in value.items()}
    return [_on_cpu(part) for part in value] if isinstance(value, list) else value
