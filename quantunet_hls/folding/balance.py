"""How often each convolution's multipliers are used for one pixel.

With hls4ml's Resource strategy a layer has (inputs x outputs) / reuse multipliers
and takes ``reuse`` cycles a pixel, so a layer of p pixels takes about p * reuse
cycles a frame (hls4ml documentation, "Concepts": reuse factor).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["ConvWork", "balanced_reuse", "frame_cycles", "multipliers", "reuse_within", "valid_reuse"]


@dataclass(frozen=True)
class ConvWork:
    """What a convolution has to do for one frame.

    Attributes:
        inputs: products that one output value sums up (kernel height x width x channels).
        outputs: filters.
        pixels: output pixels of a frame.
    """

    inputs: int
    outputs: int
    pixels: int

    @property
    def macs(self) -> int:
        """Multiplications of a frame."""
        return self.inputs * self.outputs * self.pixels


def valid_reuse(work: ConvWork) -> list[int]:
    """Reuse factors that hls4ml's resource kernel computes correctly with, ascending.

    Up to ``inputs`` any divisor of it; above it multiples of ``inputs`` that divide all products.
    """
    below = [reuse for reuse in range(1, work.inputs + 1) if work.inputs % reuse == 0]
    above = [work.inputs * share for share in range(2, work.outputs + 1) if work.outputs % share == 0]
    return below + above


def multipliers(work: Mapping[str, ConvWork], reuse: Mapping[str, int]) -> int:
    """Multipliers of all layers together."""
    return sum(layer.inputs * layer.outputs // reuse[name] for name, layer in work.items())


def frame_cycles(work: Mapping[str, ConvWork], reuse: Mapping[str, int]) -> int:
    """Cycles that the slowest layer takes for a frame: an estimate of the initiation interval."""
    return max((layer.pixels * reuse[name] for name, layer in work.items()), default=0)


def balanced_reuse(work: Mapping[str, ConvWork], budget: int) -> dict[str, int]:
    """The fastest choice of at most ``budget`` multipliers in which no layer is faster than the slowest needs.

    A budget smaller than one multiplier for each output of the slowest choice still
    gives that slowest choice.
    """
    if not work:
        return {}
    valid = {name: valid_reuse(layer) for name, layer in work.items()}

    # Only these totals change a choice; fewer multipliers the more cycles, so the search can halve.
    candidates = sorted({layer.pixels * reuse for name, layer in work.items() for reuse in valid[name]})
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if multipliers(work, reuse_within(work, candidates[middle])) <= budget:
            high = middle
        else:
            low = middle + 1
    return reuse_within(work, candidates[low])


def reuse_within(work: Mapping[str, ConvWork], cycles: int) -> dict[str, int]:
    """The fewest multipliers with which no layer takes longer than ``cycles`` for a frame; a layer that
    can't be that fast gets as many as it can have.

    Each layer's choice is its own, so the fewest of all are the fewest of each.
    """
    return {name: _largest(valid_reuse(layer), cycles // layer.pixels) for name, layer in work.items()}


def _largest(choices: Sequence[int], limit: int) -> int:
    return max((choice for choice in choices if choice <= limit), default=choices[0])
