"""``quantize``: a float network and images in, a QONNX file and what it is worth out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import check_name, write_json, writing
from quantunet_hls.core.folders import claim, exclusively
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.versions import DISTRIBUTION, maker_versions, version_of
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.quantize.core import Quantized, calibrated
from quantunet_hls.quantize.images import CalibrationImages
from quantunet_hls.quantize.network import FloatNetwork, open_float
from quantunet_hls.quantize.score import compared
from quantunet_hls.quantize.settings import Settings

__all__ = ["Images", "QuantizedNetwork", "quantize"]

Progress = Callable[[str], None]

#: Reads images for a network that takes so many channels; without masks, these are 0.
Images = Callable[[int], Samples]


@dataclass(frozen=True)
class QuantizedNetwork:
    """What :func:`quantize` leaves.

    Attributes:
        graph: the quantized network, ready for hardware.
        path: its QONNX file.
        report_path: quantization.json.
        report: the same as plain values.
    """

    graph: HardwareGraph
    path: Path
    report_path: Path
    report: dict[str, Any]


def quantize(source: NetworkSource, read: Images, folder: Path, settings: Settings, *, score: Images | None = None,
             labelled: bool = False, name: str | None = None,
             progress: Progress = lambda line: None) -> QuantizedNetwork:
    """Quantize a float network without training.

    What was done before for the same input is not done again.

    Args:
        source: of the float network.
        read: images to calibrate with; their masks are not looked at.
        folder: for all files.
        settings: widths, scales and the rest.
        score: images to score on; those that it was calibrated with where None.
        labelled: whether these have masks; else the float network's own classes are the truth.
        name: of the quantized network; the float one's with ``_quantized`` behind it where None.
        progress: called with a line for each part that takes long.

    Raises:
        ConfigurationError: the network has quantizers already.
        IllegalGraphError: a node can't be built exactly.
        DataError: no images, or images smaller than what the network takes.
    """
    if source.quantized:
        raise ConfigurationError(f"{source.name} has quantizers already; generate takes it as it is, and tune makes it "
                                 "cheaper.")
    design = check_name("network", name or f"{source.name}_quantized"[:60])
    network = open_float(source, settings.normalization)
    given = read(network.image[0])
    scored = given if score is None else score(network.image[0])
    claim(folder, "quantization")
    with exclusively(folder):
        store, path = Store(folder / "steps.json"), folder / f"{design}.onnx"
        inputs = {"network": source.sha256, "key": source.key, "settings": settings.to_dict(), "name": design,
                  "images": given.sha256()}

        def make() -> dict[str, Any]:
            images = CalibrationImages.of(given.images, settings.images, network.image[1:])
            found = calibrated(network, images, settings.scales, progress)
            progress(f"Fitting the weights of {len(found.plan.layers)} layers")
            widths = found.uniform(settings.weight_bits, settings.activation_bits)
            return write_quantized(found.quantized(widths), network, settings, path)

        made = store.made("network", key_of(inputs, (__name__,), maker_versions()), make, [path])
        graph = ingest(load_qonnx(path))
        progress(f"Scoring {len(scored)} images")
        accuracy = store.made(
            "accuracy", key_of({**inputs, "scored": scored.sha256(), "labelled": labelled}, (__name__,),
                               maker_versions()),
            lambda: compared(network, graph, scored, labelled=labelled))
        report = {**made.value, "calibration_images": min(len(given), settings.images), "accuracy": accuracy.value}
        write_json(folder / "quantization.json", report)
    return QuantizedNetwork(graph, path, folder / "quantization.json", report)


def write_quantized(made: Quantized, network: FloatNetwork, settings: Settings, path: Path) -> dict[str, Any]:
    """Write the QONNX file, which says what made it; returns what there is to say of its types, as plain values."""
    told = {"network": {"name": network.name, "sha256": network.sha256}, "settings": settings.to_dict()}
    with writing(path) as temporary:
        _with_metadata(made.model, told).save(str(temporary))
    return {
        **told,
        "layers": {name: {"weight_bits": layer.width, "steps": sorted({float(step) for step in layer.steps}),
                          "largest_bias": float(np.abs(layer.biases).max(initial=0))}
                   for name, layer in made.layers.items()},
        "quantizers": {name: {"bits": grid.width, "signed": grid.signed, "step": grid.step}
                       for name, grid in made.grids.items()},
    }


def _with_metadata(model: ModelWrapper, told: dict[str, Any]) -> ModelWrapper:
    """The model itself, with what made it written down in it."""
    proto, settings = model.model, told["settings"]
    proto.producer_name, proto.producer_version = DISTRIBUTION, version_of(DISTRIBUTION)
    del proto.metadata_props[:]
    texts = {"made_by": f"{DISTRIBUTION} {version_of(DISTRIBUTION)}", "float_network": told["network"]["name"],
             "float_sha256": told["network"]["sha256"],
             **{role: str(settings[role]) for role in ("weight_bits", "activation_bits", "scales")}}
    for key, value in texts.items():
        proto.metadata_props.add(key=f"quantunet_hls.{key}", value=value)
    return model
