"""Fixed-point formats by name, as U-Net Fixed-Point Quantization (arXiv 1908.01073) has them: w0.4, a6.0, a8.8.

``i.f`` stands for i integer and f fraction bits: a step of 2**-f in i + f bits.
Activations behind a ReLU have no sign, so a6.0 holds the whole numbers 0 to 63.
Weights have theirs within these bits, symmetrically, so w0.4 holds -7/16 to 7/16
in steps of 1/16 (an ``ap_fixed<4, 0>`` without its lowest value). The paper
writes the sign apart from the i + f bits, yet counts sizes as we do: four bits a
weight, eight times smaller. Values beyond the range saturate.

Nothing but the formats themselves scales the values, so a network must bring its
values into these ranges: the paper's nets learn to, with BatchNorm behind each
convolution; ours start from a float network that is rescaled layer by layer
(:func:`quantunet_hls.training.formats.fit_formats`), which changes nothing that
it computes, and hardware then has no BatchNorm to compute.
"""

from __future__ import annotations

import re
from dataclasses import replace

from quantunet_hls.core.errors import ConfigurationError, shown
from quantunet_hls.nets.config import LayerWidths

__all__ = ["with_formats"]

_FORMAT = re.compile(r"([wa])(\d{1,2})\.(\d{1,2})")


def with_formats(widths: LayerWidths, *formats: str) -> LayerWidths:
    """The widths with these formats, such as "w0.4" and "a6.0", in place of what they had.

    Raises:
        ConfigurationError: for a name that is no format, or one without any bits.
    """
    for name in formats:
        match = _FORMAT.fullmatch(name)
        if match is None or (bits := int(match[2]) + int(match[3])) < (2 if match[1] == "w" else 1):
            raise ConfigurationError(
                f"{shown(name)} is no fixed-point format; write w or a, then integer bits, a point and fraction bits, "
                "such as w0.4 (at least 2 bits) or a6.0."
            )
        if match[1] == "w":
            widths = replace(widths, weight=bits, weight_fraction=int(match[3]), weight_levels=None)
        else:
            widths = replace(widths, activation=bits, activation_fraction=int(match[3]))
    return widths
