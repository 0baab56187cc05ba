"""What is done with a hostile file of each format: all that the package itself does before it runs a tool on it."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console

from quantunet_hls import boards
from quantunet_hls.errors import QuantUNetError
from quantunet_hls.facts import convolution_work, network_facts
from quantunet_hls.folded_design import fold_design, read_folding
from quantunet_hls.folding import Goal
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx, run_graph
from quantunet_hls.reports import render
from quantunet_hls.reports.schema import Report
from quantunet_hls.rtl.graph import StreamGraph
from quantunet_hls.rtl.plan import folding_of
from quantunet_hls.rtl.unfolded import stream_graph
from quantunet_hls.tuning.precision import chosen_types, precision_of, read_precision, with_precision
from quantunet_hls.types import infer_types
from tests.builders import small_unet

__all__ = ["TARGETS", "answer", "seeds"]

_REFERENCE = Path(__file__).parents[2] / "reports" / "reference" / "brain_tumor_w4a6_b8d3_zcu104.json"
#: Pixels of an image up to which a network that was let in is run as well.
_FEW = 1 << 14


@cache
def _network() -> HardwareGraph:
    return ingest(small_unet().model())


@cache
def _stream() -> StreamGraph:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(seeds("onnx")[0])
        return stream_graph(path, boards.load("zcu104"))


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
    fold_design(work, Goal(), board, None, "auto", given)
    fold_design(work, Goal(), board, _stream(), "auto", given)


def _precision(path: Path) -> None:
    precision = read_precision(path)
    changed = with_precision(_network(), precision)
    chosen_types(ingest(changed), precision)


#: By format, what reads a file of it and uses what it says.
TARGETS: dict[str, Callable[[Path], None]] = {
    "onnx": _onnx, "report": _report, "folding": _folding, "precision": _precision}


@cache
def seeds(kind: str) -> tuple[bytes, ...]:
    """Sound files of a format, small ones."""
    if kind == "onnx":
        return tuple(net.proto(net.nodes[-1].output[0]).SerializeToString() for net in (
            small_unet(), small_unet(last=True)))
    if kind == "report":
        value = json.loads(_REFERENCE.read_text())
        value["layers"], value["figures"] = value["layers"][:2], value["figures"][:4]
    elif kind == "folding":
        work = convolution_work(_network())
        value = {"cycles_per_frame": 24, "reuse_factors": dict.fromkeys(work, 1),
                 "streaming": {"cycles_per_frame": 24, **folding_of(_stream())}}
    else:
        value = precision_of(infer_types(_network().model)).to_dict()
    return (json.dumps(value, indent=1).encode(),)


def answer(kind: str, path: Path) -> str | None:
    """The sentence with which a file is refused, None where it is taken; anything else than that is raised."""
    try:
        TARGETS[kind](path)
    except QuantUNetError as error:
        sentence = str(error)
        assert "\n" not in sentence, sentence
        assert len(sentence) <= 1300, len(sentence)
        sentence.encode()
        return sentence
    return None
