"""Four U-Nets in the form that projects without a package of their own mostly give them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

__all__ = ["BilinearUNet", "ResUNet", "TransposedUNet"]

_WIDTHS = (4, 6, 8)


def _double(channels: int, filters: int) -> nn.Sequential:
    """Convolution, batch normalization and ReLU, twice."""
    layers: list[nn.Module] = []
    for inputs in (channels, filters):
        layers += [nn.Conv2d(inputs, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters),
                   nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _joined(skip: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """The skip before the upsampled image, which is padded by what the two sizes differ in."""
    rows, columns = skip.size(2) - up.size(2), skip.size(3) - up.size(3)
    up = functional.pad(up, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
    return torch.cat([skip, up], dim=1)


class _DoubleConvUNet(nn.Module):
    """Two poolings; what upsamples is up to the subclass."""

    def __init__(self, channels: int, classes: int, ups: tuple[nn.Module, nn.Module], halves: bool) -> None:
        super().__init__()
        top, middle, bottom = _WIDTHS
        self.top, self.middle = _double(channels, top), _double(top, middle)
        self.bottom = _double(middle, bottom)
        self.pool = nn.MaxPool2d(2)
        self.ups = nn.ModuleList(ups)
        self.up_middle = _double(middle + (middle if halves else bottom), middle)
        self.up_top = _double(top + (top if halves else middle), top)
        self.head = nn.Conv2d(top, classes, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        top = self.top(image)
        middle = self.middle(self.pool(top))
        bottom = self.bottom(self.pool(middle))
        middle = self.up_middle(_joined(middle, self.ups[0](bottom)))
        return self.head(self.up_top(_joined(top, self.ups[1](middle))))


class TransposedUNet(_DoubleConvUNet):
    """DoubleConv U-Net with transposed convolutions of 2x2."""

    def __init__(self, channels: int, classes: int) -> None:
        top, middle, bottom = _WIDTHS
        super().__init__(channels, classes, (nn.ConvTranspose2d(bottom, middle, 2, stride=2),
                                             nn.ConvTranspose2d(middle, top, 2, stride=2)), halves=True)


class BilinearUNet(_DoubleConvUNet):
    """DoubleConv U-Net with bilinear upsampling, corners aligned."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels, classes,
                         (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                          nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)), halves=False)


class _Residual(nn.Module):
    """Normalization, ReLU and convolution, twice, beside a 1x1 convolution of the same stride."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, filters, 3, stride, 1),
                                  nn.BatchNorm2d(filters), nn.ReLU(), nn.Conv2d(filters, filters, 3, padding=1))
        self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, stride), nn.BatchNorm2d(filters))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.body(image) + self.shortcut(image)


class ResUNet(nn.Module):
    """Residual blocks with normalization in front, strides instead of poolings, transposed convolutions up."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        top, middle, bottom = _WIDTHS
        self.stem = nn.Sequential(nn.Conv2d(channels, top, 3, padding=1), nn.BatchNorm2d(top), nn.ReLU(),
                                  nn.Conv2d(top, top, 3, padding=1))
        self.shortcut = nn.Conv2d(channels, top, 1)
        self.middle, self.bottom = _Residual(top, middle, 2), _Residual(middle, bottom, 2)
        self.ups = nn.ModuleList([nn.ConvTranspose2d(bottom, bottom, 2, 2), nn.ConvTranspose2d(middle, middle, 2, 2)])
        self.up_middle, self.up_top = _Residual(bottom + middle, middle, 1), _Residual(middle + top, top, 1)
        self.head = nn.Conv2d(top, classes, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Scores (batch, classes, height, width) of images (batch, channels, height, width)."""
        top = self.stem(image) + self.shortcut(image)
        middle = self.middle(top)
        bottom = self.bottom(middle)
        middle = self.up_middle(torch.cat([self.ups[0](bottom), middle], dim=1))
        return self.head(self.up_top(torch.cat([self.ups[1](middle), top], dim=1)))
