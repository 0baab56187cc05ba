"""Widths of every layer that keep a tolerance: bits go where they cost most for what they do, as in the tuning.

On the way down a choice is measured with every layer fitted by itself, in single precision; how far down to go, with
the network as it would be handed out, emulated exactly, on other images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from quantunet_hls.emulate.accuracy import as_logits, segment_module
from quantunet_hls.ingest import HardwareGraph, ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.filters import weights_of
from quantunet_hls.ops.qonnx.graph import QUANT_OPS
from quantunet_hls.quantize.core import Calibrated, Quantized, Widths
from quantunet_hls.quantize.fitting import fit_each
from quantunet_hls.quantize.grids import Grid
from quantunet_hls.quantize.settings import LEAST_BITS
from quantunet_hls.tuning.cost import ConvLoad, Cost, loads
from quantunet_hls.tuning.measure import Meter
from quantunet_hls.tuning.rounding import FittedFilters
from quantunet_hls.tuning.search import Point, Step, descend, last_within
from quantunet_hls.tuning.walk import walk

__all__ = ["Found", "Meters", "search_widths"]

#: The search goes on until its images have lost this many tolerances, for the final fit wins some back.
_BEYOND = 3.0


@dataclass(frozen=True)
class Meters:
    """What choices are measured with; both have the float network's masks as their reference.

    Attributes:
        search: of few images, for every step.
        choice: of more and other images, for choosing how far to go.
    """

    search: Meter
    choice: Meter


@dataclass(frozen=True, eq=False)
class Found:
    """Where the search ended.

    Attributes:
        network: the quantized one.
        steps: the way down.
        step: index of the one that was taken.
        dice: of the network on the images of the choice, 0 to 1.
        within: whether it keeps the tolerance; else it is the widest that was allowed.
    """

    network: Quantized
    steps: list[Step[Widths]]
    step: int
    dice: float
    within: bool


@dataclass(frozen=True)
class _Move:
    layer: str
    part: str

    def __call__(self, choice: Widths) -> Widths:
        """One bit less."""
        if self.part == "weight":
            return replace(choice, weights={**choice.weights, self.layer: choice.weights[self.layer] - 1})
        return replace(choice, activations={**choice.activations, self.layer: choice.activations[self.layer] - 1})


def search_widths(calibrated: Calibrated, start: Widths, meters: Meters, tolerance: float, cost: Cost,
                  multipliers: int, progress: Callable[[str], None] = lambda line: None) -> Found:
    """Take bits away until the tolerance is used up.

    Args:
        calibrated: the float network.
        start: widths to start from.
        meters: of images with truth, or with the float network's masks for it.
        tolerance: Dice points (of 100) that may be lost on the images of the choice.
        cost: what is to be small.
        multipliers: of all convolutions, for the cost.
        progress: called with a line for every step.
    """
    finals: dict[int, tuple[Quantized, float]] = {}
    trials = _Trials.of(calibrated, start, cost, multipliers)
    reference = meters.choice.reference_dice

    def enough(point: Point) -> bool:
        return meters.search.reference_dice - point.dice > _BEYOND * tolerance / 100

    steps = descend(start, _moves, lambda choice: trials.point(choice, meters.search), enough,
                    lambda step: progress(_line(step)))

    def keeps(index: int) -> bool:
        if index not in finals:
            network = calibrated.quantized(steps[index].choice)
            graph = ingest(network.model)
            finals[index] = network, meters.choice(graph, infer_types(graph.model))[0]
            progress(f"step {index}: Dice {100 * finals[index][1]:.2f} of {100 * reference:.2f}")
        return reference - finals[index][1] <= tolerance / 100

    step = last_within(len(steps), keeps)
    within = keeps(step)
    return Found(*finals[step][:1], steps, step, finals[step][1], within)


def _line(step: Step[Widths]) -> str:
    what = f"{step.move.layer} {step.move.part}" if step.move else "start"
    return (f"{what:<44} cost {step.point.cost:.5g}  Dice {100 * step.point.dice:.2f}  "
            f"masks differ {100 * step.point.disagreement:.2f} %")


def _moves(choice: Widths) -> list[_Move]:
    return [_Move(name, part) for part, widths in (("weight", choice.weights), ("activation", choice.activations))
            for name, width in widths.items() if width > LEAST_BITS]


@dataclass(frozen=True, eq=False)
class _Trials:
    """All that is needed to try widths.

    Attributes:
        calibrated: the float network.
        graph: hardware of the widest network; ends in the same as all others.
        start: its widths.
        loads: what its convolutions need, by name.
        cost: of such.
    """

    calibrated: Calibrated
    graph: HardwareGraph
    start: Widths
    loads: Mapping[str, ConvLoad]
    cost: Cost
    # A layer's weights at a width are the same whatever the others have.
    _fitted: dict[tuple[str, int], FittedFilters] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, calibrated: Calibrated, start: Widths, cost: Cost, multipliers: int) -> _Trials:
        """Of a network."""
        graph = ingest(calibrated.quantized(start).model)
        found = loads(graph, infer_types(graph.model), multipliers)
        return cls(calibrated, graph, start, dict(zip(calibrated.plan.layers, found, strict=True)), cost)

    def point(self, choice: Widths, meter: Meter) -> Point:
        """What a choice costs and does."""
        layers = {name: self._fit(name, width) for name, width in choice.weights.items()}
        module = _Module(self.calibrated, self.calibrated.grids(choice), layers)
        masks = segment_module(as_logits(module, self.graph), meter.samples, self.graph.input_shape[:2])
        dice, agreement = meter.scores(masks)
        return Point(self.cost([self._load(name, choice) for name in self.loads]), dice, 1 - agreement)

    def _fit(self, name: str, width: int) -> FittedFilters:
        if (name, width) not in self._fitted:
            self._fitted[name, width] = fit_each(
                self.calibrated.plan, self.calibrated.observed, name, width, self.calibrated.scales)
        return self._fitted[name, width]

    def _load(self, name: str, choice: Widths) -> ConvLoad:
        """What a convolution needs with other widths than at the start."""
        load = self.loads[name]
        weights = self.start.weights[name] - choice.weights[name]
        data = max(0, *(self._wide(feed, self.start) - self._wide(feed, choice)
                        for feed in self.calibrated.plan.feeds[name]))
        return replace(load, weight_width=load.weight_width - weights, input_width=load.input_width - data,
                       accumulator_width=max(1, load.accumulator_width - weights - data))

    def _wide(self, quantizer: str, choice: Widths) -> int:
        plan = self.calibrated.plan
        first = next((first for first, names in plan.groups.items() if quantizer in names), None)
        return self.calibrated.port.width if first is None else choice.activations[first]


class _Module(nn.Module):
    """A quantized network in single precision."""

    def __init__(self, calibrated: Calibrated, grids: Mapping[str, Grid], layers: Mapping[str, FittedFilters]):
        super().__init__()
        self._calibrated, self._grids, self._layers = calibrated, grids, layers
        self.eval()

    @torch.inference_mode()
    def forward(self, images: Tensor) -> Tensor:
        result = images
        for visit in walk(self._calibrated.plan.model, images):
            name, inputs = str(visit.node.name), visit.inputs
            if visit.node.op_type in QUANT_OPS:
                result = self._grids[name].cast(inputs[0])
                visit.keep(result)
                continue
            if name in self._layers:
                layer = self._layers[name]
                inputs[1:] = [torch.from_numpy(np.ascontiguousarray(values)).float()
                              for values in (weights_of(visit.node, layer.weights), layer.biases)]
            result = visit.compute(inputs)
        return result
