"""What hardware's numbers mean in a network with scales of any kind, and what is still to be fitted in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from onnx import NodeProto

from quantunet_hls.ops.qonnx.quantizers import levels_of
from quantunet_hls.ops.qonnx.values import IDENTITY, Chain, Line
from quantunet_hls.ops.stages.requantize.steps import Quantizer, Rounding

__all__ = ["PLAN", "Held", "Levels", "Ordered", "Plan", "Scales", "SumLevels", "Weighing", "is_identity"]

#: Attribute of a node that is to be fitted: the number of its plan.
PLAN = "plan"


def is_identity(chains: Sequence[Chain]) -> bool:
    """Whether hardware holds the file's own numbers."""
    return all(chain == IDENTITY for chain in chains)


@dataclass(frozen=True)
class Held:
    """What a tensor of the file is in hardware.

    Attributes:
        tensor: that hardware has; whole numbers, or such times a power of two.
        chains: for each channel from its numbers to the file's.
        waiting: nodes that move values behind it, to be built behind the next quantizer, in order.
        addends: what it is the sum of, where these have different scales; the tensor is then the file's, and hardware
            has none until a quantizer follows.
        plain: nodes of which the chains are made, where hardware could compute them as they stand; None where not.
    """

    tensor: str
    chains: tuple[Chain, ...]
    waiting: tuple[NodeProto, ...] = ()
    plain: tuple[NodeProto, ...] | None = ()
    addends: tuple[Held, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether hardware holds the file's own numbers, or can have them by the nodes as they stand."""
        return self.plain is not None and (bool(self.plain) or is_identity(self.chains))


@dataclass(frozen=True)
class Levels:
    """A quantizer for each channel, behind what the chains make of the numbers that come.

    Attributes:
        chains: for each channel.
        quantizers: likewise; they differ in scale alone.
        fraction: bits behind the point of the result, so that it is the file's own number where that has a type.
        probabilities: whether they say how likely a pixel is, and 0.5 is undecided.
    """

    chains: tuple[Chain, ...]
    quantizers: tuple[Rounding, ...]
    fraction: int = 0
    probabilities: bool = False


@dataclass(frozen=True)
class Ordered:
    """Whole numbers that are in the same order as what the chains make of those that come, over all channels.

    Attributes:
        chains: for each channel a line, of a factor that is not 0.
        limit: with a single channel what is to become 0, exceeded by what exceeds it; None to keep the order alone.
    """

    chains: tuple[Chain, ...]
    limit: Fraction | None = None


@dataclass(frozen=True)
class Weighing:
    """An operand of a sum, times a whole number.

    Attributes:
        sum: number of the plan of the levels behind the sum.
    """

    sum: int


@dataclass(frozen=True)
class SumLevels:
    """A quantizer for each channel, behind what the chains make of sums of numbers of different scales.

    Attributes:
        lines: of both operands, for each channel.
        behind: for each channel from the sum to what is quantized.
        quantizers: as of :class:`Levels`.
        fraction: likewise.
        probabilities: likewise.
    """

    lines: tuple[tuple[Line, ...], tuple[Line, ...]]
    behind: tuple[Chain, ...]
    quantizers: tuple[Rounding, ...]
    fraction: int = 0
    probabilities: bool = False


Plan = Levels | Ordered | Weighing | SumLevels


@dataclass(frozen=True)
class Scales:
    """From the file's numbers to hardware's at the input, and from hardware's to the file's elsewhere.

    Attributes:
        port: the quantizers of the image's channels, where the port takes their levels; None where it takes the
            file's own numbers.
        tensors: for each of the hardware graph's tensors whose numbers are not the file's, a chain for each channel.
        output: likewise of the network's result.
        whole: whether the graph is another one than the file's: of whole numbers, with fitted nodes.
    """

    port: tuple[Quantizer, ...] | None = None
    tensors: Mapping[str, tuple[Chain, ...]] = field(default_factory=dict)
    output: tuple[Chain, ...] | None = None
    whole: bool = False

    def to_port(self, images: np.ndarray) -> np.ndarray:
        """Images (..., channels) of the file's numbers as the hardware's input port takes them."""
        if self.port is None:
            return images
        values = np.asarray(images, dtype=np.float32)
        return np.stack([levels_of(values[..., channel], np.array(float(quantizer.scale)), quantizer).astype(np.float64)
                         for channel, quantizer in enumerate(self.port)], axis=-1)

    def for_host(self) -> dict[str, dict[str, Any]]:
        """What a program that feeds the hardware must know of its input and its output, in plain values."""
        found: dict[str, dict[str, Any]] = {"input": {}, "output": {}}
        if self.port is not None:
            one = self.port[0]
            found["input"]["levels"] = {"scales": [float(each.scale) for each in self.port], "zero": one.zero,
                                        "low": one.low, "high": one.high, "half_even": one.half_even}
        if self.output is not None:
            factors, offsets = self._output_lines()
            found["output"]["lines"] = {"factors": factors.tolist(), "offsets": offsets.tolist()}
        return found

    def _output_lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Factors and offsets of the output's channels, in double precision."""
        lines = [line for chain in self.output or () if (line := chain.line) is not None]
        return np.array([float(line.factor) for line in lines]), np.array([float(line.offset) for line in lines])

    def from_port(self, numbers: np.ndarray) -> np.ndarray:
        """What the hardware sends (..., channels) in the file's numbers, in double precision."""
        if self.output is None:
            return numbers
        factors, offsets = self._output_lines()
        return numbers * factors + offsets
