"""Small float networks as people write them."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["BatchNormUNet", "Functions", "Residual", "Slopes", "with_statistics"]


def with_statistics(net: nn.Module, seed: int = 0) -> nn.Module:
    """The network in eval mode, its batch normalization as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            for values, (low, high) in ((part.running_mean, (-0.3, 0.3)), (part.running_var, (0.5, 2)),
                                        (part.weight.data, (0.5, 1.5)), (part.bias.data, (-0.2, 0.2))):
                values.uniform_(low, high, generator=generator)
    return net.eval()


class BatchNormUNet(nn.Module):
    """Batch normalization behind convolutions, transposed ones among them, and behind a concatenation."""

    def __init__(self, channels: int = 1, classes: int = 1) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU())
        self.low = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(4, 3, 2, stride=2), nn.BatchNorm2d(3))
        self.join = nn.Sequential(nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(4, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.down(x)
        return self.head(self.join(torch.cat([x, self.up(self.low(x))], dim=1)))


class Residual(nn.Module):
    """Additions of branches, a mean, nearest upsampling, and an image that is joined with what came of it."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
                                   nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4))
        self.small = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(4, 4, 1), nn.LeakyReLU(0.25), nn.Upsample(scale_factor=2))
        self.head = nn.Conv2d(5, classes, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.first(x))
        y = torch.relu(y + self.block(y))
        return self.head(torch.cat([y + self.small(y), x], dim=1))


class Functions(nn.Module):
    """Functions that are tables, alone and spelled out in arithmetic, behind layers that others read as well."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 3, padding=1)
        self.head = nn.Conv2d(6, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(self.a(x))
        y = self.b(x)
        y = y * torch.sigmoid(y)
        z = nn.functional.gelu(self.c(x))
        return torch.sigmoid(self.head(torch.cat([y + x, z], dim=1)))


class Slopes(nn.Module):
    """A slope a channel, a slope that is no power of two, a clip, and the hard swish in arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.PReLU(4),
                                   nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.1), nn.Conv2d(4, 4, 1), nn.ReLU6())
        self.swish, self.head = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 3, padding=1)
        nn.init.uniform_(self.first[2].weight, 0.05, 0.6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.swish(self.first(x))
        return self.head(x * torch.clamp(x + 3, 0, 6) / 6)
