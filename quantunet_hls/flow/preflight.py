"""What can be found wrong before the first step runs: minutes of work are not thrown away for a mistyped folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.core.files import open_regular
from quantunet_hls.core.folders import check_writable
from quantunet_hls.data.check_images import check_count, check_images
from quantunet_hls.data.image_folders import image_files, names_in, require_masks
from quantunet_hls.flow.run import Run
from quantunet_hls.hls.csim import require_compiler
from quantunet_hls.ingest.source import ImageSize
from quantunet_hls.zoo import checkpoints as zoo

__all__ = ["check_baseline", "check_data", "check_first"]


def check_first(run: Run) -> None:
    """Whatever can be found wrong before anything is made.

    Raises:
        QuantUNetError: images, masks, a baseline, a compiler or a folder that a step will need.
    """
    spec = run.spec
    check_data(run.data, spec.images, run.source.shape, spec.folds)
    check_baseline(spec.baseline)
    if spec.reaches("csim"):
        require_compiler()
    check_writable(run.files.folder)
    if spec.reaches("report"):
        check_writable(run.files.report.parent)


def check_data(data: Path | np.ndarray | None, images: int, shape: ImageSize | None, folds: Collection[int]) -> None:
    """Read the images of a check, and look whether everything is there that they are scored with.

    Args:
        data: as for :func:`quantunet_hls.data.check_images.check_images`.
        images: how many.
        shape: channels, height and width that the network takes; None where that is not known yet.
        folds: whose images are scored; all where there are none.

    Raises:
        DataError: images or masks that are missing, damaged, or of another size; names the file.
    """
    if shape is not None:
        channels, height, width = shape
        if data is None:
            check_count(images, channels * height * width)
        else:
            check_images(data, images, height, width, channels)
    elif isinstance(data, Path) and data.suffix == ".npy":
        open_regular(data, what="an array", error=DataError).close()
    elif isinstance(data, Path):
        image_files(data)
    if not isinstance(data, Path):
        if folds:
            raise ConfigurationError("Folds choose images of a data folder; name one with --data.")
        return
    if folds or (data / "masks").is_dir():
        require_masks(data, names_in(data, folds or None))


def check_baseline(name: str | None) -> None:
    """Whether there is such a network to compare with.

    Raises:
        QuantUNetError: there is none, or it is damaged.
    """
    if name is not None:
        zoo.load(name)
