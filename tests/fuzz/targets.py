"""What is done with a hostile file of each format: all that the package itself does before it runs a tool on it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console

from quantunet_hls import boards
from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import IllegalNetworkError, QuantUNetError
from quantunet_hls.flow.folded_design import StreamChoices, fold_design
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.folding import Goal
from quantunet_hls.folding.written import read_folding
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx, run_graph
from quantunet_hls.ingest.facts import convolution_work, network_facts
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.reports import render
from quantunet_hls.reports.schema import Report
from quantunet_hls.rtl.place.route import driver_of
from quantunet_hls.sweep.grid import read_grid
from quantunet_hls.training import recipes
from quantunet_hls.tuning.precision import chosen_types, read_precision, with_precision
from quantunet_hls.zoo.cards import Card, card_at

__all__ = ["TARGETS", "answer", "seeds"]

_SEEDS = Path(__file__).parent / "seeds"
#: Pixels of an image up to which a network that was let in is run as well.
_FEW = 1 << 14


@cache
def _network() -> HardwareGraph:
    return ingest(load_qonnx(_SEEDS / "onnx" / "unet.onnx"))


@cache
def _stream() -> StreamGraph:
    return stream_graph(_SEEDS / "onnx" / "unet.onnx", boards.load("zcu104"))


def _onnx(path: Path) -> None:
    graph = ingest(load_qonnx(path))
    infer_types(graph.model)
    convolution_work(graph)
    network_facts(graph)
    if np.prod(graph.input_shape) <= _FEW and np.prod(graph.output_shape) <= _FEW:
        run_graph(graph.model, np.zeros((1, *graph.input_shape)))


def _report(path: Path) -> None:
    report = Report.load(path)
    Console(file=io.StringIO(), width=100).print(render.report(report))
    assert Report.from_dict(json.loads(json.dumps(report.to_dict(), allow_nan=False))) == report
    report.save(path)


def _folding(path: Path) -> None:
    board = boards.load("zcu104")
    given = read_folding(path)
    work = convolution_work(_network())
    fold_design(work, Goal(), board, None, StreamChoices(), given)
    fold_design(work, Goal(), board, _stream(), StreamChoices(), given)


def _precision(path: Path) -> None:
    precision = read_precision(path)
    changed = with_precision(_network(), precision)
    chosen_types(ingest(changed), precision)


def _card(path: Path) -> None:
    card = card_at(path)
    again = json.loads(json.dumps(card.to_dict(), allow_nan=False))
    assert converted(Card, again, "This is no card", "fetch it again") == card


def _board(path: Path) -> None:
    board = boards.load(str(path))
    assert board.part_family.name == board.family
    if board.serial_line:
        driver_of(board).constraints(board.serial_line.ports, board.serial_line.clock.port, board.serial_line.clock_mhz,
                                     board.serial_line.configuration)


def _yaml(path: Path) -> None:
    # A file does not say whether it is meant as a recipe or as a grid.
    try:
        recipe = recipes.load(str(path))
        recipe.network()
        recipe.settings()
    except QuantUNetError:
        read_grid(path, {}).jobs(path.parent, path.parent)


#: By format, what reads a file of it and uses what it says.
TARGETS: dict[str, Callable[[Path], None]] = {
    "onnx": _onnx, "report": _report, "folding": _folding, "precision": _precision, "card": _card,
    "board": _board, "yaml": _yaml}


@cache
def seeds(kind: str) -> tuple[bytes, ...]:
    """Sound files of a format, small ones: a network, and what goes with it."""
    return tuple(path.read_bytes() for path in sorted((_SEEDS / kind).iterdir()))


def answer(kind: str, path: Path) -> str | None:
    """What a file is refused with, None where it is taken; anything else than that is raised.

    It is one sentence, or one for each rule that a network breaks.
    """
    try:
        TARGETS[kind](path)
    except QuantUNetError as error:
        for sentence in error.violations if isinstance(error, IllegalNetworkError) else (error,):
            assert "\n" not in str(sentence), str(sentence)
            assert len(str(sentence)) <= 1300, len(str(sentence))
            str(sentence).encode()
        return str(error)
    return None
