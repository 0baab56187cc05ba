"""Networks that nobody has trained: of the right shape, for what hardware takes and not for what it computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from quantunet_hls.core.files import sha256_json, writing
from quantunet_hls.core.store import Store, key_of
from quantunet_hls.core.versions import maker_versions
from quantunet_hls.data.image_folders import to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.ingest import export_module
from quantunet_hls.nets import QuantUNet, UNetConfig, calibrate

__all__ = ["untrained"]


def untrained(unet: Mapping[str, Any], folder: Path) -> Path:
    """The ONNX file of a U-Net with random weights, calibrated on drawn phantoms; the same for the same settings.

    Args:
        unet: the members of :class:`quantunet_hls.nets.UNetConfig`, with ``size`` (channels, height, width) and
            ``seed`` beside them.
        folder: for the file.
    """
    values = dict(unet)
    (channels, height, width), seed = values.pop("size"), values.pop("seed")
    config = UNetConfig.from_dict(values)
    name = (f"unet_b{config.base_channels}d{config.depth}_{height}x{width}_"
            f"w{config.widths.weight}a{config.widths.activation}_{sha256_json(dict(unet))[:8]}")
    path = folder / f"{name}.onnx"

    def export() -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = QuantUNet(config)
            calibrate(net, to_input(draw_phantoms(4, height, width).images).expand(-1, channels, -1, -1))
        with writing(path) as temporary:
            export_module(net.eval(), (channels, height, width)).save(str(temporary))

    key = key_of({"unet": dict(unet)}, (__name__,), maker_versions())
    Store(folder / "networks.json").made(name, key, export, [path])
    return path
