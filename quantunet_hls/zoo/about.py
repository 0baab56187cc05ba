"""What whoever takes a checkpoint should know of it: its use and limits, what goes in, its terms, its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quantunet_hls.nets import UNetConfig
from quantunet_hls.zoo.datasets import terms_of

__all__ = ["About", "about", "chose_by_validation", "repeating"]

_USE = "Measuring, comparing and demonstrating quantization and accelerators; not for diagnosis or treatment."
_KEEP = "--keep"


@dataclass(frozen=True)
class About:
    """What a card says in sentences; "" where nothing is known.

    Attributes:
        use: what the checkpoint is meant for.
        limits: what it is not known to do.
        inputs: what a pixel's value must be, and images' sizes.
        licence: of the weights.
        epoch: which epoch's weights these are, and what chose it.
        scored_on: which images the scores are of, and whether they chose anything.
    """

    use: str = ""
    limits: str = ""
    inputs: str = ""
    licence: str = ""
    epoch: str = ""
    scored_on: str = ""


def about(config: UNetConfig, height: int, width: int, data: Mapping[str, Any], training: Mapping[str, Any]) -> About:
    """The sentences that follow from the other fields of a card.

    Args:
        config: of the network.
        height: rows of the images that it was trained on, in pixels.
        width: columns.
        data: as on the card.
        training: as on the card.
    """
    name = str(data.get("name", ""))
    licence = data.get("licence")
    return About(
        use=_USE,
        limits=terms_of(name).limits or "Nothing is known of images unlike those that it was trained on.",
        inputs=_inputs(config, height, width),
        licence=f"That of the data: {licence}." if licence else "",
        epoch=_epoch(training),
        scored_on=_scored_on(data, training),
    )


def _inputs(config: UNetConfig, height: int, width: int) -> str:
    kind = {1: "8-bit grey values", 3: "8-bit RGB values"}.get(config.in_channels, f"{config.in_channels} 8-bit planes")
    return (f"{kind} v from 0 to 255, which enter as v / 256 without any other normalisation; trained at "
            f"{height}x{width} (height x width). Files of more bits are stretched from their own smallest to their own "
            "largest value first.")


def chose_by_validation(training: Mapping[str, Any]) -> bool:
    """Whether the epoch was the best one by the validation images; ``best_epoch`` is how older cards say so."""
    settings = training.get("settings")
    return "best_epoch" in training or (isinstance(settings, Mapping) and settings.get("keep") == "best")


def _epoch(training: Mapping[str, Any]) -> str:
    kept = training.get("best_epoch", training.get("kept_epoch"))
    if kept is None:
        return ""
    how = ("the one with the best Dice on the validation images" if chose_by_validation(training) else
           "the last one, which nothing chose")
    return f"Epoch {kept} of {training.get('epochs', '?')}, {how}."


def _scored_on(data: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    for use in ("scoring", "validation"):
        for kind in ("fold", "slice"):
            numbers = data.get(f"{use}_{kind}s")
            if isinstance(numbers, list) and numbers:
                chose = use == "validation" and chose_by_validation(training)
                which = f"{kind.capitalize()} {', '.join(map(str, numbers))} ({data.get(f'{use}_images', '?')} images)"
                return (f"{which}, " + ("which chose the epoch as well, so the scores say too much." if chose else
                                        "which chose nothing."))
    return ""


def repeating(training: Mapping[str, Any]) -> dict[str, Any]:
    """Training as on a card, with a command that repeats it: one that kept the best epoch has to say so."""
    command = str(training.get("command", ""))
    if not command or not chose_by_validation(training) or f" {_KEEP} " in f"{command} ":
        return dict(training)
    return {**training, "command": f"{command} {_KEEP} best"}
