"""Deep supervision: heads at the coarser levels of a decoder, in training only (Lee et al., arXiv 1409.5185)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from quantunet_hls.nets import QuantUNet

__all__ = ["Heads"]


class Heads(nn.Module):
    """A pointwise convolution to logits for each level of a decoder but the finest, beside the network.

    They belong to the training: neither the network nor its state dict knows of them.

    Args:
        net: whose decoder has two levels or more.
    """

    def __init__(self, net: QuantUNet):
        super().__init__()
        channels, classes = net.config.level_channels, net.config.classes
        self.levels = range(1, net.config.depth)
        for level in self.levels:
            self.add_module(f"head{level}", nn.Conv2d(channels[level], classes, 1))

    @contextmanager
    def watching(self, net: QuantUNet) -> Iterator[dict[int, Tensor]]:
        """While the net computes: by level what its decoder makes there, (N, channels, rows, columns)."""
        seen: dict[int, Tensor] = {}

        def keep(level: int) -> Callable[[nn.Module, object, object], None]:
            def hook(module: nn.Module, given: object, made: object) -> None:
                seen[level] = torch.as_tensor(getattr(made, "value", made))
            return hook

        handles = [net.get_submodule(f"dec{level}b").register_forward_hook(keep(level)) for level in self.levels]
        try:
            yield seen
        finally:
            for handle in handles:
                handle.remove()

    def loss(self, seen: dict[int, Tensor], masks: Tensor, of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Mean over the levels of a loss of their logits, at full size, against the masks.

        Args:
            seen: as :meth:`watching` gives.
            masks: class indices (N, H, W).
            of: the loss of logits (N, classes, H, W) and masks.
        """
        size = (masks.shape[-2], masks.shape[-1])
        losses = [of(nn.functional.interpolate(self.get_submodule(f"head{level}")(seen[level].float()), size,
                                               mode="bilinear"), masks) for level in self.levels]
        return torch.stack(losses).mean()
