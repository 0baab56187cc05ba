"""``quantize``: a float network and images in, a QONNX file and what it is worth out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import write_json, writing
from quantunet_hls.core.folders import claim, exclusively
from quantunet_hls.core.names import design_name
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.versions import DISTRIBUTION, maker_versions, version_of
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.emulate.accuracy import classes_of, emulate_graph
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx
from quantunet_hls.ingest.facts import network_facts
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.quantize.core import Calibrated, Quantized, calibrated
from quantunet_hls.quantize.images import CalibrationImages
from quantunet_hls.quantize.network import FloatNetwork, open_float
from quantunet_hls.quantize.score import compared, float_masks
from quantunet_hls.quantize.search import Meters, search_widths
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.tuning.cost import Cost, bit_cost
from quantunet_hls.tuning.measure import Meter, measurements, spread
from quantunet_hls.tuning.search import ToleranceError, steps_of
from quantunet_hls.tuning.widths import Widths

__all__ = ["Goal", "Images", "QuantizedNetwork", "quantize"]

Progress = Callable[[str], None]

#: Images for the search of widths, and for choosing how far down its path to go.
_SEARCH, _CHOICE = 64, 256

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


@dataclass(frozen=True)
class Goal:
    """What the widths are to make small, where there is a tolerance.

    Attributes:
        cost: of all convolutions.
        multipliers: that these have together.
        named: what decides both, in plain words, such as a board's name.
    """

    cost: Cost = bit_cost
    multipliers: int = 128
    named: str = "bits"


def quantize(source: NetworkSource, read: Images, folder: Path, settings: Settings, *, score: Images | None = None,
             labelled: bool = False, name: str | None = None, goal: Goal = Goal(),
             progress: Progress = lambda line: None) -> QuantizedNetwork:
    """Quantize a float network without training.

    What was done before for the same input is not done again.

    Args:
        source: of the float network.
        read: images to calibrate with, and to choose widths with where there is a tolerance.
        folder: for all files.
        settings: widths, scales and the rest.
        score: images to score on; those that it was calibrated with where None.
        labelled: whether images have masks; else the float network's own classes are the truth. Calibration looks at
            none, and widths are chosen by them only where there is a tolerance.
        name: of the quantized network; the float one's with ``_quantized`` behind it where None.
        goal: what is to be small where there is a tolerance.
        progress: called with a line for each part that takes long.

    Raises:
        ConfigurationError: the network has quantizers already.
        IllegalGraphError: a node can't be built exactly.
        DataError: no images, or images smaller than what the network takes.
        ToleranceError: the widest that are allowed lose more than the tolerance; that network is written all the same.
    """
    if source.quantized:
        raise ConfigurationError(f"{source.name} has quantizers already; generate takes it as it is, and tune makes it "
                                 "cheaper.")
    design = design_name(name or f"{source.name}_quantized")
    network = _opened(source, settings)
    given = read(network.image[0])
    scored = given if score is None else score(network.image[0])
    images = CalibrationImages.of(given.images, settings.images, network.image[1:])
    network = network.frozen_by(images.values)
    claim(folder, "quantization")
    with exclusively(folder):
        store, path = Store(folder / "steps.json"), folder / f"{design}.onnx"
        inputs = {"network": source.sha256, "key": source.key, "settings": settings.to_dict(), "name": design,
                  "images": given.sha256(), "goal": [goal.named, goal.multipliers], "labelled": labelled}

        def make() -> dict[str, Any]:
            found = calibrated(network, images, settings.scales, progress)
            widths = found.uniform(settings.weight_bits, settings.activation_bits)
            if settings.tolerance is None:
                progress(f"Fitting the weights of {len(found.plan.layers)} layers")
                return write_quantized(found.quantized(widths), network, settings, path)
            return _searched(found, widths, network, given, labelled, settings, goal, path, progress)

        made = store.made("network", key_of(inputs, (__name__,), maker_versions()), make, [path])
        graph = ingest(load_qonnx(path))
        facts = network_facts(graph)
        progress(f"Scoring {len(scored)} images")
        accuracy = store.made(
            "accuracy", key_of({**inputs, "scored": scored.sha256()}, (__name__,), maker_versions()),
            lambda: compared(network, graph, scored, labelled=labelled))
        report = {**made.value, "calibration_images": len(images.values), "mean_weight_bits": facts.weight_bits,
                  "mean_activation_bits": facts.activation_bits, "accuracy": accuracy.value}
        write_json(folder / "quantization.json", report)
    _check_loss(report.get("search"), settings, path)
    return QuantizedNetwork(graph, path, folder / "quantization.json", report)


def _opened(source: NetworkSource, settings: Settings) -> FloatNetwork:
    """The float network as it is asked for."""
    return open_float(source, settings.normalization, freeze=settings.freeze_statistics,
                      classes=settings.output == "mask")


def _check_loss(search: dict[str, Any] | None, settings: Settings, path: Path) -> None:
    """Refuse widths that lose more than the tolerance, where there is one."""
    if search and not search["within"]:
        raise ToleranceError(
            f"No widths were found that lose at most {settings.tolerance:g} Dice points: the widest allowed reach "
            f"{100 * search['dice']:.2f} of {100 * search['float_dice']:.2f}; that network is in {path}. "
            "Allow more bits or a larger tolerance.")


def _searched(found: Calibrated, widths: Widths, network: FloatNetwork, given: Samples, labelled: bool,
              settings: Settings, goal: Goal, path: Path, progress: Progress) -> dict[str, Any]:
    """Look for widths, and write the network that has them; returns what there is to say of it."""
    graph = ingest(found.quantized(widths).model)
    classes, store = classes_of(emulate_graph(graph).network), measurements(path.parent)

    def meter(count: int, skip: int) -> Meter:
        samples = spread(given, count, skip=skip)
        masks = float_masks(network, graph, samples)
        truth = samples.told_apart(classes) if labelled else replace(samples, masks=masks.numpy())
        return Meter(truth, masks, classes, store)

    meters = Meters(meter(_SEARCH, 0), meter(_CHOICE, 1))
    assert settings.tolerance is not None
    end = search_widths(found, widths, meters, settings.tolerance, goal.cost, goal.multipliers, progress)
    told = {"goal": goal.named, "within": end.within, "dice": end.dice, "float_dice": meters.choice.reference_dice,
            "search_images": len(meters.search.samples), "choice_images": len(meters.choice.samples),
            "step": end.step, "steps": steps_of(end.steps)}
    return {**write_quantized(end.network, network, settings, path), "search": told}


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
