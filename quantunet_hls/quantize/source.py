"""A float network as a source of a quantized one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from quantunet_hls.core.code_key import code_key
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.quantize.core import calibrated
from quantunet_hls.quantize.images import CalibrationImages
from quantunet_hls.quantize.network import FloatNetwork
from quantunet_hls.quantize.run import FloatModule
from quantunet_hls.quantize.settings import Settings

__all__ = ["quantized_source"]


def quantized_source(source: NetworkSource, network: FloatNetwork, images: CalibrationImages, settings: Settings,
                     progress: Callable[[str], None] = lambda line: None) -> NetworkSource:
    """The network, which is quantized when its graph is asked for.

    Args:
        source: of the float network.
        network: the same, read.
        images: to calibrate with.
        settings: how it is to be quantized.
        progress: called with a line for each part that takes long.
    """
    def references() -> dict[str, nn.Module]:
        frozen = network.frozen_by(images.values).frozen
        stages = {"float": network.given, **({"float, frozen": frozen} if frozen is not None else {})}
        return {name: FloatModule(model) for name, model in stages.items()}

    def graph() -> ModelWrapper:
        found = calibrated(network.frozen_by(images.values), images, settings.scales, progress)
        progress(f"Fitting the weights of {len(found.plan.layers)} layers")
        return found.quantized(found.uniform(settings.weight_bits, settings.activation_bits)).model

    key = [source.key, settings.to_dict(), images.sha256(), code_key("quantunet_hls.quantize.core")]
    return replace(source, graph=graph, module=lambda: None, quantized=True, key=key, references=references)
