"""What a training is told: plain values that stand in its state file and in the zoo card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from quantunet_hls.core.errors import ConfigurationError, shown

__all__ = ["KEPT", "MEASURES", "Augmentation", "BoardCost", "Settings", "WidthGoal", "WidthLearning"]

#: What a bit width can be weighed by.
MEASURES = ("mean", "parameters", "operations", "board")

#: Which epoch's weights a training ends with: those of its last one, or those of the best validation Dice.
KEPT = ("last", "best")

_LARGEST, _SEEDS = 1e9, 2**63


def _check_numbers(whose: str, values: Any, *besides: str) -> None:
    """Refuse numbers that are not finite, or that nobody means."""
    for entry in fields(values):
        value = getattr(values, entry.name)
        if isinstance(value, int | float) and entry.name not in besides and not abs(value) <= _LARGEST:
            raise ConfigurationError(f"{whose}'s {entry.name} is at most {_LARGEST:g}, not {shown(value)}.")


@dataclass(frozen=True)
class Augmentation:
    """How far a training image may be moved and changed, each drawn evenly up to these limits.

    Attributes:
        flip: mirror left-right and up-down, each with probability one half.
        rotation: degrees either way.
        shift: either way, as a share of height and width.
        scale: larger or smaller, as a share.
        gain: brighter or darker by a factor, as a share.
        offset: added to all pixels either way, where full scale is 1.
        gamma: exponent of the grey values above or below 1, as a share; full scale stays what it is.
        noise: standard deviation of noise in every pixel, drawn up to this, where full scale is 1.
        elastic: how far a place is moved beside what moves the whole picture, as a share of height and width;
            neighbouring places move alike.
    """

    flip: bool = True
    rotation: float = 15.0
    shift: float = 0.06
    scale: float = 0.12
    gain: float = 0.2
    offset: float = 0.03
    gamma: float = 0.0
    noise: float = 0.0
    elastic: float = 0.0

    def __post_init__(self) -> None:
        _check_numbers("An augmentation", self)


@dataclass(frozen=True)
class BoardCost:
    """What a whole design takes of a board, in plain numbers: of every resource a share for each layer's widths.

    A design takes ``rest``, and of each layer the entries of its widths. All shares are of what the board has.

    Attributes:
        resources: name of what each row of the tables counts; of several rows of a name the largest sum is the share.
        narrowest: bits of a table's first row and column.
        layers: by layer: for each row, and each width of its weights, a share for each width of its input.
        results: by layer that has an activation quantizer of its own: for each row a share for each width.
        rest: for each row.
        budget: share that may be taken of each.
        source: where the numbers come from, in words.
    """

    resources: tuple[str, ...]
    narrowest: int
    layers: Mapping[str, tuple[tuple[tuple[float, ...], ...], ...]]
    results: Mapping[str, tuple[tuple[float, ...], ...]]
    rest: tuple[float, ...]
    budget: float
    source: str = ""


@dataclass(frozen=True)
class WidthGoal:
    """What bit widths are to be when they are learned along with the weights.

    Attributes:
        measure: "mean" of all widths, or weighed by "parameters", by "operations", or by what they cost on a "board".
        weight: of the bitwidth loss in the whole loss.
        target: bits at which the bitwidth loss ends, by that measure; the widths that are exported keep to it.
            None keeps pressing, as the paper does. A board's target is its budget.
        pace: bits that the bitwidth loss alone would take off the mean width in an epoch. A width whose bits the
            segmentation misses goes down more slowly, or up.
        settled: share of the epochs, the last ones, that train with the whole widths that are exported.
        widest: most bits of a weight or an activation.
    """

    measure: str = "mean"
    weight: float = 0.25
    target: float | None = None
    pace: float = 1.5
    settled: float = 0.4
    widest: int = 8

    def __post_init__(self) -> None:
        _check_numbers("A bitwidth loss", self)
        if self.measure not in MEASURES:
            raise ConfigurationError(
                f"Widths are weighed by one of {', '.join(MEASURES)}, not by {shown(self.measure)}."
            )
        if not 0 < self.settled <= 1:
            raise ConfigurationError(
                f"The settled share of the epochs lies above 0 up to 1, not at {shown(self.settled)}."
            )
        for name in ("weight", "pace"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigurationError(f"The bitwidth loss has a {name} above 0, not {shown(getattr(self, name))}.")
        if not isinstance(self.widest, int) or not 2 <= self.widest <= 16:
            raise ConfigurationError(f"The widest width is a whole number from 2 to 16, not {shown(self.widest)}.")


@dataclass(frozen=True)
class WidthLearning(WidthGoal):
    """How bit widths are learned: towards a goal, and where a board weighs them, by that board's costs.

    Attributes:
        board: what widths cost, for that measure only.
    """

    board: BoardCost | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.measure == "board") != (self.board is not None):
            raise ConfigurationError("Widths that are weighed by a board need that board's costs; name a board.")


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes:
        epochs: passes over the training images.
        batch_size: images in a step.
        learning_rate: its peak; it climbs over ``warmup`` and falls along a cosine to nearly zero.
        warmup: share of all steps.
        weight_decay: decoupled (AdamW), on convolution weights only.
        seed: of order, augmentation and, where the weights are new, of the weights.
        mixed_precision: compute float networks in bfloat16 where that is safe. Never for quantized ones: bfloat16
            can't hold the integers that a quantized network passes on.
        compiled: let torch.compile fuse a float network's operations, which a CPU gains a sixth by. Sums come in
            another order then, so the weights differ in their last bits from a training without it.
        augmentation: what is done to the training images.
        dice_weight: of the Dice loss.
        cross_entropy_weight: of the (binary) cross entropy.
        tversky_weight: of the Tversky loss, which weighs missed foreground apart from what is found in the background.
        tversky_missed: weight of missed foreground in it, 0 to 1; what is found in the background has the rest.
        focal_weight: of the focal loss.
        deep_supervision: weight of the losses of heads at the coarser levels of the decoder, their mean; they are
            trained along and left out of the result. 0 has none.
        distillation: weight of the cross entropy towards a teacher's probabilities; 0 where there is no teacher.
        average: share of itself that the average of the weights keeps at a step (an exponential moving average); what
            is scored and kept is the average. It keeps less at its first steps (:func:`~.epoch.average_share`).
            0 keeps the weights as they are.
        keep: the weights of the "last" epoch of those that count, or those of the "best" validation Dice. The second
            is a choice by the validation images, which then say too much of the result.
        patience: epochs without a better validation Dice after which the training ends; None trains them all.
        crop: side in pixels of the squares that are cut from larger images, at random places in training and
            side by side with some overlap in validation; None takes images as they are.
        crops_per_image: how many squares of every image an epoch sees.
        widths: how bit widths are learned; None keeps those of the architecture.
    """

    epochs: int = 40
    batch_size: int = 16
    learning_rate: float = 3e-3
    warmup: float = 0.08
    weight_decay: float = 1e-4
    seed: int = 1
    mixed_precision: bool = False
    compiled: bool = False
    augmentation: Augmentation = Augmentation()
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    tversky_weight: float = 0.0
    tversky_missed: float = 0.7
    focal_weight: float = 0.0
    deep_supervision: float = 0.0
    distillation: float = 0.0
    average: float = 0.0
    keep: str = "last"
    patience: int | None = None
    crop: int | None = None
    crops_per_image: int = 1
    widths: WidthLearning | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < _SEEDS:
            raise ConfigurationError(f"A seed is a whole number from 0 to below 2**63, not {shown(self.seed)}.")
        _check_numbers("A training", self, "seed")
        for name in ("epochs", "batch_size", "crops_per_image"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"A training's {name} must be at least 1, not {shown(getattr(self, name))}.")
        if not 0 < self.learning_rate <= 1:
            raise ConfigurationError(
                f"A learning rate lies above 0 and at most at 1, not at {shown(self.learning_rate)}."
            )
        if not 0 <= self.warmup < 1:
            raise ConfigurationError(f"The share of warm-up steps lies from 0 to below 1, not at {shown(self.warmup)}.")
        for name in ("patience", "crop"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigurationError(f"A training's {name} must be at least 1, not {shown(value)}.")
        if self.keep not in KEPT:
            raise ConfigurationError(f"A training keeps the {' or the '.join(KEPT)} epoch, not {shown(self.keep)}.")
        if self.patience is not None and self.keep == "last":
            raise ConfigurationError(
                "Patience waits for a better validation Dice, so the last epoch would be a choice, too; leave patience "
                "out, or keep the best epoch and score it on other images."
            )
        if not 0 <= self.average < 1:
            raise ConfigurationError(
                f"The average keeps a share of itself from 0 to below 1, not {shown(self.average)}."
            )
        if not self.distillation >= 0:
            raise ConfigurationError(f"The weight of a teacher is 0 or more, not {shown(self.distillation)}.")
        weights = (self.dice_weight, self.cross_entropy_weight, self.tversky_weight, self.focal_weight)
        if min(weights) < 0 or sum(weights) == 0:
            raise ConfigurationError(
                "The weights of Dice, cross entropy, Tversky and focal loss are 0 or more, and not all 0."
            )
        if not 0 <= self.tversky_missed <= 1:
            raise ConfigurationError("The weight of missed foreground in the Tversky loss lies from 0 to 1, not at "
                                     f"{shown(self.tversky_missed)}.")
        if not self.deep_supervision >= 0:
            raise ConfigurationError(
                f"The weight of deep supervision is 0 or more, not {shown(self.deep_supervision)}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the state file."""
        return asdict(self)

    def summary(self) -> dict[str, Any]:
        """The same for a person to read, without a board's tables: thousands of numbers, made anew where needed."""
        values = self.to_dict()
        if self.widths is not None and self.widths.board is not None:
            for name in ("layers", "results", "rest", "narrowest"):
                del values["widths"]["board"][name]
        return values
