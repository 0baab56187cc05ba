"""Ten segmentation networks, small: six from the packages that publish them, four as many projects write them.

Weights are random and batch normalizations have the statistics of random images,
so that values spread as in a network that was trained.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.interop.common import BilinearUNet, ResUNet, TransposedUNet

__all__ = ["NETWORKS", "Network", "network"]

#: Image in, as (channels, height, width).
GREY = (1, 32, 32)
RGB = (3, 32, 32)


@dataclass(frozen=True)
class Network:
    """A published network.

    Attributes:
        title: what tables call it.
        image: (channels, height, width) of what it takes.
        build: makes it, with random weights.
    """

    title: str
    image: tuple[int, int, int]
    build: Callable[[], nn.Module]


def _monai_basic() -> nn.Module:
    from monai.networks.nets import BasicUNet

    return BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=(4, 4, 6, 6, 8, 4), norm="batch")


def _monai_residual() -> nn.Module:
    from monai.networks.nets import UNet

    return UNet(spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 6, 8), strides=(2, 2), num_res_units=2,
                norm="batch")


def _monai_attention() -> nn.Module:
    from monai.networks.nets import AttentionUnet

    return _with_batch_norms(AttentionUnet(spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 6, 8),
                                           strides=(2, 2)))


def _monai_plus_plus() -> nn.Module:
    from monai.networks.nets import BasicUNetPlusPlus

    return _First(BasicUNetPlusPlus(spatial_dims=2, in_channels=1, out_channels=2, features=(4, 4, 4, 6, 6, 4),
                                    norm="batch"))


def _smp(encoder: str) -> nn.Module:
    _import_torchvision()
    import segmentation_models_pytorch as smp

    # An encoder's channels are fixed; of 64 to 512, an eighth is left.
    return _narrowed(smp.Unet(encoder, encoder_weights=None, encoder_depth=4, decoder_channels=(64, 48, 32, 32),
                              in_channels=3, classes=2), 8)


def _nnunet() -> nn.Module:
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    return PlainConvUNet(1, 3, (4, 6, 8), nn.Conv2d, 3, (1, 2, 2), 2, 2, 2, conv_bias=True,
                         norm_op=nn.BatchNorm2d, norm_op_kwargs={"eps": 1e-5, "affine": True},
                         nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=False)


#: torchvision's operators, as long as this lives.
_DECLARED = torch.library.Library("torchvision", "FRAGMENT")

#: By the name that files and command lines use.
NETWORKS: Mapping[str, Network] = {
    "monai_basicunet": Network("MONAI BasicUNet", GREY, _monai_basic),
    "monai_unet": Network("MONAI UNet, residual units and PReLU", GREY, _monai_residual),
    "monai_attention": Network("MONAI AttentionUnet", GREY, _monai_attention),
    "monai_plusplus": Network("U-Net++ (MONAI BasicUNetPlusPlus)", GREY, _monai_plus_plus),
    "smp_resnet18": Network("segmentation_models_pytorch Unet, resnet18", RGB, lambda: _smp("resnet18")),
    "smp_mobilenet": Network("segmentation_models_pytorch Unet, mobilenet_v2", RGB, lambda: _smp("mobilenet_v2")),
    "nnunet_plain": Network("nnU-Net PlainConvUNet", GREY, _nnunet),
    "doubleconv_transposed": Network("DoubleConv U-Net, transposed convolutions", GREY, lambda: TransposedUNet(1, 2)),
    "doubleconv_bilinear": Network("DoubleConv U-Net, bilinear upsampling", GREY, lambda: BilinearUNet(1, 2)),
    "resunet": Network("ResUNet", GREY, lambda: ResUNet(1, 2)),
}


def network(name: str) -> nn.Module:
    """One of :data:`NETWORKS` in evaluation mode, the same one at every call."""
    known = NETWORKS[name]
    with torch.random.fork_rng():
        torch.manual_seed(sorted(NETWORKS).index(name))
        module = known.build()
        module.train()
        with torch.no_grad():
            for _ in range(8):
                module(torch.rand(8, *known.image))
    return module.eval()


class _First(nn.Module):
    """The first result of a network that hands out a list."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.inner(image)[0]


def _with_batch_norms(module: nn.Module) -> nn.Module:
    """The network with batch normalizations in the place of instance normalizations."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.InstanceNorm2d):
                setattr(parent, name, nn.BatchNorm2d(child.num_features))
    return module


def _narrowed(module: nn.Module, factor: int) -> nn.Module:
    """The network with a ``factor``-th of the channels everywhere but in its image and its result."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            layer.__init__(layer.num_features // factor)
            continue
        image, result = layer is convolutions[0], layer is convolutions[-1]
        layer.__init__(layer.in_channels if image else layer.in_channels // factor,
                       layer.out_channels if result else layer.out_channels // factor,
                       layer.kernel_size, layer.stride, layer.padding, layer.dilation,
                       layer.groups if layer.groups == 1 else layer.groups // factor, layer.bias is not None)
    return module


def _import_torchvision() -> None:
    """Lets torchvision be imported beside another build of torch than its wheel was made for.

    Its compiled operators can't be loaded then, and its import ends at each that it looks for; the networks here use
    none of them, so that their names are enough.
    """
    for _ in range(20):
        try:
            importlib.import_module("torchvision")
        except RuntimeError as error:
            missing = re.fullmatch(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            _DECLARED.define(f"{missing[1]}(Tensor image) -> Tensor")
        else:
            return
