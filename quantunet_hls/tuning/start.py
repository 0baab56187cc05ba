"""Where tuning starts: a quantized network as it is, or a float one at a uniform width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.scores import predict
from quantunet_hls.emulate.accuracy import emulate_graph, segment
from quantunet_hls.ingest import HardwareGraph, export_module, ingest
from quantunet_hls.ingest.source import ImageSize, image_size, open_source
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig
from quantunet_hls.training.prepare import quantize
from quantunet_hls.tuning.measure import spread
from quantunet_hls.zoo import checkpoints as zoo

__all__ = ["Origin", "open_origin"]

#: A float network is exported with so many bits that they change next to nothing, and cut down from there.
_FINE = LayerWidths(weight=10, activation=10, bias=24)
_BATCH = 32
#: Images for the first ranges, of 10 bits; narrower ones are chosen from more images later.
_RANGES = 6


@dataclass(frozen=True)
class Origin:
    """A network before tuning.

    Attributes:
        name: what it is called.
        sha256: of its file.
        graph: its hardware graph; a float network's has many bits.
        quantized: whether it was quantized before.
        segment: its own masks, uint8 (N, H, W), of samples.
    """

    name: str
    sha256: str
    graph: HardwareGraph
    quantized: bool
    segment: Callable[[Samples], Tensor]


def open_origin(model: str | Path | nn.Module, calibration: Callable[[ImageSize | None], Samples],
                input_shape: tuple[int, int, int] | None = None, result: str | None = None) -> Origin:
    """The network of a model argument.

    Args:
        model: what :func:`quantunet_hls.ingest.source.open_source` takes, or a float :class:`QuantUNet` of the zoo,
            of a checkpoint, or live.
        calibration: images for a float network's first scales, for images of a size.
        input_shape: channels, height, width; as for ``open_source``.
        result: which of several outputs, by its name.

    Raises:
        QuantUNetError: as ``open_source`` and ``ingest`` do.
    """
    net, name, digest = None, "", ""
    size = None if input_shape is None else image_size(input_shape)
    if isinstance(model, QuantUNet) and not model.config.quantized:
        net, name = model, "QuantUNet"
    elif not isinstance(model, nn.Module) and Path(model).suffix != ".onnx":
        loaded, card = zoo.load(model)
        if not loaded.config.quantized:
            net, name, digest = loaded, card.name, card.sha256
            size = size or ImageSize(loaded.config.in_channels, card.height, card.width)
    if net is None:
        source = open_source(model, input_shape, result)
        graph = ingest(source.graph())
        if graph.scales.whole:
            raise ConfigurationError(f"{source.name} has scales that are no powers of two, which no type says, so "
                                     "there is nothing to choose; tune the float network that it was made of.")
        return Origin(source.name, source.sha256, graph, True, lambda samples: segment(emulate_graph(graph), samples))
    samples = calibration(size)
    config = UNetConfig.from_dict(net.config.to_dict() | {
        "quantized": True, "batch_norm": False, "widths": vars(_FINE), "layer_widths": {}})
    fine = quantize(net, config, spread(samples, _RANGES))
    chosen = size or (net.config.in_channels, *samples.images.shape[2:])
    graph = ingest(export_module(fine.eval(), chosen))
    return Origin(name, digest, graph, False, lambda samples: _masks(net, samples))


@torch.no_grad()
def _masks(net: nn.Module, samples: Samples) -> Tensor:
    net.eval()
    parts = [predict(net(to_input(samples.images[start:start + _BATCH])))
             for start in range(0, len(samples), _BATCH)]
    return torch.cat(parts) if parts else torch.zeros(np.shape(samples.masks), dtype=torch.uint8)
