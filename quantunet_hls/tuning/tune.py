"""``tune``: the cheapest types on a board that keep a network's accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol

from torch import Tensor, nn

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import ConfigurationError, DataError, IllegalGraphError
from quantunet_hls.core.files import write_json
from quantunet_hls.core.folders import claim, exclusively
from quantunet_hls.core.names import design_name
from quantunet_hls.core.store import Store
from quantunet_hls.data.image_folders import Samples, to_input
from quantunet_hls.data.tiles import spread_tiles
from quantunet_hls.emulate.accuracy import classes_of, emulate_graph
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ingest.source import ImageSize
from quantunet_hls.tuning.choice import Choice as Types
from quantunet_hls.tuning.cost import Cost
from quantunet_hls.tuning.measure import Meter, earlier_measurements, measurements, spread
from quantunet_hls.tuning.pictures import RangeRow
from quantunet_hls.tuning.record import Chosen, draw, network_figures, write_network
from quantunet_hls.tuning.scaled_trials import scaled_trials_of
from quantunet_hls.tuning.search import Choice, Move, Point, Step, ToleranceError, descend, last_within, steps_of
from quantunet_hls.tuning.start import Origin, open_origin
from quantunet_hls.tuning.trials import Final, trials_of
from quantunet_hls.tuning.widths import Widths

__all__ = ["ToleranceError", "Tuned", "tune"]

#: Images for moments and ranges, for the search, and for choosing how far down its path to go.
_CALIBRATION, _SEARCH, _CHOICE = 32, 64, 256
#: The search goes on until its images have lost this many tolerances, for the final fit wins some back.
_BEYOND = 3.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Tuned(Generic[Choice]):
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
    steps: tuple[Step[Choice], ...]


@dataclass(frozen=True)
class _Request:
    """What is asked for, by the arguments of :func:`tune`."""

    board: Board
    cost: Cost
    folder: Path
    tolerance: float
    bits: int | None
    score: Callable[[ImageSize | None], Samples] | None
    multipliers: int | None
    progress: Progress

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < float("inf"):
            raise ConfigurationError(f"A tolerance of {self.tolerance:g} Dice points can't be met; give 0 or more.")
        if self.bits is not None and not 2 <= self.bits <= 10:
            raise ConfigurationError(f"Tuning takes 2 to 10 bits, not {self.bits}.")

    @property
    def budget(self) -> int:
        """Multipliers of all convolutions."""
        return self.multipliers or max(1, (self.board.resources.dsp or 128) // 2)

    def kept_by(self, dice: float, reference: float) -> bool:
        """Whether a Dice is near enough to the reference's."""
        return reference - dice <= self.tolerance / 100


@dataclass(frozen=True, eq=False)
class _Evidence:
    """Images, and what is measured with them.

    Attributes:
        calibration: images (N, H, W, C).
        search: meter of few images, for every step.
        choice: meter of more and other images, for choosing how far to go.
        counts: of images, by what they are for.
        classes: of the masks, with the background.
        store: what was measured.
    """

    calibration: Tensor
    search: Meter
    choice: Meter
    counts: dict[str, int]
    classes: int
    store: Store


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
    result: str | None = None,
    output: str = "logits",
    name: str | None = None,
    progress: Progress = lambda line: None,
) -> Tuned[Types] | Tuned[Widths]:
    """Find the cheapest types of every layer that lose at most ``tolerance`` Dice points.

    Writes the tuned network, ``precision.json`` and ``tuning.json`` into the folder. What was measured before is
    read from there, so a killed run goes on where it was.

    Args:
        model: a zoo name, a checkpoint, a QONNX file or a module.
        samples: labelled images to calibrate and search with, for a shape (channels, height, width).
        board: what the network is built for.
        cost: what is to be small (:mod:`quantunet_hls.tuning.cost`).
        folder: for all files.
        tolerance: Dice points (of 100) that may be lost, on the images the types are chosen with.
        bits: widest weights and activations; as wide as they are where None.
        score: other images, which nothing is chosen with; the result is scored on them.
        multipliers: of all convolutions; half the board's DSP blocks where None.
        input_shape: of a module.
        result: which of the network's several outputs, by its name.
        output: one of :data:`quantunet_hls.ingest.OUTPUTS`; of a mask, a softmax or sigmoid at the end is left out.
        name: of the tuned network; the model's with ``_tuned`` behind it where None.
        progress: called with a line for every step.

    Raises:
        ToleranceError: the start loses more already; its types are written all the same.
        QuantUNetError: no images, or a model that can't be built.
    """
    request = _Request(board, cost, folder, tolerance, bits, score, multipliers, progress)
    began = time.monotonic()
    origin = open_origin(model, input_shape, result, output)
    given = samples(_size(origin))
    if not len(given):
        raise DataError("There are no images to calibrate with; name a folder that has some.")
    design = design_name(name or f"{origin.name}_tuned")
    claim(folder, "tuning", earlier=earlier_measurements)
    with exclusively(folder):
        evidence = _evidence(origin, given, folder)
        progress(f"Calibrating with {evidence.counts['calibration']} images; searching with "
                 f"{evidence.counts['search']}, choosing with {evidence.counts['choice']}; "
                 f"{100 * evidence.search.reference_dice:.2f} Dice points to start from")
        path, given_to = folder / f"{design}.onnx", (origin.graph, evidence.calibration, cost, request.budget)
        if origin.graph.scales.whole:
            progress("It has scales that are no powers of two: widths are chosen, and scales for them")
            return _tuned(origin, scaled_trials_of(*given_to), evidence, request, path, began)
        return _tuned(origin, trials_of(*given_to), evidence, request, path, began)


def _size(origin: Origin) -> ImageSize:
    height, width, channels = origin.graph.input_shape
    return ImageSize(channels, height, width)


def _evidence(origin: Origin, given: Samples, folder: Path) -> _Evidence:
    classes = classes_of(emulate_graph(origin.graph).network)
    given, store = given.told_apart(classes), measurements(folder)
    searching, choosing = spread(given, _SEARCH), spread(given, _CHOICE, skip=1)
    tiles = spread_tiles(spread(given, _CALIBRATION).images, _CALIBRATION, origin.graph.input_shape[:2])
    return _Evidence(
        calibration=to_input(tiles).permute(0, 2, 3, 1).contiguous(),
        search=Meter(searching, origin.segment(searching), classes, store),
        choice=Meter(choosing, origin.segment(choosing), classes, store),
        counts={"calibration": len(tiles), "search": len(searching), "choice": len(choosing)},
        classes=classes, store=store,
    )


class _Ways(Protocol[Choice]):
    """A network, and all that is needed to try choices on it."""

    def start(self, widest: int | None) -> Choice:
        """What the network has, nothing of more bits than that."""

    def moves(self, choice: Choice) -> Sequence[Move[Choice]]:
        """Every bit that can go."""

    def quick(self, choice: Choice, meter: Meter) -> Point:
        """What a choice does, nearly."""

    def final(self, choice: Choice, meter: Meter) -> Final:
        """The network of a choice, measured exactly."""

    def rows(self, final: Final) -> tuple[list[RangeRow], list[RangeRow]]:
        """Weights and activations of the network before, and the types that they have after."""


def _searched(trials: _Ways[Choice], meter: Meter, request: _Request) -> list[Step[Choice]]:
    """The way down from the widest types that are allowed."""
    return descend(
        trials.start(request.bits), trials.moves, lambda choice: trials.quick(choice, meter),
        lambda reached: meter.reference_dice - reached.dice > _BEYOND * request.tolerance / 100,
        lambda step: request.progress(_line(step)))


def _line(step: Step[Choice]) -> str:
    what = f"{step.move.layer} {step.move.part}" if step.move else "start"
    return (f"{what:<34} cost {step.point.cost:.5g}  Dice {100 * step.point.dice:.2f}  "
            f"masks differ {100 * step.point.disagreement:.2f} %")


def _chosen(trials: _Ways[Choice], steps: list[Step[Choice]], meter: Meter, request: _Request) -> Chosen[Choice]:
    """The step furthest down whose network, fitted anew, keeps the accuracy."""
    finals: dict[int, Final] = {}

    def keeps(index: int) -> bool:
        if index not in finals:
            try:
                finals[index] = trials.final(steps[index].choice, meter)
            except IllegalGraphError as error:
                if index == 0:
                    raise
                request.progress(f"step {index} can't be built: {error}")
                return False
            request.progress(f"step {index}: Dice {100 * finals[index].point.dice:.2f} of "
                             f"{100 * meter.reference_dice:.2f}")
        return request.kept_by(finals[index].point.dice, meter.reference_dice)

    step = last_within(len(steps), keeps)
    within = keeps(step)
    return Chosen(steps, step, finals, within)


def _tuned(origin: Origin, trials: _Ways[Choice], evidence: _Evidence, request: _Request, path: Path,
           began: float) -> Tuned[Choice]:
    """Search, and write everything.

    Raises:
        ToleranceError: the network does not keep the accuracy that was asked for.
    """
    chosen = _chosen(trials, _searched(trials, evidence.search, request), evidence.choice, request)
    graph, folder = chosen.final.graph, path.parent
    types = infer_types(graph.model)
    precision = write_network(graph, types, path)
    counts, dice = dict(evidence.counts), {
        "search": {"start": evidence.search.reference_dice},
        "choice": {"start": evidence.choice.reference_dice, "tuned": chosen.final.point.dice}}
    if request.score is not None:
        held = request.score(_size(origin)).told_apart(evidence.classes)
        meter = Meter(held, origin.segment(held), evidence.classes, evidence.store)
        counts["score"] = len(held)
        dice["score"] = {"start": meter.reference_dice, "tuned": meter(graph, types)[0]}
    summary: dict[str, Any] = {
        "network": {"name": origin.name, "sha256": origin.sha256},
        "board": request.board.name, "tolerance_points": request.tolerance, "multipliers": request.budget,
        "chosen_step": chosen.step, "images": counts, "dice": dice,
        **network_figures(origin, graph, types), "steps": steps_of(chosen.steps), "seconds": time.monotonic() - began,
    }
    write_json(folder / "tuning.json", summary)
    references = evidence.search.reference_dice, evidence.choice.reference_dice
    draw(trials.rows(chosen.final), chosen, references, request.tolerance, folder)
    if not chosen.within:
        raise ToleranceError(
            f"No types were found that lose at most {request.tolerance:g} Dice points: the widest allowed reach "
            f"{100 * chosen.final.point.dice:.2f} of {100 * references[1]:.2f}; that network is in {path}. "
            "Allow more bits or a larger tolerance.")
    return Tuned(graph, path, precision, summary, tuple(chosen.steps))
