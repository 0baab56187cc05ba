"""The figures on a card, once more: from the checkpoint and the images that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from quantunet_hls.core.errors import CheckpointError, shown
from quantunet_hls.data.image_folders import Samples, Split, read_pairs
from quantunet_hls.data.index_file import kinds_in
from quantunet_hls.data.lesions import Lesions, lesions_of
from quantunet_hls.data.scores import Scores, count_pixels, dice_spread, masks_of, scores_from_counts
from quantunet_hls.zoo.cards import Card
from quantunet_hls.zoo.checkpoints import load, names

__all__ = ["FARTHEST", "Rescored", "rescore", "scored_split"]

#: How far a figure may lie from its card's: sums in float32 come in another order on another machine, so of millions of
#: pixels those that stand next to the threshold may change sides. Two digits of a percentage stay.
FARTHEST = 5e-5

#: Uses of images on a card, those first that chose nothing.
_USES = ("scoring", "validation")


@dataclass(frozen=True)
class Rescored:
    """An entry's figures, measured once more.

    Attributes:
        name: of the entry.
        stated: Dice on its card, from 0 to 1.
        scores: as they are now.
        spread: standard deviation of the Dice over other draws of images.
        lesions: outlines and lesions.
        images: that were scored.
    """

    name: str
    stated: float
    scores: Scores
    spread: float
    lesions: Lesions
    images: int

    @property
    def same(self) -> bool:
        """Whether the card's Dice is what was found."""
        return abs(self.scores.dice - self.stated) <= FARTHEST


def scored_split(card: Card) -> Split:
    """The images that a card's scores are of.

    Raises:
        CheckpointError: the card doesn't say.
    """
    for use in _USES:
        for kind in ("fold", "slice"):
            numbers = card.data.get(f"{use}_{kind}s")
            if isinstance(numbers, list) and numbers and all(type(number) is int for number in numbers):
                return Split(kind, tuple(numbers))
    raise CheckpointError(
        f"The card of {card.name} names no folds or slices that it was scored on; train it with this package."
    )


def rescore(data: Path, entries: Sequence[str] | None = None) -> Iterator[Rescored]:
    """Score entries of the zoo on the images that their cards name, one after the other.

    Args:
        data: folder of the data sets' folders, each by the name on the cards.
        entries: their names; all where it is None.

    Raises:
        UnknownNameError: no entry of that name.
        CheckpointError: a checkpoint or card is damaged, or the card doesn't say on what it was scored.
        DataError: the images are not there.
    """
    read: dict[tuple[str, Split, int], Samples] = {}
    for name in names() if entries is None else entries:
        net, card = load(name)
        folder, split, classes = str(card.data.get("name", "")), scored_split(card), card.architecture.classes
        if folder != Path(folder).name or not folder:
            raise CheckpointError(f"The card of {name} names {shown(folder)} for its data, which is no folder's name.")
        if (folder, split, classes) not in read:
            # Entries of one data set follow one another; the images of the one before are no longer needed.
            read = {(folder, split, classes): read_pairs(data / folder, split.names(data / folder), classes=classes,
                                                         channels=card.architecture.in_channels)}
        if classes > 2 and card.data.get("classes") != (kinds := list(kinds_in(data / folder))):
            raise CheckpointError(f"The card of {name} has other classes than {data / folder}, which has "
                                  f"{', '.join(kinds)}; name the data set that it was trained on.")
        samples = read[folder, split, classes]
        whole = samples.images.shape[2:] == (card.height, card.width)
        masks, counted = masks_of(net, samples, window=None if whole else card.height)
        truth = torch.from_numpy(samples.masks)
        counts = count_pixels(masks, truth, counted)
        stated = card.scores.get("dice")
        if not isinstance(stated, int | float):
            raise CheckpointError(f"The card of {name} states no Dice; train it with this package.")
        yield Rescored(name, float(stated), scores_from_counts(counts), dice_spread(counts),
                       lesions_of(masks, truth, counted), len(samples))
