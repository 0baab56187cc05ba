"""The quantizers of a file whose scales may be any: what each keeps, and which of them must change together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor

from quantunet_hls.ops.qonnx.graph import QUANT_OPS, attribute, constant, is_constant
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import joint_quantizers_of, limited_by
from quantunet_hls.tuning.grids import Grid

__all__ = ["FileQuantizer", "fewer_levels", "file_quantizers", "groups_of_scales", "sources_of"]

#: Factors on scales that are tried for a bit less: octaves beside the one that keeps the range, in twentieths.
_OCTAVES = np.arange(-60, 21) / 20
#: Scales are multiples of one number where that has no larger multiples than this.
_MEASURE = 1 << 12


@dataclass(frozen=True, eq=False)
class FileQuantizer:
    """A quantizer of activations, with those in front of it that it limits.

    Attributes:
        name: of its node, the last one of several.
        source: the tensor that its first node reads.
        scales: float32, as its node has them.
        low: lowest level, counted from the one that stands for 0.
        high: highest level, likewise.
        signed: whether its node has a sign.
        narrow: whether it leaves out the lowest number of that.
        centred: whether 0 stands for 0.
        down: whether it rounds down, and not to the nearest.
    """

    name: str
    source: str
    scales: np.ndarray
    low: int
    high: int
    signed: bool
    narrow: bool
    centred: bool
    down: bool

    @property
    def width(self) -> int:
        """Bits that its levels take."""
        return (self.high - self.low).bit_length()

    def levels(self, steps: Tensor) -> Tensor:
        """What it makes of values in steps of its scales."""
        whole = steps.floor() if self.down else steps.round()
        return whole.clamp(self.low, self.high)

    def narrower(self, width: int, factor: float) -> Grid:
        """A quantizer of its kind with other bits, in steps of its scales times a factor."""
        grid = Grid(width, self.signed, factor, 0, self.narrow, self.down)
        if self.centred and (self.signed or self.low == 0):
            return grid
        # Even, so that no tie goes another way for it.
        least, most = -(-grid.lowest // 2), grid.highest // 2
        return replace(grid, zero=2 * min(max(round((grid.lowest - self.low / factor) / 2), least), most))

    def cast(self, grid: Grid) -> Callable[[Tensor], Tensor]:
        """Of values, by a grid that counts in steps of its scales."""
        scales = torch.from_numpy(self.scales)
        return lambda values: grid.cast(values / scales) * scales


def file_quantizers(model: ModelWrapper) -> list[FileQuantizer]:
    """All of activations, in graph order; the first one is the image's.

    Args:
        model: the network, with constants for weights.
    """
    found = []
    first: dict[str, NodeProto] = {}
    for node in model.graph.node:
        if node.op_type not in QUANT_OPS:
            continue
        start, behind = first.get(str(node.output[0]), node), limited_by(model, node)
        if behind is not None:
            first[str(behind.output[0])] = start
            continue
        joint, scales = joint_quantizers_of(model, node)[0], constant(model, node.input[1])
        assert scales is not None
        found.append(FileQuantizer(
            str(node.name), str(start.input[0]), scales.astype(np.float32), joint.low - joint.zero,
            joint.high - joint.zero, bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0)),
            joint.zero == 0 and start is node, not joint.half_even))
    return found


def sources_of(model: ModelWrapper, quantizers: Sequence[FileQuantizer]) -> dict[str, frozenset[str]]:
    """For each tensor the quantizers of whose scales its numbers are, by name."""
    names = {one.name for one in quantizers}
    sources: dict[str, frozenset[str]] = {}
    for node in model.graph.node:
        name = str(node.name)
        before = frozenset[str]().union(*(sources.get(tensor, frozenset()) for tensor in node.input))
        if node.op_type in QUANT_OPS:
            before = frozenset((name,)) if name in names else frozenset()
        elif kind_of(node).weighted:
            before = frozenset()
        sources[str(node.output[0])] = before
    return sources


def groups_of_scales(model: ModelWrapper, quantizers: Sequence[FileQuantizer],
                     sources: Mapping[str, frozenset[str]]) -> list[tuple[FileQuantizer, ...]]:
    """Those that meet in one result and have one scale, or multiples of one, which a sum of both relies on."""
    by_name = {one.name: one for one in quantizers}
    leader = {one.name: one.name for one in quantizers}
    for node in model.graph.node:
        images = [tensor for tensor in node.input if not is_constant(model, tensor)]
        if len(images) < 2:
            continue
        met = sorted(frozenset[str]().union(*(sources[tensor] for tensor in images)))
        for place, one in enumerate(met):
            for other in met[place + 1:]:
                if _have_a_measure(by_name[one].scales, by_name[other].scales):
                    old, new = leader[other], leader[one]
                    leader = {name: new if first == old else first for name, first in leader.items()}
    return [tuple(one for one in quantizers if leader[one.name] == first) for first in dict.fromkeys(leader.values())]


def _ratio(one: np.ndarray, other: np.ndarray) -> Fraction:
    return Fraction(float(one.flat[0])) / Fraction(float(other.flat[0]))


def _have_a_measure(one: np.ndarray, other: np.ndarray) -> bool:
    ratio = _ratio(one, other)
    return max(ratio.numerator, ratio.denominator) <= _MEASURE


def fewer_levels(group: Sequence[FileQuantizer], values: Mapping[str, np.ndarray], less: int) -> dict[str, Grid]:
    """The grids of so many bits less, by name, that come nearest to what a group makes of these values.

    Args:
        group: that change their scales by one factor.
        values: in front of each, in steps of its scales.
        less: bits.
    """
    shown = {one.name: torch.from_numpy(values[one.name]).float() for one in group}
    wanted = {one.name: one.levels(shown[one.name]) for one in group}
    # Multiples of one number stay so times a power of two, whatever single precision makes of them.
    simple = all(_ratio(one.scales, group[0].scales) == 1 and one.scales.size == 1 for one in group)
    tried = [float(np.float32(2.0 ** (less + octave))) for octave in (_OCTAVES if simple else _OCTAVES[::20])]

    def error(factor: float) -> float:
        total = 0.0
        for one in group:
            made = one.narrower(one.width - less, factor).cast(shown[one.name])
            total += float(((made - wanted[one.name]) ** 2).mean()) * float(one.scales.mean()) ** 2
        return total

    best = min(tried, key=error)
    return {one.name: one.narrower(one.width - less, best) for one in group}
