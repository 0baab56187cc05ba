"""What a network's hardware does to a set of images, measured once and remembered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.emulate.accuracy import emulate_graph, segment
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import GraphTypes

__all__ = ["Measured", "Meter", "Notes", "spread"]


#: Characters of a measurement's key.
_KEY = 64


class Notes:
    """Measurements by content, in a file: a killed search finds again what it has measured.

    Args:
        path: of the file; one that can't be read counts as none.
    """

    def __init__(self, path: Path):
        self._path = path
        self._known: dict[str, Any] = {}
        if path.is_file():
            known = read_json(path)
            self._known = known if isinstance(known, dict) else {}

    @classmethod
    def kept_in(cls, path: Path) -> bool:
        """Whether a file is one of these."""
        try:
            known = read_json(path)
        except ConfigurationError:
            return False
        return isinstance(known, dict) and bool(known) and all(
            len(key) == _KEY and isinstance(value, list) for key, value in known.items())

    def find(self, key: str) -> Any:
        """What was noted under a key, or None."""
        return self._known.get(key)

    def add(self, key: str, value: Any) -> None:
        """Note it, and write the file."""
        self._known[key] = value
        write_json(self._path, self._known)


#: Dice against the truth and against the reference's masks.
Measured = tuple[float, float]


class Meter:
    """Scores of hardware on labelled images, and how far its masks are from those of a reference.

    Args:
        samples: images and truth.
        reference: the masks to be near to, uint8 (N, H, W).
        classes: with the background.
        notes: where measurements are kept.

    Raises:
        DataError: no images.
    """

    def __init__(self, samples: Samples, reference: Tensor, classes: int, notes: Notes):
        if not len(samples):
            raise DataError("There are no images to measure on; name a folder that has some.")
        self._samples, self._reference, self._classes, self._notes = samples, reference, classes, notes
        self._images = hashlib.sha256(samples.sha256().encode() + reference.numpy().tobytes()).hexdigest()
        self.reference_dice = self._dice(reference, torch.from_numpy(samples.masks))

    def __call__(self, graph: HardwareGraph, types: GraphTypes) -> Measured:
        """Dice against the truth, and against the reference's masks, 0 to 1."""
        content = hashlib.sha256(graph.model.model.SerializeToString(deterministic=True)).hexdigest()
        key = f"{content[:32]}{self._images[:32]}"
        known = self._notes.find(key)
        if known is None:
            masks = segment(emulate_graph(graph, types), self._samples)
            known = [self._dice(masks, torch.from_numpy(self._samples.masks)), self._dice(masks, self._reference)]
            self._notes.add(key, known)
        return float(known[0]), float(known[1])

    def _dice(self, masks: Tensor, truth: Tensor) -> float:
        """Pooled Dice, the mean over the foreground classes (``quantunet_hls.data.scores.Scores``)."""
        shares = []
        for index in range(1, self._classes):
            ours, theirs = masks.numpy() == index, truth.numpy() == index
            both, either = np.count_nonzero(ours & theirs), np.count_nonzero(ours) + np.count_nonzero(theirs)
            shares.append(2 * both / either if either else 1.0)
        return float(np.mean(shares))


def spread(samples: Samples, count: int, *, skip: int = 0) -> Samples:
    """Some of the samples, spread evenly; those for another ``skip`` are others while there are enough."""
    stride = max(1, len(samples) // max(count, 1))
    chosen = np.arange(len(samples))[min(skip, stride - 1)::stride][:count]
    return Samples(samples.images[chosen], samples.masks[chosen], tuple(samples.names[index] for index in chosen))
