"""The state of a training between two epochs, in one file that is written whole or not at all."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quantunet_hls.core.errors import CheckpointError
from quantunet_hls.core.files import open_regular, writing

__all__ = ["TrainingState", "load_state", "save_state"]


@dataclass
class TrainingState:
    """All that the next epoch depends on, and what is reported in the end.

    Attributes:
        told: what the training was told (architecture, settings, data, start); a resumed one must be told the same.
        epoch: epochs done.
        net: the network's state dict.
        optimizer: the optimizer's state dict.
        generator: state of the generator of order and augmentation.
        rng: state of torch's global generator.
        average: state dict of the average of the weights; empty where there is none.
        kept_epoch: epoch (from 1) whose weights are kept, 0 before the first that counts.
        kept_scores: the validation scores at that epoch.
        kept_net: the network's state dict, averaged where there is an average, at that epoch.
        history: one record of plain values for each epoch done.
        seconds: wall-clock time of the epochs done.
        heads: state dict of the heads of deep supervision; empty where there are none.
    """

    told: dict[str, Any]
    epoch: int
    net: dict[str, Any]
    optimizer: dict[str, Any]
    generator: Tensor
    rng: Tensor
    average: dict[str, Any]
    kept_epoch: int
    kept_scores: dict[str, float]
    kept_net: dict[str, Any]
    history: list[dict[str, float]]
    seconds: float
    heads: dict[str, Any] = field(default_factory=dict)


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state; a kill at any moment leaves the old file or the new one."""
    values = {entry.name: getattr(state, entry.name) for entry in fields(state)}
    # Into memory first: on a full disk torch.save itself raises no OSError that could be told from a fault.
    stream = io.BytesIO()
    torch.save(values, stream)
    with writing(path) as temporary:
        temporary.write_bytes(stream.getbuffer())


def load_state(path: Path) -> TrainingState:
    """Read a state that :func:`save_state` wrote.

    Raises:
        CheckpointError: where the file is damaged or holds something else.
    """
    try:
        with open_regular(path, what="the state of a training", error=CheckpointError) as stream:
            values = torch.load(stream, weights_only=True, map_location="cpu")
        return TrainingState(**values)
    except pickle.UnpicklingError as error:
        # What PyTorch says here is how to switch its guard off.
        raise CheckpointError(
            f"{path} is no state of a training that can be resumed (it holds more than numbers and texts); remove it "
            "to start anew."
        ) from error
    except (OSError, RuntimeError, EOFError, TypeError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{path} is no state of a training that can be resumed ({reason}); remove it to start anew."
        ) from error
