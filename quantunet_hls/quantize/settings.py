"""How a float network is to be quantized."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.ingest import OUTPUTS
from quantunet_hls.quantize.network import Normalization
from quantunet_hls.tuning.grids import Scales
from quantunet_hls.tuning.widths import LEAST_BITS

__all__ = ["MOST_BITS", "Settings"]

#: Most bits that weights and activations can be given. More change next to nothing.
MOST_BITS = 10
#: Images that are calibrated with at most.
_MOST_IMAGES = 1024


@dataclass(frozen=True)
class Settings:
    """What is asked for.

    Attributes:
        weight_bits: of all weights.
        activation_bits: of all activations; the image always has 8.
        scales: a member of :class:`Scales`, or its value: what the steps between values may be.
        images: how many to calibrate with.
        normalization: of the images that the network was trained with.
        freeze_statistics: whether normalization by each image's statistics is frozen to those of calibration images.
        output: one of :data:`quantunet_hls.ingest.OUTPUTS`; of a mask, a softmax or sigmoid at the end is left out.
        tolerance: Dice points (of 100) that may be lost while widths go down from these; None keeps these.

    Raises:
        ConfigurationError: widths, scales, an output or a number that there can't be.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    scales: Scales = Scales.FLOAT
    images: int = 32
    normalization: Normalization | None = None
    freeze_statistics: bool = False
    output: str = "logits"
    tolerance: float | None = None

    def __post_init__(self) -> None:
        for bits, what in ((self.weight_bits, "weights"), (self.activation_bits, "activations")):
            if not LEAST_BITS <= bits <= MOST_BITS:
                raise ConfigurationError(f"Quantizing takes {LEAST_BITS} to {MOST_BITS} bits, not {bits} for {what}.")
        if self.scales not in list(Scales):
            raise UnknownNameError("kind of scales", str(self.scales), Scales)
        object.__setattr__(self, "scales", Scales(self.scales))
        if self.output not in OUTPUTS:
            raise UnknownNameError("output", self.output, OUTPUTS)
        if self.tolerance is not None and not 0 <= self.tolerance < float("inf"):
            raise ConfigurationError(f"A tolerance of {self.tolerance:g} Dice points can't be met; give 0 or more.")
        if not 1 <= self.images <= _MOST_IMAGES:
            raise ConfigurationError(f"Calibration takes 1 to {_MOST_IMAGES} images, not {self.images}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "scales": self.scales.value}
