"""First weights of a quantized network, from a float one."""

from __future__ import annotations

import torch

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.nets import QuantUNet, UNetConfig, calibrate, fold_batchnorm, use_levels
from quantunet_hls.training.equalize import equalize
from quantunet_hls.training.formats import fit_formats

__all__ = ["calibration_places", "quantize"]

_CALIBRATION_IMAGES = 16


def calibration_places(images: int) -> list[int]:
    """Which of so many images activation scales are set from: some, spread evenly."""
    return list(range(0, images, max(1, images // _CALIBRATION_IMAGES)))[:_CALIBRATION_IMAGES]


def quantize(net: QuantUNet, config: UNetConfig, samples: Samples, *, learned_widths: bool = False) -> QuantUNet:
    """A quantized network that starts where a float one stands.

    BatchNorm is folded, the weight ranges are equalized and brought into the formats
    that are fixed, and the other activation scales are set from images spread evenly
    over the samples. Train it on from there.

    Args:
        net: float network, left as it is.
        config: what to build; its shape (depth, channels, classes) must be the float network's.
        samples: images like those that it will see.
        learned_widths: make the bit widths parameters of the training.

    Raises:
        ConfigurationError: where the shapes differ, or a side is not what it should be.
    """
    if net.config.quantized or not config.quantized:
        raise ConfigurationError("A quantized network starts from a float one; name a float network to start from.")
    if config.batch_norm:
        raise ConfigurationError("A quantized network is trained without BatchNorm here; switch batch_norm off.")
    for name in ("depth", "base_channels", "channels", "in_channels", "classes", "upsampling",
                 "up_convolution"):
        theirs, ours = getattr(net.config, name), getattr(config, name)
        if theirs != ours:
            raise ConfigurationError(
                f"The float network has {name} {theirs} and the quantized one {ours}; give both the same."
            )
    folded = fold_batchnorm(net)
    equalize(folded)
    images = to_input(samples.images[calibration_places(len(samples))])
    fit_formats(folded, config, images)
    quantized = QuantUNet(config, learned_widths=learned_widths)
    # Only activation scales and learned widths have no counterpart in the float network.
    quantized.load_state_dict(folded.state_dict(), strict=False)
    use_levels(quantized)
    with torch.no_grad():
        calibrate(quantized, images)
    return quantized
