"""The card of a checkpoint: what is known of it, in a JSON file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from quantunet_hls.core.decode import load_json
from quantunet_hls.core.errors import CheckpointError, ConfigurationError
from quantunet_hls.nets import UNetConfig
from quantunet_hls.nets.sizes import check_image_size, state_bytes
from quantunet_hls.zoo.about import About
from quantunet_hls.zoo.footprint import Footprint

__all__ = ["Card", "card_at"]

_CARD_BYTES = 1 << 20
#: What a checkpoint may have beyond its numbers: their names, and an archive's entry for each.
_ARCHIVE_BYTES = 4 << 20
_LARGEST_FIGURE = 10**18

Score = (Annotated[int, Meta(ge=-_LARGEST_FIGURE, le=_LARGEST_FIGURE)]
         | Annotated[float, Meta(ge=-_LARGEST_FIGURE, le=_LARGEST_FIGURE)] | str)


@dataclass(frozen=True)
class Card:
    """What is known of a checkpoint.

    Attributes:
        name: of the entry, and of its two files.
        architecture: what :class:`~quantunet_hls.nets.UNetConfig` builds.
        height: rows of the images that it was trained on, in pixels.
        width: columns, in pixels.
        sha256: of the ``.pt`` file.
        footprint: size, operations and widths.
        scores: Dice, IoU and pixel accuracy on the validation images, from 0 to 1, and what they mean.
        data: data set, folds, terms.
        training: command, seed, epochs, minutes.
        versions: of Python packages.
        about: use, limits, inputs, terms and protocol, in sentences.
        url: where the ``.pt`` file can be fetched that is too large to lie beside the card; "" where it lies there.
    """

    name: str
    architecture: UNetConfig
    height: int
    width: int
    sha256: str
    footprint: Footprint
    scores: Mapping[str, Score] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    about: About = field(default_factory=About)
    url: str = ""

    @property
    def most_bytes(self) -> int:
        """Bytes that the ``.pt`` file of such a network has at most."""
        return state_bytes(self.architecture) + _ARCHIVE_BYTES

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"architecture": self.architecture.to_dict()}


def card_at(path: Path) -> Card:
    """The card in a file.

    Raises:
        CheckpointError: it is no card, or one of images that no network of ours is built for.
    """
    card = load_json(Card, path, "a card of a checkpoint", "fetch it again", most=_CARD_BYTES, error=CheckpointError)
    try:
        check_image_size(card.architecture, card.height, card.width)
    except ConfigurationError as failure:
        raise CheckpointError(f"{path} is no card of a checkpoint: {failure}") from failure
    return card
