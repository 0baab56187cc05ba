"""How near the hardware of a quantized network comes to the float one, and both to the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from quantunet_hls.core.errors import DataError
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.scores import count_pixels, scores_from_counts
from quantunet_hls.emulate.accuracy import as_logits, classes_of, emulate_graph, segment, segment_module
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.qonnx.graph import only
from quantunet_hls.quantize.network import FloatNetwork
from quantunet_hls.quantize.run import FloatModule

__all__ = ["compared", "float_masks"]

#: Images whose results are compared number by number.
_RESULTS = 8


def float_masks(network: FloatNetwork, graph: HardwareGraph, samples: Samples) -> torch.Tensor:
    """The float network's class indices, uint8 (N, H, W).

    Args:
        network: the float network.
        graph: of a quantized one, which ends in the same.
        samples: images; their masks are not looked at.
    """
    return segment_module(as_logits(FloatModule(network.given), graph), samples, network.image[1:])


def compared(network: FloatNetwork, graph: HardwareGraph, samples: Samples, *, labelled: bool) -> dict[str, Any]:
    """Scores of both on some images, as plain values; and of the float one with frozen statistics, where it has some.

    Args:
        network: the float network.
        graph: of the quantized one.
        samples: images, with masks where they are labelled.
        labelled: whether the masks are the truth; else the float network's own are.

    Raises:
        DataError: no images.
    """
    if not len(samples):
        raise DataError("There are no images to score on; name a folder that has some.")
    emulator = emulate_graph(graph)
    classes = classes_of(emulator.network)
    ours, theirs = segment(emulator, samples), float_masks(network, graph, samples)
    truth = torch.from_numpy(samples.told_apart(classes).masks) if labelled else theirs
    stages = {"float": theirs}
    if network.frozen is not None:
        stages["frozen"] = segment_module(as_logits(FloatModule(network.frozen), graph), samples, network.image[1:])
    found: dict[str, Any] = {"images": len(samples), "truth": "masks" if labelled else "the float network's classes",
                             "equal_pixels": float((ours == theirs).double().mean())}
    for name, masks in {**stages, "hardware": ours}.items():
        if labelled or name != "float":
            found[name] = scores_from_counts(count_pixels(masks, truth, classes)).to_dict()
    if emulator.network.by_name[emulator.network.output].meaning is not Meaning.CLASSES:
        found["signal_to_noise_db"] = _signal_to_noise(network, graph, samples)
    return found


def _signal_to_noise(network: FloatNetwork, graph: HardwareGraph, samples: Samples) -> float | None:
    """Power of the float result over that of what the hardware's differs from it by, in dB; None where it is equal."""
    _, height, width = network.image
    images = to_input(samples.images[:_RESULTS, :, :height, :width])
    theirs = graph.from_original(only(graph.original, "output"), FloatModule(network.given)(images).numpy())
    ours = emulate_graph(graph).predict(images.permute(0, 2, 3, 1).double().numpy())
    noise = float(np.mean((ours - theirs) ** 2))
    return 10 * float(np.log10(np.mean(theirs.astype(np.float64) ** 2) / noise)) if noise else None
