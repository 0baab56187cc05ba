"""One training from a data folder to a checkpoint with its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import torch

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.folders import check_writable, claim, exclusively
from quantunet_hls.data.image_folders import Samples, Split, read_pairs, require_masks
from quantunet_hls.data.index_file import kinds_in
from quantunet_hls.data.scores import evaluate
from quantunet_hls.nets import QuantUNet, UNetConfig, settled
from quantunet_hls.training.loop import STATE_FILE, EpochResult, train
from quantunet_hls.training.prepare import calibration_places, quantize
from quantunet_hls.training.scalars import scalars
from quantunet_hls.training.settings import Settings
from quantunet_hls.training.state import load_state
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.cards import Card
from quantunet_hls.zoo.datasets import terms_of

__all__ = ["Plan", "calibration_samples", "first_weights", "run"]

_SCORES_NOTE = (
    "dice and iou pool the pixels of all images, dice_per_image is the mean over images that have any foreground"
)


@dataclass(frozen=True)
class Plan:
    """A training as it is asked for.

    Attributes:
        name: of the checkpoint.
        data: data folder.
        architecture: the network.
        training: images that it learns from.
        validation: images that every epoch is scored on, and that choose the best one if that is kept.
        settings: how it is trained.
        scoring: images that the result is scored on, in the end and never before; None for the validation images.
        init: zoo name or checkpoint path of the first weights; None for random ones.
        teacher: zoo name or checkpoint path of a network that is learnt from as well; None without one.
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
    scoring: Split | None = None
    init: str | None = None
    teacher: str | None = None
    device: str = "cpu"
    stop_after: int | None = None
    command: str = ""
    recipe: str = ""

    def __post_init__(self) -> None:
        for (one, first), (other, second) in combinations(self.splits.items(), 2):
            shared = set(first.numbers) & set(second.numbers)
            if shared and first.kind == second.kind:
                raise ConfigurationError(
                    f"{first.kind.capitalize()} {min(shared)} is asked for both in {one} and in {other}; "
                    f"give each {first.kind} to one of them."
                )

    @property
    def splits(self) -> dict[str, Split]:
        """Which images are used, by what for; no image is in two of them."""
        given = {"training": self.training, "validation": self.validation, "scoring": self.scoring}
        return {use: split for use, split in given.items() if split is not None}


def calibration_samples(plan: Plan) -> Samples:
    """Those training images that :func:`first_weights` looks at, alone."""
    names = plan.training.names(plan.data)
    chosen = [names[place] for place in calibration_places(len(names))]
    return read_pairs(plan.data, chosen, channels=plan.architecture.in_channels, classes=plan.architecture.classes)


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
        The network of the epoch that is kept, in eval mode, and its card.
    """
    # Before a thousand images are read.
    for start in (plan.init, plan.teacher):
        if start is not None:
            zoo.load(start)
    names = {use: split.names(plan.data) for use, split in plan.splits.items()}
    for (one, first), (other, second) in combinations(names.items(), 2):
        both = sorted(set(first) & set(second))
        if both:
            raise ConfigurationError(f"{both[0]} is asked for both in {one} and in {other}; give it to one of them.")
    for chosen in names.values():
        require_masks(plan.data, chosen)
    check_writable(run_folder)
    channels, classes = plan.architecture.in_channels, plan.architecture.classes
    training = read_pairs(plan.data, names.pop("training"), channels=channels, classes=classes)
    height, width = training.images.shape[2:]
    others = {use: read_pairs(plan.data, chosen, channels=channels, height=height, width=width, classes=classes)
              for use, chosen in names.items()}
    claim(run_folder, "training", earlier=lambda folder: load_state(folder / STATE_FILE).epoch >= 0)
    with exclusively(run_folder):
        return _run(plan, run_folder, training, others, on_step, on_epoch)


def _run(
    plan: Plan,
    run_folder: Path,
    training: Samples,
    others: Mapping[str, Samples],
    on_step: Callable[[int, int], None] | None,
    on_epoch: Callable[[EpochResult], None] | None,
) -> tuple[QuantUNet, Card]:
    net, start = first_weights(plan, training)
    teacher, teacher_card = zoo.load(plan.teacher) if plan.teacher is not None else (None, None)
    if teacher_card is not None:
        start += f", taught by {teacher_card.name} (sha256 {teacher_card.sha256})"
    results = train(
        net, training, others["validation"], plan.settings, run_folder,
        start=start, teacher=teacher, device=plan.device, stop_after=plan.stop_after, on_step=on_step,
    )
    with scalars(Path(run_folder)) as write:
        for result in results:
            write(result)
            if on_epoch:
                on_epoch(result)
    net = settled(net)
    state = load_state(Path(run_folder) / STATE_FILE)
    data_set = plan.data.resolve().name
    scored = "scoring" if "scoring" in others else "validation"
    uses = {"training": training, **others}
    card = zoo.save(
        net, plan.name, folder=Path(run_folder),
        height=plan.settings.crop or training.images.shape[2], width=plan.settings.crop or training.images.shape[3],
        scores=evaluate(net, others[scored], window=plan.settings.crop).to_dict()
        | {"meaning": f"{_scored_on(plan)}; {_SCORES_NOTE}"},
        data={
            "name": data_set, **terms_of(data_set).to_dict(),
            **{key: value for use, split in plan.splits.items() for key, value in (
                (f"{use}_{split.kind}s", list(split.numbers)), (f"{use}_images", len(uses[use])))},
            **({"classes": list(kinds_in(plan.data))} if plan.architecture.classes > 2 else {}),
        },
        training={
            "command": plan.command, "recipe": plan.recipe, "seed": plan.settings.seed, "start": start,
            "epochs": plan.settings.epochs, "epochs_done": state.epoch, "kept_epoch": state.kept_epoch,
            "minutes": round(state.seconds / 60, 1), "settings": plan.settings.summary(),
            "history": [_figures(epoch) for epoch in state.history],
        },
    )
    return net, card


def _scored_on(plan: Plan) -> str:
    """On which images the scores are, and whether anything was chosen on them."""
    chosen = plan.settings.keep == "best"
    if plan.scoring is not None:
        return (f"on the scoring {plan.scoring.kind}s, which chose nothing"
                + (" (the epoch was chosen on the validation images)" if chosen else ""))
    where = f"on the validation {plan.validation.kind}s"
    return f"{where}, at the epoch with the best Dice on them" if chosen else f"{where}, which chose nothing"


def _figures(epoch: Mapping[str, float]) -> dict[str, float]:
    """What of an epoch's record stands in the card: the curves, without each layer's bits (the result's are there)."""
    bits = [value for key, value in epoch.items() if key.startswith("bits/")]
    figures = {key: round(value, 5) for key, value in epoch.items() if not key.startswith("bits/")}
    return figures | ({"bits": round(sum(bits) / len(bits), 3)} if bits else {})
