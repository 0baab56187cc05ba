"""Ternary and binary weights (TernaryNet, arXiv 1801.09449), a power-of-two magnitude for each filter.

While a network trains, its float weights live behind a parametrization that
shows the layer their levels only; :func:`settle_levels` leaves the levels alone.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from quantunet_hls.nets.unet import QuantUNet

__all__ = ["binarize", "settle_levels", "ternarize", "use_levels"]

#: Share of a filter's mean magnitude below which a weight becomes 0 (TernaryNet; Li and Liu, arXiv 1605.04711).
_THRESHOLD = 0.7
_SMALLEST = 2.0**-16


def _power_of_two(values: Tensor) -> Tensor:
    return torch.exp2(values.clamp(min=_SMALLEST).log2().round())


@torch.no_grad()
def ternarize(weights: Tensor) -> Tensor:
    """Levels -a, 0, a of each filter.

    A weight below 0.7 times the filter's mean magnitude becomes 0; ``a`` is the mean
    magnitude of the others, rounded to the nearest power of two. Levels stay what they are.

    Args:
        weights: (filters, channels, height, width).
    """
    size = weights.abs()
    kept = size > _THRESHOLD * size.mean(dim=(1, 2, 3), keepdim=True)
    count = kept.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    mean = (size * kept).sum(dim=(1, 2, 3), keepdim=True) / count
    return torch.where(kept, weights.sign() * _power_of_two(mean), torch.zeros_like(weights))


@torch.no_grad()
def binarize(weights: Tensor) -> Tensor:
    """Levels -a and a of each filter, with the sign of the weight (a zero counts as positive).

    ``a`` is the filter's mean magnitude (Rastegari et al., arXiv 1603.05279), rounded to the nearest power of two.
    """
    mean = weights.abs().mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(weights < 0, -1.0, 1.0).to(weights.dtype) * _power_of_two(mean)


_FUNCTIONS = {"ternary": ternarize, "binary": binarize}


class _Levels(nn.Module):
    """Levels in the forward pass, the weights' own gradient in the backward pass."""

    def __init__(self, kind: str, *, transposed: bool):
        super().__init__()
        self.kind, self.transposed = kind, transposed

    def forward(self, weights: Tensor) -> Tensor:
        if self.transposed:
            levels = _FUNCTIONS[self.kind](weights.transpose(0, 1)).transpose(0, 1)
        else:
            levels = _FUNCTIONS[self.kind](weights)
        # The difference is exactly 0, so what is seen is exactly the levels.
        return levels + (weights - weights.detach())


def use_levels(net: QuantUNet) -> None:
    """Put the weights of every layer that has levels behind them, in place; other layers stay as they are."""
    for name in net.config.layer_names:
        kind = net.config.widths_of(name).weight_levels
        layer = net.convolution(name)
        if net.config.quantized and kind is not None and not parametrize.is_parametrized(layer):
            parametrize.register_parametrization(
                layer, "weight", _Levels(kind, transposed=net.config.transposed(name)))


def settle_levels(net: QuantUNet) -> QuantUNet:
    """The same function with nothing behind the levels: a new net; one without levels comes back as it is."""
    if not any(parametrize.is_parametrized(part) for part in net.modules()):
        return net
    training = net.training
    settled = QuantUNet(net.config, learned_widths=net.learned_widths).train(training)
    state = copy.copy(net.state_dict())
    for name in net.config.layer_names:
        layer = net.convolution(name)
        if parametrize.is_parametrized(layer):
            prefix = name if name == "head" else f"{name}.conv"
            del state[f"{prefix}.parametrizations.weight.original"]
            state[f"{prefix}.weight"] = layer.weight.detach().clone()
    settled.load_state_dict(state)
    return settled
