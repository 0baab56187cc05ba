"""What a network's hardware does to a set of images, measured once and remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.core.files import read_json
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.versions import maker_versions
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.emulate.accuracy import emulate_graph, segment
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import GraphTypes
from quantunet_hls.tuning.precision import precision_of

__all__ = ["Measured", "Meter", "earlier_measurements", "measurements", "spread"]

_FILE = "measurements.json"

#: Measurements that are kept; a search makes some hundreds.
_MOST = 5000

#: Characters of a measurement's key in the files of earlier versions.
_EARLIER_KEY = 64


def measurements(folder: Path) -> Store:
    """Where the measurements of a folder are kept: a killed search finds again what it has measured."""
    return Store(folder / _FILE, keep=_MOST, most=_MOST)


def earlier_measurements(folder: Path) -> bool:
    """Whether an earlier version of this package kept measurements in a folder."""
    try:
        known = read_json(folder / _FILE)
    except ConfigurationError:
        return False
    return isinstance(known, dict) and bool(known) and all(
        len(key) == _EARLIER_KEY and isinstance(value, list) for key, value in known.items())


#: Dice against the truth and against the reference's masks.
Measured = tuple[float, float]


class Meter:
    """Scores of hardware on labelled images, and how far its masks are from those of a reference.

    Args:
        samples: images and truth.
        reference: the masks to be near to, uint8 (N, H, W).
        classes: with the background.
        store: where measurements are kept.

    Raises:
        DataError: no images.
    """

    def __init__(self, samples: Samples, reference: Tensor, classes: int, store: Store):
        if not len(samples):
            raise DataError("There are no images to measure on; name a folder that has some.")
        self.samples, self._reference, self._classes, self._store = samples, reference, classes, store
        self._images = hashlib.sha256(samples.sha256().encode() + reference.numpy().tobytes()).hexdigest()
        self.reference_dice = self._dice(reference, torch.from_numpy(samples.masks))

    def __call__(self, graph: HardwareGraph, types: GraphTypes) -> Measured:
        """Dice against the truth, and against the reference's masks, 0 to 1."""
        network = hashlib.sha256(graph.model.model.SerializeToString(deterministic=True)).hexdigest()
        return self.remembered({"network": network, "types": precision_of(types).to_dict()}, __name__,
                               lambda: segment(emulate_graph(graph, types), self.samples))

    def remembered(self, inputs: Mapping[str, Any], maker: str, masks: Callable[[], Tensor]) -> Measured:
        """The scores of masks, which are only made where they are not known yet.

        Args:
            inputs: decide, with the images, what the masks are; plain values.
            maker: name of the module that makes them.
            masks: uint8 (N, H, W).
        """
        def measure() -> list[float]:
            return list(self.scores(masks()))

        key = key_of({**inputs, "images": self._images, "classes": self._classes}, (maker,), maker_versions())
        truth, reference = self._store.made("dice", key, measure).value
        return float(truth), float(reference)

    def scores(self, masks: Tensor) -> Measured:
        """The same of masks that somebody has made, uint8 (N, H, W)."""
        return self._dice(masks, torch.from_numpy(self.samples.masks)), self._dice(masks, self._reference)

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
    return samples.at(chosen)
