"""Quantized networks: the U-Net and its quantizers."""

from quantunet_hls.nets.config import LayerWidths, UNetConfig
from quantunet_hls.nets.learned import settle_widths
from quantunet_hls.nets.levels import settle_levels, use_levels
from quantunet_hls.nets.unet import QuantUNet, calibrate, fold_batchnorm

__all__ = ["LayerWidths", "QuantUNet", "UNetConfig", "calibrate", "fold_batchnorm", "settled", "use_levels"]


def settled(net: QuantUNet) -> QuantUNet:
    """What a trained network leaves: the same function, bit for bit, with whole widths and plain weights."""
    return settle_widths(settle_levels(net))
