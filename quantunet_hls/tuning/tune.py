"""``tune``: the cheapest types on a board that keep a network's accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import ConfigurationError, DataError, QuantUNetError
from quantunet_hls.core.files import check_name, write_json, writing
from quantunet_hls.core.folders import claim, exclusively
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.tiles import spread_tiles
from quantunet_hls.emulate.accuracy import classes_of, emulate_graph
from quantunet_hls.ingest import HardwareGraph, ingest
from quantunet_hls.ingest.facts import network_facts
from quantunet_hls.ingest.ranges import GraphTypes, infer_types
from quantunet_hls.ingest.source import ImageSize
from quantunet_hls.tuning.bits import BitCount, count_bits, hls4ml_bits
from quantunet_hls.tuning.calibrate import Calibration, best_fraction, calibrate, fit_layers
from quantunet_hls.tuning.choice import Choice, changes_of, groups_of, moves, start_of
from quantunet_hls.tuning.cost import Cost, loads
from quantunet_hls.tuning.measure import Meter, Notes, spread
from quantunet_hls.tuning.pictures import RangeRow, draw_front, draw_ranges
from quantunet_hls.tuning.precision import decided_precision, precision_of
from quantunet_hls.tuning.requantize import Requantized, requantize, requantize_hardware, stored_constants
from quantunet_hls.tuning.rounding import Fitted, fit
from quantunet_hls.tuning.search import Point, Step, descend, last_within
from quantunet_hls.tuning.start import Origin, open_origin
from quantunet_hls.types import FixedType

__all__ = ["ToleranceError", "Tuned", "tune"]

#: Images for moments and ranges, for the search, and for choosing how far down its path to go.
_CALIBRATION, _SEARCH, _CHOICE = 32, 64, 256
#: The search goes on until its images have lost this many tolerances, for the final fit wins some back.
_BEYOND = 3.0
#: A float network's first width.
_FIRST_WIDTH = 8


class ToleranceError(QuantUNetError):
    """No types keep the accuracy that was asked for; says what was reached and where it lies."""


@dataclass(frozen=True)
class Tuned:
    """What :func:`tune` found.

    Attributes:
        graph: the tuned network.
        path: its QONNX file.
        precision: its precision.json.
        summary: all figures, as tuning.json has them.
        steps: the search's way down.
    """

    graph: HardwareGraph
    path: Path
    precision: Path
    summary: dict[str, Any]
    steps: tuple[Step, ...]


def tune(
    model: str | Path | nn.Module,
    samples: Callable[[ImageSize | None], Samples],
    board: Board,
    cost: Cost,
    folder: Path,
    *,
    tolerance: float = 0.5,
    bits: int | None = None,
    score: Callable[[ImageSize | None], Samples] | None = None,
    multipliers: int | None = None,
    input_shape: tuple[int, int, int] | None = None,
    name: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Tuned:
    """Find the cheapest types of every layer that lose at most ``tolerance`` Dice points.

    Writes the tuned network, ``precision.json`` and ``tuning.json`` into the folder. What was measured before is
    read from there, so a killed run goes on where it was.

    Args:
        model: a zoo name, a checkpoint (float ones too), a QONNX file or a module.
        samples: labelled images to calibrate and search with, for a shape (channels, height, width).
        board: what the network is built for.
        cost: what is to be small (:mod:`quantunet_hls.tuning.cost`).
        folder: for all files.
        tolerance: Dice points (of 100) that may be lost, on the images the types are chosen with.
        bits: widest weights and activations; a float network starts from there (8 where None).
        score: other images, which nothing is chosen with; the result is scored on them.
        multipliers: of all convolutions; half the board's DSP blocks where None.
        input_shape: of a module.
        name: of the tuned network; the model's with ``_tuned`` behind it where None.
        progress: called with a line for every step.

    Raises:
        ToleranceError: the start loses more already; its types are written all the same.
        QuantUNetError: no images, or a model that can't be built.
    """
    if not 0 <= tolerance < float("inf"):
        raise ConfigurationError(f"A tolerance of {tolerance:g} Dice points can't be met; give 0 or more.")
    if bits is not None and not 2 <= bits <= 10:
        raise ConfigurationError(f"Tuning takes 2 to 10 bits, not {bits}.")
    began = time.monotonic()
    origin = open_origin(model, samples, input_shape)
    height, width, channels = origin.graph.input_shape
    given = samples(ImageSize(channels, height, width))
    if not len(given):
        raise DataError("There are no images to calibrate with; name a folder that has some.")
    claim(folder, "tuning", earlier=lambda folder: Notes.kept_in(folder / "measurements.json"))
    with exclusively(folder):
        return _tune(origin, given, board, cost, folder, began, tolerance=tolerance, bits=bits, score=score,
                     multipliers=multipliers, name=name, progress=progress)


def _tune(
    origin: Origin,
    given: Samples,
    board: Board,
    cost: Cost,
    folder: Path,
    began: float,
    *,
    tolerance: float,
    bits: int | None,
    score: Callable[[ImageSize | None], Samples] | None,
    multipliers: int | None,
    name: str | None,
    progress: Callable[[str], None],
) -> Tuned:
    classes = classes_of(emulate_graph(origin.graph).network)
    notes = Notes(folder / "measurements.json")
    searching, choosing = spread(given, _SEARCH), spread(given, _CHOICE, skip=1)
    coarse = Meter(searching, origin.segment(searching), classes, notes)
    fine = Meter(choosing, origin.segment(choosing), classes, notes)
    tiles = spread_tiles(spread(given, _CALIBRATION).images, _CALIBRATION, origin.graph.input_shape[:2])
    images = to_input(tiles).permute(0, 2, 3, 1).double().numpy()
    budget = multipliers or max(1, (board.resources.dsp or 128) // 2)
    progress(f"Calibrating with {len(images)} images; searching with {len(searching)}, "
             f"choosing with {len(choosing)}; {100 * coarse.reference_dice:.2f} Dice points to start from")
    seen = calibrate(origin.graph, images)
    groups = groups_of(origin.graph)
    start = start_of(origin.graph)
    widest = bits or (None if origin.quantized else _FIRST_WIDTH)
    if widest is not None:
        start = Choice(
            {first: _narrowed(kind, widest, np.concatenate([seen.values[name] for name in groups[first]]))
             for first, kind in start.activations.items()},
            {conv: min(wide, widest) for conv, wide in start.weights.items()})
    natural = start_of(origin.graph).weights
    ready: dict[tuple[str, int], Fitted] = {}

    def fitted(choice: Choice) -> dict[str, Fitted]:
        result = {}
        for conv, wide in choice.weights.items():
            if wide < natural[conv]:
                if (conv, wide) not in ready:
                    node = next(node for node in origin.graph.model.graph.node if node.name == conv)
                    values = np.asarray(origin.graph.model.get_initializer(node.input[1]), np.float64)
                    ready[conv, wide] = fit(values, seen.moments[conv], wide)
                result[conv] = ready[conv, wide]
        return result

    def point(graph: HardwareGraph, meter: Meter) -> Point:
        types = infer_types(graph.model)
        dice, agreement = meter(graph, types)
        return Point(cost(loads(graph, types, budget)), dice, 1 - agreement)

    samples_of = {first: np.concatenate([seen.values[name] for name in names]) for first, names in groups.items()}

    def changed(choice: Choice, layers: Mapping[str, Fitted]) -> Requantized:
        return changes_of(origin.graph, groups, choice, layers)

    def evaluate(choice: Choice) -> Point:
        return point(requantize_hardware(origin.graph, changed(choice, fitted(choice))), coarse)

    def enough(reached: Point) -> bool:
        return coarse.reference_dice - reached.dice > _BEYOND * tolerance / 100

    def show(step: Step) -> None:
        what = f"{step.move.layer} {step.move.part}" if step.move else "start"
        progress(f"{what:<34} cost {step.point.cost:.5g}  Dice {100 * step.point.dice:.2f}  "
                 f"masks differ {100 * step.point.disagreement:.2f} %")

    steps = descend(start, lambda choice: moves(choice, samples_of), evaluate, enough, show)
    finals: dict[int, tuple[HardwareGraph, Point]] = {}

    def final(index: int) -> tuple[HardwareGraph, Point]:
        if index not in finals:
            choice = steps[index].choice
            options = [ingest(requantize(origin.graph, changed(choice, fitted(choice))))]
            if choice.weights != natural:
                # Fitted one behind the other, each layer makes up for what those before it lost.
                refitted = fit_layers(seen, options[0], images, choice.weights)
                options.append(ingest(requantize(origin.graph, changed(choice, refitted))))
            reached = [(graph, point(graph, fine)) for graph in options]
            finals[index] = max(reached, key=lambda entry: entry[1].dice)
            progress(f"step {index}: Dice {100 * finals[index][1].dice:.2f} of {100 * fine.reference_dice:.2f}")
        return finals[index]

    def good(index: int) -> bool:
        return fine.reference_dice - final(index)[1].dice <= tolerance / 100

    chosen = last_within(len(steps), good)
    graph, reached = final(chosen)
    design = name or f"{origin.name}_tuned"[:60]
    check_name("network", design)
    path = folder / f"{design}.onnx"
    with writing(path) as temporary:
        graph.original.save(str(temporary))
    types = infer_types(graph.model)
    write_json(folder / "precision.json", decided_precision(graph, types).to_dict())
    facts = network_facts(graph)
    summary: dict[str, Any] = {
        "network": {"name": origin.name, "sha256": origin.sha256, "quantized": origin.quantized},
        "board": board.name, "tolerance_points": tolerance, "multipliers": budget, "chosen_step": chosen,
        "images": {"calibration": len(images), "search": len(searching), "choice": len(choosing)},
        "dice": {"search": {"start": coarse.reference_dice},
                 "choice": {"start": fine.reference_dice, "tuned": reached.dice}},
        "weight_bits": facts.weight_bits, "activation_bits": facts.activation_bits,
        "bits": {"tuned": _bits(count_bits(graph, types))},
        "types": precision_of(types).to_dict(),
        "steps": [{"move": asdict(step.move) if step.move else None, **asdict(step.point)} for step in steps],
    }
    if origin.quantized:
        summary["bits"]["hls4ml"] = _bits(hls4ml_bits(origin.graph))
        summary["bits"]["proven"] = _bits(count_bits(origin.graph, infer_types(origin.graph.model)))
    if score is not None:
        height, width, channels = origin.graph.input_shape
        held = score(ImageSize(channels, height, width))
        meter = Meter(held, origin.segment(held), classes, notes)
        summary["images"]["score"] = len(held)
        summary["dice"]["score"] = {"start": meter.reference_dice, "tuned": meter(graph, types)[0]}
    summary["seconds"] = time.monotonic() - began
    write_json(folder / "tuning.json", summary)
    _draw(origin.graph, graph, types, seen, folder)
    checked = [(entry.cost, 100 * (fine.reference_dice - entry.dice)) for _, entry in finals.values()]
    draw_front(steps, chosen, checked, coarse.reference_dice, tolerance, folder / "front.png")
    if not good(chosen):
        raise ToleranceError(
            f"No types were found that lose at most {tolerance:g} Dice points: the widest allowed reach "
            f"{100 * reached.dice:.2f} of {100 * fine.reference_dice:.2f}; that network is in {path}. "
            "Allow more bits or a larger tolerance.")
    return Tuned(graph, path, folder / "precision.json", summary, tuple(steps))


def _draw(before: HardwareGraph, after: HardwareGraph, types: GraphTypes, seen: Calibration, folder: Path) -> None:
    weights = []
    for node in after.model.graph.node:
        kind = types.layers[node.name].weight
        if kind is not None:
            weights.append(RangeRow(str(node.name), stored_constants(before, str(node.name), 1), kind))
    activations = [RangeRow(name, values, types.layers[name].result) for name, values in seen.values.items()]
    draw_ranges(weights, "Weights before tuning, and the types chosen for them", folder / "weights.png")
    draw_ranges(activations, "Activations of calibration images, and the types chosen for them",
                folder / "activations.png")


def _narrowed(kind: FixedType, width: int, values: np.ndarray) -> FixedType:
    if kind.width <= width:
        return kind
    return FixedType(width, best_fraction(values, width, kind.signed), kind.signed, kind.rounding, kind.saturation)


def _bits(count: BitCount) -> dict[str, int]:
    return {"weights": count.weight_bits, "accumulators": count.accumulator_bits,
            "accumulator_widths": count.accumulator_widths, "total": count.total}
