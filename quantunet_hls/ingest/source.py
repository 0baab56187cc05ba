"""Where a network comes from: zoo entry, checkpoint, QONNX file, or a live Brevitas module."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from quantunet_hls.core.errors import ConfigurationError, FloatNetworkError, shown
from quantunet_hls.core.printable import printable
from quantunet_hls.ingest import export_module, load_qonnx
from quantunet_hls.ingest.export import is_quantized
from quantunet_hls.ingest.load import has_quantizers, sha256_qonnx
from quantunet_hls.ingest.results import with_result
from quantunet_hls.nets import QuantUNet, fold_batchnorm
from quantunet_hls.nets.sizes import check_image_size
from quantunet_hls.zoo import checkpoints as zoo

__all__ = ["ImageSize", "NetworkSource", "image_size", "open_network", "open_source"]


#: Endings of what PyTorch saves.
_TORCH_FILES = (".pt", ".pth", ".ckpt")


class ImageSize(NamedTuple):
    """Sizes of an image in PyTorch's order."""

    channels: int
    height: int
    width: int



@dataclass(frozen=True)
class NetworkSource:
    """A network, not loaded until it is needed.

    Attributes:
        name: of the zoo entry or the file, without its ending, or of a module's class; what reports call it.
        sha256: of the file and the data beside it, or of a live module's weights.
        key: decides, by content, what :attr:`graph` gives.
        graph: the QONNX graph.
        module: the Brevitas module, None for a file of somebody else's.
        quantized: whether it has quantizers; a float network has no exact hardware.
        repeatable: whether the key says all; a live module's code is not in it.
        shape: channels, height and width of an image; None where that is not known before the graph is.
        references: the float networks that it was made of, by what reports call them; none where there are none to be
            compared with.
    """

    name: str
    sha256: str
    key: Any
    graph: Callable[[], ModelWrapper]
    module: Callable[[], nn.Module | None]
    quantized: bool = True
    repeatable: bool = True
    shape: ImageSize | None = None
    references: Callable[[], Mapping[str, nn.Module]] = dict


def image_size(sizes: Sequence[int]) -> ImageSize:
    """Channels, height and width as somebody gave them.

    Raises:
        ConfigurationError: they are not three, or one is below 1.
    """
    if len(sizes) != 3 or any(size < 1 for size in sizes):
        raise ConfigurationError(f"An image's shape is channels, height, width, each at least 1, not {shown(sizes)}.")
    return ImageSize(*sizes)


def open_source(model: str | Path | nn.Module, input_shape: tuple[int, int, int] | None = None,
                result: str | None = None) -> NetworkSource:
    """Tell what a model argument means, and refuse a float network.

    Args:
        model: and ``input_shape`` and ``result``, as :func:`open_network` takes them.

    Raises:
        FloatNetworkError: a float network.
        ConfigurationError: as :func:`open_network` does.
        CheckpointError: a damaged checkpoint.
    """
    source = open_network(model, input_shape, result)
    if not source.quantized:
        raise FloatNetworkError(source.name)
    return source


def open_network(model: str | Path | nn.Module, input_shape: tuple[int, int, int] | None = None,
                 result: str | None = None) -> NetworkSource:
    """Tell what a model argument means.

    Args:
        model: a zoo name, a ``.pt`` checkpoint with its card beside it, an ``.onnx`` file, or a module.
        input_shape: channels, height and width of the images; needed for a module, taken from the card
            or the file where absent. Checkpoints can be built for any size that the U-Net's depth divides.
        result: name of one of several outputs (:mod:`quantunet_hls.ingest.results`).

    Raises:
        ConfigurationError: the shape is missing, malformed, or not that of an ONNX file.
        UnknownNameError: no zoo entry of that name.
        CheckpointError: a damaged checkpoint.
    """
    size = None if input_shape is None else image_size(input_shape)
    if isinstance(model, nn.Module):
        return _from_module(model, size, result)
    path = Path(model)
    if path.suffix == ".onnx":
        return _from_file(path, size, result)
    if path.suffix in _TORCH_FILES and path.is_file() and not path.with_suffix(".json").is_file():
        raise ConfigurationError(f"{path} has no card of this package beside it, and a PyTorch file says little of its "
                                 "network; make that in Python and export it with torch.onnx.export, or call "
                                 "generate_accelerator with the module.")
    if result is not None:
        raise ConfigurationError(f"The networks of checkpoints have one output, so none is called {shown(result)}; "
                                 "leave it out.")
    return _from_checkpoint(model, size)


def _from_module(given: nn.Module, size: ImageSize | None, result: str | None) -> NetworkSource:
    module = with_result(_folded(given), result)
    if size is None:
        raise ConfigurationError("A module says nothing of its images; give input_shape=(channels, height, width).")
    digest = hashlib.sha256(repr(module).encode())
    for key, value in module.state_dict().items():
        digest.update(key.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return NetworkSource(type(given).__name__, digest.hexdigest(), [digest.hexdigest(), list(size), result],
                         lambda: export_module(module, size), lambda: module, quantized=is_quantized(module),
                         repeatable=False, shape=size)


def _from_file(path: Path, size: ImageSize | None, result: str | None) -> NetworkSource:
    sha256 = sha256_qonnx(path)
    if size is not None:
        raise ConfigurationError(f"{path} fixes its own image size; leave input_shape out or export it anew.")
    return NetworkSource(printable(path.stem), sha256, [sha256, result], lambda: load_qonnx(path, result), lambda: None,
                         quantized=has_quantizers(load_qonnx(path, result)))


def _from_checkpoint(model: str | Path, size: ImageSize | None) -> NetworkSource:
    net, card = zoo.load(model)
    module = _folded(net)
    channels = net.config.in_channels
    chosen = size or ImageSize(channels, card.height, card.width)
    if chosen.channels != channels:
        raise ConfigurationError(f"{card.name} takes images of {channels} channels, not {shown(chosen.channels)}.")
    check_image_size(net.config, chosen.height, chosen.width)
    net.config.check_divides(chosen.height, chosen.width)
    return NetworkSource(card.name, card.sha256, [card.sha256, net.config.to_dict(), list(chosen)],
                         lambda: export_module(module, chosen), lambda: module, quantized=net.config.quantized,
                         shape=chosen)


def _folded(module: nn.Module) -> nn.Module:
    """Our own nets lose their BatchNorm here; what is built, and compared with, is the folded net."""
    return fold_batchnorm(module) if isinstance(module, QuantUNet) and module.config.batch_norm else module


