"""What a training is told: plain values that stand in its state file and in the zoo card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from quantunet_hls.errors import ConfigurationError

__all__ = ["Augmentation", "Settings"]


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
    """

    flip: bool = True
    rotation: float = 15.0
    shift: float = 0.06
    scale: float = 0.12
    gain: float = 0.2
    offset: float = 0.03


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
        augmentation: what is done to the training images.
    """

    epochs: int = 40
    batch_size: int = 16
    learning_rate: float = 3e-3
    warmup: float = 0.08
    weight_decay: float = 1e-4
    seed: int = 1
    mixed_precision: bool = False
    augmentation: Augmentation = Augmentation()

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"A training's {name} must be at least 1, not {getattr(self, name)!r}.")
        if not 0 < self.learning_rate <= 1:
            raise ConfigurationError(f"A learning rate lies above 0 and at most at 1, not at {self.learning_rate!r}.")
        if not 0 <= self.warmup < 1:
            raise ConfigurationError(f"The share of warm-up steps lies from 0 to below 1, not at {self.warmup!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and for the state file."""
        return asdict(self)
