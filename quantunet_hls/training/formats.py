"""Bringing a float network's values into fixed formats, without changing what it computes.

Behind a ReLU, a layer's values may be scaled by any positive factor if those that
read them are scaled back. One factor a layer is chosen so that all activations
and all weights come as near to filling their formats as they can together.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor

from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.training.equalize import readers

__all__ = ["fit_formats"]

#: Share of a layer's values, zeros left out, that a format has to hold; the few above saturate.
_HELD = 0.999
_SMALLEST = 2.0**-16


@torch.no_grad()
def fit_formats(net: QuantUNet, config: UNetConfig, images: Tensor) -> None:
    """Rescale a float network in place for the fixed steps of an architecture; does nothing where it has none.

    Args:
        net: float network without BatchNorm, of the architecture's shape.
        config: with the formats.
        images: float (N, C, H, W), from which the activations' ranges are taken.
    """
    names = [name for name in config.layer_names if name != "head"]
    column = {name: index for index, name in enumerate(names)}
    reads: dict[str, list[tuple[str, int]]] = {name: [] for name in config.layer_names}
    for writer, behind in readers(config):
        for reader, first in behind:
            reads[reader].append((writer, first))
    ranges = _activation_ranges(net, images)
    # Least squares in powers of two: every format asks for one sum of factors.
    rows, wanted = [], []
    for name in config.layer_names:
        widths = config.widths_of(config.activation_owner(name))
        if name != "head" and widths.activation_fraction is not None:
            rows.append(_row(column, plus=name))
            wanted.append(widths.activation - widths.activation_fraction - np.log2(ranges[name]))
        widths = config.widths_of(name)
        if widths.weight_fraction is None or name == "head":
            continue
        room = widths.weight - 1 - widths.weight_fraction
        if not reads[name]:
            rows.append(_row(column, plus=name))
            wanted.append(room - np.log2(_range(net.convolution(name).weight)))
        for writer, first in reads[name]:
            part = net.filters(name)[:, first:first + net.convolution(writer).out_channels]
            rows.append(_row(column, plus=name, minus=writer))
            wanted.append(room - np.log2(_range(part)))
    if not rows:
        return
    factors = np.exp2(np.linalg.lstsq(np.stack(rows), np.array(wanted), rcond=None)[0])
    for writer, behind in readers(config):
        layer, factor = net.convolution(writer), float(factors[column[writer]])
        layer.weight.mul_(factor)
        cast(Tensor, layer.bias).mul_(factor)
        for reader, first in behind:
            net.filters(reader)[:, first:first + layer.out_channels].div_(factor)


def _row(column: dict[str, int], *, plus: str, minus: str | None = None) -> np.ndarray:
    row = np.zeros(len(column))
    row[column[plus]] += 1
    if minus is not None:
        row[column[minus]] -= 1
    return row


def _range(values: Tensor) -> float:
    """The value that all but a few are below, of those that are not zero."""
    sizes = values.abs()[values != 0]
    return max(_SMALLEST, float(np.quantile(sizes.numpy(), _HELD))) if sizes.numel() else 1.0


def _activation_ranges(net: QuantUNet, images: Tensor) -> dict[str, float]:
    ranges: dict[str, float] = {}
    hooks = []
    for name in net.config.layer_names:
        if name != "head":
            block = net.get_submodule(name)
            hooks.append(block.register_forward_hook(
                lambda _module, _args, output, name=name: ranges.__setitem__(name, _range(output))
            ))
    net(images)
    for hook in hooks:
        hook.remove()
    return ranges
