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
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quantunet_hls.core.errors import CheckpointError, ConfigurationError, QuantUNetError, shown
from quantunet_hls.core.files import check_name, read_bytes, read_json, write_json, writing
from quantunet_hls.core.folders import is_claimed, refuse_foreign_file
from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.nets.sizes import check_image_size, layer_sizes, state_bytes
from quantunet_hls.zoo.folders import check_free, checkpoint_of, names, own_folder
from quantunet_hls.zoo.state_files import StateFileError, read_state

__all__ = ["Card", "Footprint", "Verdict", "card_of", "footprint", "load", "names", "require_ours", "save", "verify"]

_LARGEST_FIGURE = 10**18
_PACKAGES = ("torch", "brevitas", "numpy")
_FLOAT_BITS = 32
_LONGEST_REASON = 300
_CARD_BYTES = 1 << 20
#: What a checkpoint may have beyond its numbers: their names, and an archive's entry for each.
_ARCHIVE_BYTES = 4 << 20


@dataclass(frozen=True)
class Footprint:
    """What a network takes, BatchNorm folded.

    Attributes:
        parameters: weights and biases of all convolutions.
        macs: multiplications for one image.
        bit_operations: every multiplication counted as the product of its two widths (32 each in float).
        weight_bits: mean width of a weight over all weights, first layer and head included.
        weight_bits_by_layer: mean of the layers' weight widths, every layer alike.
        activation_bits: mean width of a value between layers, over all such values of one image,
            the input port included; the logits have no quantizer and don't count.
        activation_bits_by_layer: mean of the widths of these tensors, each alike.
        size_bytes: all weights and biases at their widths, packed, rounded up.
        times_smaller: how often that goes into the same parameters in float32.
    """

    parameters: int
    macs: int
    bit_operations: int
    weight_bits: float
    weight_bits_by_layer: float
    activation_bits: float
    activation_bits_by_layer: float
    size_bytes: int
    times_smaller: float


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
    """

    name: str
    architecture: UNetConfig
    height: int
    width: int
    sha256: str
    footprint: Footprint
    scores: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"architecture": self.architecture.to_dict()}

    @classmethod
    def from_dict(cls, values: Any) -> Card:
        """Inverse of :meth:`to_dict`; raises ValueError, TypeError or ConfigurationError for anything else."""
        if not isinstance(values, dict):
            raise TypeError("it is no JSON object")
        wrong = {entry.name for entry in fields(cls)} ^ set(values)
        if wrong:
            raise ValueError(f"the key {sorted(wrong)[0]!r} is missing or unknown")
        for key in ("scores", "data", "training", "versions", "footprint", "architecture"):
            if not isinstance(values[key], dict):
                raise TypeError(f"{key} is no object")
        for key in ("name", "sha256"):
            if not isinstance(values[key], str):
                raise TypeError(f"{key} is no text")
        for key, value in values["footprint"].items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST_FIGURE:
                raise ValueError(f"the footprint's {key} is no figure of a network's")
        for key, value in values["scores"].items():
            if not isinstance(value, str) and (isinstance(value, bool) or not isinstance(value, int | float)
                                               or not abs(value) <= _LARGEST_FIGURE):
                raise ValueError(f"the score {key} is neither a number nor a text")
        architecture = UNetConfig.from_dict(values["architecture"])
        check_image_size(architecture, values["height"], values["width"])
        return cls(**values | {"architecture": architecture, "footprint": Footprint(**values["footprint"])})


@dataclass(frozen=True)
class Verdict:
    """Whether an entry can be loaded; ``problem`` is None where it can."""

    name: str
    problem: str | None


def footprint(net: QuantUNet, height: int, width: int) -> Footprint:
    """Size, operations and widths of a network on images of this size in pixels."""
    config = net.config
    sizes = layer_sizes(config, height, width)

    def bits(count: int) -> int:
        return count if config.quantized else _FLOAT_BITS

    def input_bits(name: str) -> int:
        source = config.source_of(name)
        return bits(config.widths_of(source).activation if source else config.input_bits)

    weight_bits = {name: bits(config.widths_of(name).weight) for name in sizes}
    # An upsampling branch shares the quantizer of the skip that it is concatenated with; the logits have none.
    value_bits = {
        name: bits(config.widths_of(config.activation_owner(name)).activation) for name in sizes if name != "head"
    }
    image = config.in_channels * height * width
    weights = sum(size.weights for size in sizes.values())
    values = image + sum(sizes[name].values for name in value_bits)
    weights_packed = sum(weight_bits[name] * size.weights for name, size in sizes.items())
    biases_packed = sum(bits(config.widths_of(name).bias) * size.outputs for name, size in sizes.items())
    values_packed = bits(config.input_bits) * image + sum(
        width * sizes[name].values for name, width in value_bits.items()
    )
    parameters = weights + sum(size.outputs for size in sizes.values())
    packed = -(-(weights_packed + biases_packed) // 8)
    tensors = [bits(config.input_bits), *value_bits.values()]
    return Footprint(
        parameters=parameters,
        macs=sum(size.macs for size in sizes.values()),
        bit_operations=sum(size.macs * weight_bits[name] * input_bits(name) for name, size in sizes.items()),
        weight_bits=weights_packed / weights,
        weight_bits_by_layer=sum(weight_bits.values()) / len(weight_bits),
        activation_bits=values_packed / values,
        activation_bits_by_layer=sum(tensors) / len(tensors),
        size_bytes=packed,
        times_smaller=4 * parameters / packed,
    )


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
    card = Card(
        name=name, architecture=net.config, height=height, width=width,
        sha256=hashlib.sha256(content).hexdigest(), footprint=footprint(net, height, width),
        scores=dict(scores or {}), data=dict(data or {}), training=dict(training or {}),
        versions={package: version(package) for package in _PACKAGES},
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
        checkpoint = checkpoint_of(text)
    else:
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


def card_at(path: Path) -> Card:
    """The card in a file.

    Raises:
        CheckpointError: it is no card.
    """
    try:
        return Card.from_dict(read_json(path, _CARD_BYTES))
    except (QuantUNetError, ValueError, TypeError, OverflowError, RecursionError) as error:
        reason = str(error).rstrip(".")[:_LONGEST_REASON]
        raise CheckpointError(f"{path} is no card of a checkpoint ({reason}); fetch it again.") from error


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
    path, _ = _paths(name_or_path)
    if not os.path.exists(path):  # noqa: PTH110 (a name that no file can have is no error of its own here)
        raise CheckpointError(f"{path} does not exist; check the path or fetch the checkpoint again.")
    card = card_of(name_or_path)
    most = state_bytes(card.architecture)
    content = read_bytes(path, most + _ARCHIVE_BYTES, what="a checkpoint of what is on its card", error=CheckpointError)
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


def verify() -> tuple[Verdict, ...]:
    """Load every entry of the zoo, check its card's figures, and say what is wrong where something is."""
    verdicts = []
    for name in names():
        try:
            net, card = load(name)
            right = footprint(net, card.height, card.width) == card.footprint
            problem = None if right else f"The card of {name} states another size or other widths than its network has."
            verdicts.append(Verdict(name, problem))
        except QuantUNetError as error:
            verdicts.append(Verdict(name, str(error)))
    return tuple(verdicts)
