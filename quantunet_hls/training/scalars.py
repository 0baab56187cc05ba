"""TensorBoard scalars of a training: loss parts, scores and bits, in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from quantunet_hls.training.loop import EpochResult

__all__ = ["scalars"]

_SCORES = ("dice", "dice_per_image", "iou", "pixel_accuracy")


@contextmanager
def scalars(run_folder: Path) -> Iterator[Callable[[EpochResult], None]]:
    """A function that writes an epoch's figures for ``tensorboard --logdir``; without TensorBoard it does nothing."""
    if find_spec("tensorboard") is None:
        yield lambda result: None
        return
    from torch.utils.tensorboard.writer import SummaryWriter

    writer = SummaryWriter(log_dir=str(run_folder / "tensorboard"))

    def write(result: EpochResult) -> None:
        for name, value in result.record.items():
            if name not in ("epoch", "seconds"):
                group = "scores/" if name in _SCORES else "" if name.startswith("bits/") else "loss/"
                writer.add_scalar(f"{group}{name}", value, result.epoch)
        writer.flush()

    try:
        yield write
    finally:
        writer.close()
