"""What tuning leaves: the network, its types, all figures, and pictures of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from quantunet_hls.core.files import write_json, writing
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.facts import network_facts
from quantunet_hls.ingest.ranges import GraphTypes, infer_types
from quantunet_hls.tuning.bits import BitCount, count_bits, hls4ml_bits
from quantunet_hls.tuning.pictures import RangeRow, draw_front, draw_ranges
from quantunet_hls.tuning.precision import decided_precision, precision_of
from quantunet_hls.tuning.search import Choice, Step
from quantunet_hls.tuning.start import Origin
from quantunet_hls.tuning.trials import Final

__all__ = ["Chosen", "draw", "network_figures", "write_network"]


@dataclass(frozen=True, eq=False)
class Chosen(Generic[Choice]):
    """Where a search ended.

    Attributes:
        steps: its way down.
        step: index of the step that was taken.
        finals: networks of the steps that were looked at, by index.
        within: whether the one that was taken keeps the accuracy that was asked for.
    """

    steps: Sequence[Step[Choice]]
    step: int
    finals: Mapping[int, Final]
    within: bool

    @property
    def final(self) -> Final:
        """The network that was taken."""
        return self.finals[self.step]


def write_network(graph: HardwareGraph, types: GraphTypes, path: Path) -> Path:
    """Write the network, and beside it the types that somebody decided on; returns that file's path."""
    with writing(path) as temporary:
        graph.original.save(str(temporary))
    precision = path.parent / "precision.json"
    write_json(precision, decided_precision(graph, types).to_dict())
    return precision


def network_figures(origin: Origin, graph: HardwareGraph, types: GraphTypes) -> dict[str, Any]:
    """Mean bits, counts of bits and all types of the tuned network, as tuning.json has them."""
    facts = network_facts(graph)
    return {"weight_bits": facts.weight_bits, "activation_bits": facts.activation_bits,
            "bits": _bit_counts(origin, graph, types), "types": precision_of(types).to_dict()}


def _bit_counts(origin: Origin, graph: HardwareGraph, types: GraphTypes) -> dict[str, dict[str, int]]:
    """Bits in all of the tuned network, and of the one before."""
    return {"tuned": _bits(count_bits(graph, types)), "hls4ml": _bits(hls4ml_bits(origin.graph)),
            "proven": _bits(count_bits(origin.graph, infer_types(origin.graph.model)))}


def _bits(count: BitCount) -> dict[str, int]:
    return {"weights": count.weight_bits, "accumulators": count.accumulator_bits,
            "accumulator_widths": count.accumulator_widths, "total": count.total}


def draw(rows: tuple[Sequence[RangeRow], Sequence[RangeRow]], chosen: Chosen[Choice],
         references: tuple[float, float], tolerance: float, folder: Path) -> None:
    """Draw ranges with their types, and accuracy against cost.

    Args:
        rows: weights and activations of the network before, with the types after.
        chosen: where the search ended.
        references: Dice of the network before, on the images of the search and on those of the choice.
        tolerance: Dice points that may be lost.
        folder: where to.
    """
    weights, activations = rows
    draw_ranges(weights, "Weights before tuning, and the types chosen for them", folder / "weights.png")
    draw_ranges(activations, "Activations of calibration images, and the types chosen for them",
                folder / "activations.png")
    checked = [(final.point.cost, 100 * (references[1] - final.point.dice)) for final in chosen.finals.values()]
    draw_front(chosen.steps, chosen.step, checked, references[0], tolerance, folder / "front.png")
