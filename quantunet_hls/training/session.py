"""One training from a data folder to a checkpoint with its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.folders import check_writable, claim, exclusively
from quantunet_hls.data.image_folders import Samples, Split, read_pairs, require_masks
from quantunet_hls.data.scores import evaluate
from quantunet_hls.nets import QuantUNet, UNetConfig, settled
from quantunet_hls.training.datasets import terms_of
from quantunet_hls.training.loop import STATE_FILE, EpochResult, train
from quantunet_hls.training.prepare import calibration_places, quantize
from quantunet_hls.training.scalars import scalars
from quantunet_hls.training.settings import Settings
from quantunet_hls.training.state import load_state
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.cards import Card

__all__ = ["Plan", "calibration_samples", "first_weights", "run"]

_SCORES_NOTE = (
    "on the validation folds, at the epoch with the best validation dice; dice and iou pool the pixels of all images, "
    "dice_per_image is the mean over images that have any foreground"
)


@dataclass(frozen=True)
class Plan:
    """A training as it is asked for.

    Attributes:
        name: of the checkpoint.
        data: data folder.
        architecture: the network.
        training: images that it learns from.
        validation: images that choose the best epoch.
        settings: how it is trained.
        init: zoo name or checkpoint path of the first weights; None for random ones.
        device: where to compute, as PyTorch names it.
        stop_after: epochs after which to stop early, to be carried on another time.
        command: the command line that asks for this plan, for the card.
        recipe: name of its recipe, for the card.
    """

    name: str
    data: Path
    architecture: UNetConfig
    training: Split
    validation: Split
    settings: Settings = field(default_factory=Settings)
    init: str | None = None
    device: str = "cpu"
    stop_after: int | None = None
    command: str = ""
    recipe: str = ""

    def __post_init__(self) -> None:
        shared = set(self.training.numbers) & set(self.validation.numbers)
        if shared and self.training.kind == self.validation.kind:
            raise ConfigurationError(
                f"{self.training.kind.capitalize()} {min(shared)} is asked for both in training and in validation; "
                f"give each {self.training.kind} to one of them."
            )


def calibration_samples(plan: Plan) -> Samples:
    """Those training images that :func:`first_weights` looks at, alone."""
    names = plan.training.names(plan.data)
    chosen = [names[place] for place in calibration_places(len(names))]
    return read_pairs(plan.data, chosen, channels=plan.architecture.in_channels)


def first_weights(plan: Plan, samples: Samples) -> tuple[QuantUNet, str]:
    """The network before its first step, and in a word where its weights come from.

    Random weights depend on the seed only. A quantized network starts from a float
    checkpoint by folding, equalizing and calibrating; otherwise a checkpoint must be
    of the very architecture that is asked for.
    """
    torch.manual_seed(plan.settings.seed)
    learned = plan.settings.widths is not None
    if learned and not plan.architecture.quantized:
        raise ConfigurationError("A float network has no bit widths to learn; train a quantized one.")
    if plan.init is None:
        if plan.architecture.quantized:
            # Without float weights there is nothing yet that activations could be scaled by.
            start = QuantUNet(replace(plan.architecture, quantized=False, batch_norm=False))
            return quantize(start, plan.architecture, samples, learned_widths=learned), "random"
        return QuantUNet(plan.architecture), "random"
    net, card = zoo.load(plan.init)
    start_name = f"{card.name} (sha256 {card.sha256})"
    if plan.architecture.quantized and not net.config.quantized:
        return quantize(net, plan.architecture, samples, learned_widths=learned), start_name
    if net.config != plan.architecture or learned:
        raise ConfigurationError(
            f"{plan.init} has another architecture than what is to be trained; give the options of its own training."
        )
    return net, start_name


def run(
    plan: Plan,
    run_folder: Path,
    *,
    on_step: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[EpochResult], None] | None = None,
) -> tuple[QuantUNet, Card]:
    """Train (or carry on, or find it done) and leave ``<name>.pt`` with its card in the run folder.

    Returns:
        The network of the best epoch in eval mode, and its card.
    """
    if plan.init is not None:
        # Before a thousand images are read.
        zoo.load(plan.init)
    chosen, held_out = plan.training.names(plan.data), plan.validation.names(plan.data)
    both = sorted(set(chosen) & set(held_out))
    if both:
        raise ConfigurationError(f"{both[0]} is asked for both in training and in validation; give it to one of them.")
    for names in (chosen, held_out):
        require_masks(plan.data, names)
    check_writable(run_folder)
    training = read_pairs(plan.data, chosen, channels=plan.architecture.in_channels)
    validation = read_pairs(
        plan.data, held_out, channels=plan.architecture.in_channels,
        height=training.images.shape[2], width=training.images.shape[3],
    )
    claim(run_folder, "training", earlier=lambda folder: load_state(folder / STATE_FILE).epoch >= 0)
    with exclusively(run_folder):
        return _run(plan, run_folder, training, validation, on_step, on_epoch)


def _run(
    plan: Plan,
    run_folder: Path,
    training: Samples,
    validation: Samples,
    on_step: Callable[[int, int], None] | None,
    on_epoch: Callable[[EpochResult], None] | None,
) -> tuple[QuantUNet, Card]:
    net, start = first_weights(plan, training)
    results = train(
        net, training, validation, plan.settings, run_folder,
        start=start, device=plan.device, stop_after=plan.stop_after, on_step=on_step,
    )
    with scalars(Path(run_folder)) as write:
        for result in results:
            write(result)
            if on_epoch:
                on_epoch(result)
    net = settled(net)
    state = load_state(Path(run_folder) / STATE_FILE)
    data_set = plan.data.resolve().name
    card = zoo.save(
        net, plan.name, folder=Path(run_folder),
        height=plan.settings.crop or training.images.shape[2], width=plan.settings.crop or training.images.shape[3],
        scores=evaluate(net, validation, window=plan.settings.crop).to_dict() | {"meaning": _SCORES_NOTE},
        data={
            "name": data_set, **terms_of(data_set).to_dict(),
            f"training_{plan.training.kind}s": list(plan.training.numbers), "training_images": len(training),
            f"validation_{plan.validation.kind}s": list(plan.validation.numbers), "validation_images": len(validation),
        },
        training={
            "command": plan.command, "recipe": plan.recipe, "seed": plan.settings.seed, "start": start,
            "epochs": plan.settings.epochs, "epochs_done": state.epoch, "best_epoch": state.best_epoch,
            "minutes": round(state.seconds / 60, 1), "settings": plan.settings.summary(),
            "history": [_figures(epoch) for epoch in state.history],
        },
    )
    return net, card


def _figures(epoch: Mapping[str, float]) -> dict[str, float]:
    """What of an epoch's record stands in the card: the curves, without each layer's bits (the result's are there)."""
    bits = [value for key, value in epoch.items() if key.startswith("bits/")]
    figures = {key: round(value, 5) for key, value in epoch.items() if not key.startswith("bits/")}
    return figures | ({"bits": round(sum(bits) / len(bits), 3)} if bits else {})
