"""How well the hardware segments a data set, beside the networks that it comes from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from quantunet_hls.core.errors import DataError
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.scores import Scores, count_pixels, evaluate, predict, scores_from_counts
from quantunet_hls.data.tiles import Tiling, tiling_of
from quantunet_hls.emulate.emulator import Emulator
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import GraphTypes, infer_types
from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, only, shape_of
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Figure, Source, Subject

__all__ = ["Accuracy", "accuracy_figures", "as_logits", "classes_of", "emulate_graph", "measure", "score_hardware",
           "segment", "segment_module"]

_BATCH = 64


@dataclass(frozen=True)
class Accuracy:
    """Scores of one executor of a network.

    Attributes:
        executor: "float", "Brevitas" or :data:`quantunet_hls.reports.names.HARDWARE`, say.
        scores: on all images.
        images: how many there were.
        seconds: that they took together.
    """

    executor: str
    scores: Scores
    images: int
    seconds: float


def emulate_graph(graph: HardwareGraph, types: GraphTypes | None = None, *, device: str = "cpu") -> Emulator:
    """The emulator of what hls4ml makes of a network; writes no file.

    Args:
        graph: the network.
        types: of its tensors; by default those that are proven to hold every value.
        device: torch's name of a device.
    """
    # Nothing that a C-simulation computes depends on part, clock or folder.
    settings = HlsSettings("emulated", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
    model = convert(graph.model, types or infer_types(graph.model), settings, Path("emulated"))
    return Emulator(model, device, graph.scales)


def segment(emulator: Emulator, samples: Samples) -> torch.Tensor:
    """The hardware's class indices, uint8 (N, H, W), for images that enter its port as 8-bit values v for v / 256.

    Images larger than the network's go through it tile by tile (:mod:`quantunet_hls.data.tiles`).

    Raises:
        DataError: images smaller than the network's.
    """
    tiling = _tiling(emulator, samples)
    tiles = [torch.cat([_classes_in(emulator, images[start:start + _BATCH])
                        for start in range(0, len(images), _BATCH)]) for images in tiling.cut(samples.images)]
    return tiling.join(tiles, tiles[0].new_empty(samples.masks.shape))


def _tiling(emulator: Emulator, samples: Samples) -> Tiling:
    shape = emulator.network.input.shape
    return tiling_of((samples.images.shape[2], samples.images.shape[3]), (shape.height, shape.width))


def _classes_in(emulator: Emulator, images: np.ndarray) -> torch.Tensor:
    """Class indices, uint8 (N, H, W), of images (N, C, H, W) of the network's size."""
    result = emulator.predict(to_input(images).permute(0, 2, 3, 1).numpy())
    return _classes(emulator, torch.from_numpy(result).permute(0, 3, 1, 2))


def score_hardware(emulator: Emulator, samples: Samples) -> Scores:
    """Scores of the hardware on images that enter its port as 8-bit values v for v / 256.

    Raises:
        DataError: images smaller than the network's.
    """
    masks = segment(emulator, samples)
    return scores_from_counts(count_pixels(masks, torch.from_numpy(samples.masks), classes_of(emulator.network)))


def classes_of(network: TypedNetwork) -> int:
    """How many classes a network tells apart, the background among them, be its result logits or classes."""
    last = _decisive(network)
    logits = network.by_name[last.sources[0]] if last.meaning is Meaning.CLASSES else last
    return max(2, logits.shape.channels)


def _classes(emulator: Emulator, result: torch.Tensor) -> torch.Tensor:
    """Class indices, uint8 (N, H, W), of what the network ends in (N, channels, H, W), be it logits or classes."""
    meaning = _decisive(emulator.network).meaning
    if meaning is Meaning.CLASSES:
        return result[:, 0].to(torch.uint8)
    if meaning is Meaning.PROBABILITIES:
        # 0.5 is what its logit of 0 becomes.
        result = result - 0.5
    return predict(result)


def _decisive(network: TypedNetwork) -> Layer:
    """The layer that says what the result means: the last one that is no mere quantizer."""
    layer = network.by_name[network.output]
    while layer.meaning is None:
        layer = network.by_name[layer.sources[0]]
    return layer


class _Logits(nn.Module):
    """A module with its result brought into the form of logits (N, classes, H, W)."""

    def __init__(self, module: nn.Module, form: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.module, self._form = module, form
        # Who asks a network for its mode asks for the module's.
        self.train(module.training)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result = self.module(images)
        return self._form(getattr(result, "value", result))


def as_logits(module: nn.Module, graph: HardwareGraph) -> nn.Module:
    """A trained module that may end in a sigmoid or in classes, with logits for a result, so that it can be scored.

    Args:
        module: takes images (N, channels, H, W).
        graph: of the network that was exported from it; knows what it ends in, and in which order of axes.
    """
    model = graph.original
    output = only(model, "output")
    layout, last = graph.layouts[output], model.find_producer(output)
    while last.op_type in ("Transpose", *QUANT_OPS):
        last = model.find_producer(last.input[0])
    if kind_of(last).classes:
        logits = str(last.input[0])
        channels = shape_of(model, logits)[graph.layouts[logits][1]] if last.op_type == "ArgMax" else 1
        return _Logits(module, lambda result: _votes(result.reshape(len(result), *graph.output_shape[:2]), channels))
    if kind_of(last).gate(last):
        return _Logits(module, lambda result: result.permute(layout) - 0.5)
    return _Logits(module, lambda result: result.permute(layout))


def _votes(classes: torch.Tensor, channels: int) -> torch.Tensor:
    """Class indices (N, H, W) as logits (N, channels, H, W), of which the class's own is the largest."""
    if channels == 1:
        return classes[:, None].float() - 0.5
    return nn.functional.one_hot(classes.long(), channels).movedim(-1, 1).float()


class _Tiled(nn.Module):
    """A network that takes larger images tile by tile, as the hardware does."""

    def __init__(self, module: nn.Module, tiling: Tiling):
        super().__init__()
        self.module, self._tiling = module, tiling
        self.train(module.training)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tiles = [torch.as_tensor(self.module(tile)) for tile in self._tiling.cut(images)]
        return self._tiling.join(tiles, tiles[0].new_empty((*tiles[0].shape[:-2], *self._tiling.image)))


@torch.no_grad()
def segment_module(module: nn.Module, samples: Samples, size: tuple[int, int]) -> torch.Tensor:
    """A network's class indices, uint8 (N, H, W), for the images that :func:`segment` takes, and by the same tiles.

    Args:
        module: takes images (N, C, rows, columns), gives logits.
        samples: images, of that size or larger.
        size: rows and columns.

    Raises:
        DataError: images smaller than that.
    """
    tiling = tiling_of((samples.images.shape[2], samples.images.shape[3]), size)
    tiles = [torch.cat([predict(torch.as_tensor(module(to_input(images[start:start + _BATCH]))))
                        for start in range(0, len(images), _BATCH)]) for images in tiling.cut(samples.images)]
    return tiling.join(tiles, tiles[0].new_empty(samples.masks.shape))


def measure(emulator: Emulator, samples: Samples, networks: Mapping[str, nn.Module]) -> tuple[Accuracy, ...]:
    """Scores of the networks, in their order, and then of the hardware, all on the same images.

    Where the images are larger than what the hardware takes, all of them see the same tiles.

    Args:
        emulator: of the hardware.
        samples: images with their truth.
        networks: by the name of what executes them; each takes (images, channels, height, width).

    Raises:
        DataError: no images, or images smaller than the network's.
    """
    if not len(samples):
        raise DataError("There are no images to measure on; name a folder that has some.")
    tiling = _tiling(emulator, samples)
    tiled = {name: _Tiled(net, tiling) if len(tiling) > 1 else net for name, net in networks.items()}
    executors: dict[str, Callable[[], Scores]] = {
        name: (lambda net=net: evaluate(net, samples)) for name, net in tiled.items()}  # type: ignore[misc]
    executors[names.HARDWARE] = lambda: score_hardware(emulator, samples)
    results = []
    for executor, score in executors.items():
        started = time.monotonic()
        scores = score()
        results.append(Accuracy(executor, scores, len(samples), time.monotonic() - started))
    return tuple(results)


def accuracy_figures(accuracies: Sequence[Accuracy]) -> tuple[Figure, ...]:
    """Dice, IoU and pixel accuracy of every executor, as a report holds them; its name stands where the tool does."""
    ours = version("quantunet-hls")
    return tuple(
        Figure(name, value, Source.MEASURED, accuracy.executor, ours, subject=Subject.NETWORK)
        for accuracy in accuracies
        for name, value in ((names.DICE, accuracy.scores.dice), (names.IOU, accuracy.scores.iou),
                            (names.PIXEL_ACCURACY, accuracy.scores.pixel_accuracy)))
