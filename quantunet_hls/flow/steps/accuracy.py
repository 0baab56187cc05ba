"""Step ``accuracy``: how well the hardware, emulated exactly, segments images that have masks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from quantunet_hls.core.steps import Step
from quantunet_hls.core.versions import versions_of
from quantunet_hls.flow.inputs import contents, image_inputs, packages, precision_inputs
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.reports.schema import Figure
from quantunet_hls.zoo import checkpoints as zoo

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

__all__ = ["score", "step"]


def step(run: Run, opened: Opened) -> Step:
    """The step of a run; without masks, or the package that scores, it finds nothing."""
    masks, part = _masks(run), run.files.part("accuracy")
    return Step("accuracy", "Score it on the masks" if masks else "Accuracy: no masks to score it on",
                lambda: {**contents([run.files.ingested.hardware]), **precision_inputs(run), "folds": run.spec.folds,
                         **(image_inputs(run) if masks else {}),
                         "baseline": zoo.card_of(run.spec.baseline).sha256 if run.spec.baseline else None},
                (part,), lambda: partial_report(run, opened.graph, figures=score(run, opened, masks) if masks else ()
                                                ).save(part),
                (__name__,), lambda: {**packages(), **versions_of("monai")})


def _masks(run: Run) -> Path | None:
    """The folder of images with masks, where there is one that can be scored on."""
    data = run.data
    scored = isinstance(data, Path) and (data / "masks").is_dir() and find_spec("monai") is not None
    return data if scored and isinstance(data, Path) else None


def score(run: Run, opened: Opened, data: Path) -> tuple[Figure, ...]:
    """Scores of the hardware, of the trained network, and of the float one that is asked for or that it was made of."""
    # Scoring is part of an extra, which nobody else needs.
    from quantunet_hls.data.image_folders import names_in, read_pairs
    from quantunet_hls.emulate.accuracy import accuracy_figures, as_logits, classes_of, emulate_graph, measure

    graph = opened.graph
    emulator = emulate_graph(graph, opened.types)
    samples = read_pairs(data, names_in(data, run.spec.folds or None), channels=graph.input_shape[2],
                         classes=classes_of(emulator.network))
    networks: dict[str, nn.Module] = {"float": zoo.load(run.spec.baseline)[0]} if run.spec.baseline else {}
    if not networks:
        networks = {name: as_logits(network, graph) for name, network in run.source.references().items()}
    module = None if run.precision else run.source.module()
    if module is not None:
        networks["Brevitas"] = as_logits(module, graph)
    return accuracy_figures(measure(emulator, samples, networks))
