"""Quantized networks: the U-Net and its quantizers."""

from quantunet_hls.nets.unet import LayerWidths, QuantUNet, UNetConfig, calibrate, fold_batchnorm

__all__ = ["LayerWidths", "QuantUNet", "UNetConfig", "calibrate", "fold_batchnorm"]
