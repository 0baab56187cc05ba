"""Widths of every layer that keep a tolerance: bits go where they cost most for what they do, as in the tuning.

On the way down a choice is measured with every layer fitted by itself, in single precision; how far down to go, with
the network as it would be handed out, emulated exactly, on other images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.quantize.core import Calibrated, Quantized
from quantunet_hls.tuning.cost import Cost
from quantunet_hls.tuning.measure import Meter
from quantunet_hls.tuning.search import Point, Step, descend, last_within
from quantunet_hls.tuning.widths import Widths, WidthTrials, width_moves

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
    trials = WidthTrials.of(calibrated, ingest(calibrated.quantized(start).model), start, cost, multipliers)
    reference = meters.choice.reference_dice

    def enough(point: Point) -> bool:
        return meters.search.reference_dice - point.dice > _BEYOND * tolerance / 100

    steps = descend(start, width_moves, lambda choice: trials.point(choice, meters.search), enough,
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
