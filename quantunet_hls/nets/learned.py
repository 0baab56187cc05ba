"""Bit widths as parameters of the training (QuantU-Net, arXiv 2503.08719), and the way back to whole numbers.

Brevitas's ``BitWidthParameter`` holds a width as an offset above the narrowest
one; every forward pass rounds it, so a network always computes with whole
widths, and the gradient goes to the offset as if it did not round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from brevitas.core.bit_width import BitWidthParameter
from torch import Tensor, nn

from quantunet_hls.nets.config import UNetConfig
from quantunet_hls.nets.quantizers import NARROWEST_ACTIVATION, NARROWEST_WEIGHT
from quantunet_hls.nets.unet import QuantUNet

__all__ = [
    "clamp_widths", "learned_widths", "narrowest_width", "set_widths", "settle_widths", "settled_config",
    "width_offsets", "width_values",
]

_OFFSET = "bit_width_offset"


def _learning_parts(net: QuantUNet) -> dict[str, BitWidthParameter]:
    """``layer.weight`` and ``layer.activation`` with what learns its width; a shared quantizer counts once."""
    parts = {}
    for path, part in net.named_modules():
        if isinstance(part, BitWidthParameter):
            kind = "weight" if ".weight_quant." in f".{path}." else "activation"
            parts[f"{path.split('.')[0]}.{kind}"] = part
    return parts


def learned_widths(net: QuantUNet) -> dict[str, Tensor]:
    """Every learned width in bits, rounded but differentiable, as ``layer.weight`` and ``layer.activation``."""
    return {name: part() for name, part in _learning_parts(net).items()}


def width_values(net: QuantUNet) -> dict[str, int]:
    """The same as plain whole numbers."""
    with torch.no_grad():
        return {name: int(width) for name, width in learned_widths(net).items()}


def width_offsets(net: QuantUNet) -> dict[str, nn.Parameter]:
    """The parameters that the widths come from: bits above the narrowest width, named and ordered as the widths."""
    return {name: part.bit_width_offset for name, part in _learning_parts(net).items()}


def narrowest_width(name: str) -> int:
    """Fewest bits of ``layer.weight`` or ``layer.activation``."""
    return NARROWEST_WEIGHT if name.endswith(".weight") else NARROWEST_ACTIVATION


@torch.no_grad()
def clamp_widths(net: QuantUNet, widest: int) -> None:
    """Bring every width back between the narrowest that means something and ``widest``."""
    for name, part in _learning_parts(net).items():
        part.bit_width_offset.clamp_(0, widest - narrowest_width(name))


@torch.no_grad()
def set_widths(net: QuantUNet, widths: Mapping[str, int]) -> None:
    """Give learned widths these values, named as by :func:`learned_widths`."""
    parts = _learning_parts(net)
    for name, bits in widths.items():
        parts[name].bit_width_offset.fill_(bits - narrowest_width(name))


def settle_widths(net: QuantUNet) -> QuantUNet:
    """The same function with the widths, as they are now, in its architecture: a new net, in eval mode.

    Bit for bit the same outputs; nothing in it is learned any more but what every
    quantized net learns. A net without learned widths comes back as it is.
    """
    if not net.learned_widths:
        return net
    settled = QuantUNet(settled_config(net))
    state = {key: value for key, value in net.state_dict().items() if not key.endswith(_OFFSET)}
    settled.load_state_dict(state)
    return settled.eval()


def settled_config(net: QuantUNet) -> UNetConfig:
    """The net's architecture with its learned widths as they are now, layer by layer."""
    config, widths = net.config, width_values(net)
    layers = {}
    for name in config.layer_names:
        known = config.widths_of(name)
        owner = config.activation_owner(name)
        layers[name] = replace(
            known, weight=widths.get(f"{name}.weight", known.weight),
            # The logits have no quantizer; their entry keeps what it was.
            activation=widths.get(f"{owner}.activation", known.activation),
        )
    return replace(config, layer_widths=layers)
