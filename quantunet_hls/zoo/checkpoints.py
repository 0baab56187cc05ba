"""The model zoo: checkpoints with a card each, saved, loaded and verified.

An entry is two files: ``<name>.pt``, a state dict and nothing else, and
``<name>.json``, its card. Files may come from anybody: nothing in them is run,
and whatever is wrong with them ends in a :class:`CheckpointError`.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quantunet_hls.core.errors import CheckpointError, ConfigurationError, QuantUNetError, shown
from quantunet_hls.core.files import check_name, read_bytes, write_json, writing
from quantunet_hls.core.folders import is_claimed, refuse_foreign_file
from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.nets.sizes import state_bytes
from quantunet_hls.zoo.about import about
from quantunet_hls.zoo.cards import Card, card_at
from quantunet_hls.zoo.folders import card_file, check_free, checkpoint_of, names, own_folder
from quantunet_hls.zoo.footprint import footprint
from quantunet_hls.zoo.state_files import StateFileError, read_state

__all__ = ["Verdict", "card_of", "files_of", "is_here", "load", "names", "require_ours", "save", "verify"]

_PACKAGES = ("torch", "brevitas", "numpy")
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Verdict:
    """Whether an entry can be loaded; ``problem`` is None where it can."""

    name: str
    problem: str | None


def save(
    net: QuantUNet,
    name: str,
    *,
    height: int,
    width: int,
    scores: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Card:
    """Write a checkpoint and its card.

    Args:
        net: the network; a quantized one with its activation scales calibrated or trained.
        name: of the entry.
        height: rows of the images that it is for, in pixels.
        width: columns, in pixels.
        scores: what it reaches, plain values.
        data: what it was trained on, plain values.
        training: how, plain values.
        folder: where to; the user's own zoo where it is None.

    Raises:
        ConfigurationError: for a name that can't be a file's or is taken in the package's zoo, or a network
            whose scales are not set yet.
        QuantUNetError: where the files can't be written.
    """
    check_name("zoo entry", name)
    if folder is None:
        check_free(name)
        folder = own_folder()
    state = {key: value.detach().cpu().contiguous().clone() for key, value in net.state_dict().items()}
    if net.config.quantized:
        _check_calibrated(net, state)
    stream = io.BytesIO()
    torch.save(state, stream)
    content = stream.getvalue()
    data, training = dict(data or {}), dict(training or {})
    card = Card(
        name=name, architecture=net.config, height=height, width=width,
        sha256=hashlib.sha256(content).hexdigest(), footprint=footprint(net, height, width),
        scores=dict(scores or {}), data=data, training=training,
        versions={package: version(package) for package in _PACKAGES},
        about=about(net.config, height, width, data, training),
    )
    require_ours(name, folder)
    # The card first: what has none is never ours.
    write_json(folder / f"{name}.json", card.to_dict())
    with writing(folder / f"{name}.pt") as temporary:
        temporary.write_bytes(content)
    return card


def require_ours(name: str, folder: Path | None = None) -> None:
    """Make sure that :func:`save` would overwrite nothing but what it once wrote.

    Raises:
        ConfigurationError: another file lies under the checkpoint's or the card's name.
    """
    folder = folder or own_folder()
    if is_claimed(folder):
        return
    card = folder / f"{name}.json"
    refuse_foreign_file(card, "card of a checkpoint", card_at)
    if not card.is_file():
        refuse_foreign_file(card.with_suffix(".pt"), "checkpoint with a card", lambda path: False)


@torch.no_grad()
def _check_calibrated(net: QuantUNet, state: Mapping[str, Tensor]) -> None:
    """Activation scales are statistics first and parameters later; only the latter are in a state dict."""
    was_training = net.training
    net.eval()
    try:
        again = _build(net.config, state)
        size = 2 ** (net.config.depth + 1)
        draws = torch.Generator().manual_seed(0)
        image = torch.randint(0, 256, (1, net.config.in_channels, size, size), generator=draws) / 256
        same = torch.equal(again(image), net(image))
    except RuntimeError:
        same = False
    finally:
        net.train(was_training)
    if not same:
        raise ConfigurationError(
            "The network's weights alone do not bring it back; calibrate its activation scales (or train it) first."
        )


def _build(config: UNetConfig, state: Mapping[str, Tensor]) -> QuantUNet:
    net = QuantUNet(config)
    net.load_state_dict(dict(state))
    return net.eval()


def _paths(name_or_path: str | Path) -> tuple[Path, Path]:
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and not text.endswith(".pt") and Path(text).name == text:
        return checkpoint_of(text), card_file(text)
    checkpoint = Path(text)
    if not checkpoint.name or checkpoint.name == "..":
        raise CheckpointError(f"{checkpoint} is a folder; give a zoo entry's name or a checkpoint's path.")
    return checkpoint, checkpoint.with_suffix(".json")


def card_of(name_or_path: str | Path) -> Card:
    """The card of a zoo entry, or the one beside a checkpoint file.

    Raises:
        UnknownNameError: no entry of that name; names the nearest.
        CheckpointError: no card there, or one that can't be read.
    """
    return card_at(_paths(name_or_path)[1])


def files_of(name_or_path: str | Path) -> tuple[Path, Path]:
    """The ``.pt`` file and the card of a zoo entry or of a checkpoint's path.

    Raises:
        UnknownNameError: no entry of that name; names the nearest.
        CheckpointError: no such ``.pt`` file.
    """
    path, card_path = _paths(name_or_path)
    if not os.path.exists(path):  # noqa: PTH110 (a name that no file can have is no error of its own here)
        raise CheckpointError(f"{path} does not exist; {_remedy(path, card_path)}.")
    return path, card_path


def load(name_or_path: str | Path) -> tuple[QuantUNet, Card]:
    """Load a checkpoint.

    Args:
        name_or_path: a zoo entry's name, or the path of a ``.pt`` file with its card (``.json``) beside it.

    Returns:
        The network in eval mode, computing bit for bit what it computed when it was saved, and its card.

    Raises:
        UnknownNameError: no entry of that name; names the nearest.
        CheckpointError: a file is missing, damaged, altered, no weights file, or does not fit its card.
    """
    path, card_path = files_of(name_or_path)
    card = card_at(card_path)
    most = state_bytes(card.architecture)
    content = read_bytes(path, card.most_bytes, what="a checkpoint of what is on its card", error=CheckpointError)
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise CheckpointError(f"{path} is truncated or altered (its SHA-256 is not its card's); fetch it again.")
    state = _read_state(path, content, most)
    try:
        return _build(card.architecture, state), card
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, QuantUNetError) as error:
        reason = str(error).partition(":")[0].rstrip(".")[:_LONGEST_REASON]
        raise CheckpointError(
            f"{path} does not fit the architecture on its card ({reason}); fetch both files again."
        ) from error


def _remedy(path: Path, card_path: Path) -> str:
    """What to do about a checkpoint that is not there."""
    if os.path.exists(card_path) and (url := card_at(card_path).url):  # noqa: PTH110 (as above)
        if path.stem in names() and card_file(path.stem) == card_path:
            return f"it is too large to come with its card, so fetch it: quantunet-hls zoo --fetch {path.stem}"
        return f"fetch it from {url}"
    return "check the path or fetch the checkpoint again"


def _read_state(path: Path, content: bytes, most: int) -> dict[str, Tensor]:
    try:
        state = read_state(content, most)
    except StateFileError as error:
        raise CheckpointError(
            f"{path} is no weights file ({error}); fetch it again, or save a state dict with "
            "quantunet_hls.zoo.checkpoints.save."
        ) from error
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{path} has numbers in {shown(key)} that are not finite; train the network anew.")
    return state


def is_here(name: str) -> bool:
    """Whether an entry's checkpoint need not be fetched first.

    Raises:
        CheckpointError: no readable card.
    """
    return checkpoint_of(name).exists() or not card_of(name).url


def verify() -> tuple[Verdict, ...]:
    """Load every entry of the zoo, check its card's figures, and say what is wrong where something is.

    Entries whose checkpoint is still to be fetched are left out.
    """
    verdicts = []
    for name in names():
        if not is_here(name):
            continue
        try:
            net, card = load(name)
            right = footprint(net, card.height, card.width) == card.footprint
            problem = None if right else f"The card of {name} states another size or other widths than its network has."
            verdicts.append(Verdict(name, problem))
        except QuantUNetError as error:
            verdicts.append(Verdict(name, str(error)))
    return tuple(verdicts)
