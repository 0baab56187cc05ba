"""Weight equalization: the same function with weight ranges that suit one scale a layer.

Scaling a channel behind a ReLU by a positive factor, and the weights that read it
by the inverse, changes nothing in float arithmetic. Nagel et al. (arXiv 1906.04721)
choose the factor that gives both sides the same range. A folded BatchNorm leaves
channels of one layer orders of magnitude apart, of which a 4-bit scale sees only
the largest; this mends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import QuantUNet, UNetConfig

__all__ = ["equalize", "readers"]

# A factor stays near 1 per sweep; the cap keeps a dead channel from being blown up.
_SWEEPS = 20
_FACTOR_LIMIT = 10.0


def readers(config: UNetConfig) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Every layer with the layers that read it, and the first input channel that they read it at."""
    top = config.depth - 1
    for level in range(config.depth):
        after = "mida" if level == top else f"enc{level + 1}a"
        yield f"enc{level}a", [(f"enc{level}b", 0)]
        yield f"enc{level}b", [(after, 0), (f"dec{level}a", 0)]
    yield "mida", [("midb", 0)]
    yield "midb", [_above(config, top)]
    for level in reversed(range(config.depth)):
        if config.up_convolution:
            yield f"up{level}", [(f"dec{level}a", config.level_channels[level])]
        yield f"dec{level}a", [(f"dec{level}b", 0)]
        yield f"dec{level}b", [_above(config, level - 1) if level else ("head", 0)]


def _above(config: UNetConfig, level: int) -> tuple[str, int]:
    """What reads the values that are upsampled to this level, and from which of its channels on."""
    return (f"up{level}", 0) if config.up_convolution else (f"dec{level}a", config.level_channels[level])


@torch.no_grad()
def equalize(net: QuantUNet) -> None:
    """Equalize a float network's weights in place; its outputs stay, up to float rounding.

    Raises:
        ConfigurationError: for a network with BatchNorm (fold it first) or with quantizers.
    """
    if net.config.batch_norm or net.config.quantized:
        raise ConfigurationError("Only a float network without BatchNorm can be equalized; fold its BatchNorm first.")
    for _ in range(_SWEEPS):
        for name, behind in readers(net.config):
            writer = net.convolution(name)
            count = writer.out_channels
            filters = net.filters(name)
            written = filters.abs().amax(dim=(1, 2, 3))
            slices = [net.filters(reader)[:, first:first + count] for reader, first in behind]
            read = torch.stack([part.abs().amax(dim=(0, 2, 3)) for part in slices]).amax(dim=0)
            factor = _factor(written, read)
            filters.div_(factor[:, None, None, None])
            cast(Tensor, writer.bias).div_(factor)
            for part in slices:
                part.mul_(factor[None, :, None, None])


def _factor(written: Tensor, read: Tensor) -> Tensor:
    factor = (written / read).sqrt()
    # A channel that is all zeros on either side has no range to share.
    factor = torch.where((written > 0) & (read > 0), factor, torch.ones_like(factor))
    return factor.clamp(1 / _FACTOR_LIMIT, _FACTOR_LIMIT)
