"""Step ``csim``: the project's own C++, compiled with g++, compared layer by layer with the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.core.process import output_of, side_by_side
from quantunet_hls.core.steps import Step
from quantunet_hls.core.versions import DISTRIBUTION, version_of
from quantunet_hls.data.check_images import check_images
from quantunet_hls.flow.inputs import contents, image_inputs, packages, precision_inputs
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.flow.verify import (
    CSIM,
    Reference,
    batches,
    compare_layers,
    reference,
    require_equal,
    together,
)
from quantunet_hls.hls.csim import compile_bench, leave_values, require_compiler, simulate
from quantunet_hls.ingest.facts import network_facts
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Check, Figure, Report, Source, Subject

if TYPE_CHECKING:
    from torch import nn

    from quantunet_hls.flow.run import Run
    from quantunet_hls.ingest import HardwareGraph

__all__ = ["simulate_cpp", "step"]


def step(run: Run, opened: Opened) -> Step:
    """The step of a run."""
    files, part = run.files, run.files.part("csim")
    return Step("csim", "C-simulate it and compare every layer",
                lambda: {**contents([opened.exported.network, *files.project.sources, files.folded.layers]),
                         **precision_inputs(run), **image_inputs(run)},
                (part,), lambda: simulate_cpp(run, opened).save(part), (__name__,),
                lambda: {**packages(), "g++": _compiler_version()})


def _compiler_version() -> str:
    return output_of([require_compiler(), "-dumpfullversion"]).strip()


def simulate_cpp(run: Run, opened: Opened) -> Report:
    """Compile the project and run it on the images; returns the comparisons.

    Raises:
        MismatchError: a value differs between two executors.
    """
    graph, project = opened.graph, run.files.project.folder
    images = check_images(run.data, run.spec.images, *graph.input_shape)
    with _starting_yosys(run), side_by_side(1) as pool:
        # While g++ compiles, what it is to compute is found.
        macs = network_facts(graph).macs * len(images)
        compiling = pool.submit(compile_bench, project, run.name, macs=macs)
        # With other types the network is no longer that of the module.
        module = None if run.precision else run.source.module()
        groups = batches(graph, images)
        expected = _expected(graph, groups[0], module)
        compile_s = compiling.result()
        done = [_simulated(run, opened, expected)]
    for group in groups[1:]:
        # The tensors of the group before it are gone by now.
        expected = _expected(graph, group, module)
        done.append(_simulated(run, opened, expected))
    if len(done) > 1:
        leave_values(project, *(np.concatenate(each) for each in zip(*(one.values for one in done), strict=True)))
    compiler = _compiler_version()
    seconds = sum(one.run_s for one in done) / len(images)
    figures = [Figure(name, value, Source.MEASURED, "g++", compiler, subject=Subject.CPP)
               for name, value in ((names.COMPILE_SECONDS, compile_s), (names.CSIM_SECONDS_PER_IMAGE, seconds))]
    return partial_report(run, graph, figures=[*figures, *_told(graph, done)],
                          checks=together([one.checks for one in done]), tools={"g++": compiler})


@dataclass(frozen=True)
class _Simulated:
    """What is kept of a group of images: of the layers' values how many differ.

    Attributes:
        values: the images as the port takes them, the results that are expected, and those of the simulation.
        checks: of the executors before hardware, and of the simulation.
        run_s: seconds of the simulation.
        table_error, float_levels: as in :class:`~quantunet_hls.flow.verify.Reference`.
    """

    values: tuple[np.ndarray, np.ndarray, np.ndarray]
    checks: tuple[Check, ...]
    run_s: float
    table_error: float | None
    float_levels: int | None


def _expected(graph: HardwareGraph, images: np.ndarray, module: nn.Module | None) -> Reference:
    found = reference(graph, images, module)
    require_equal(found.checks)
    return found


def _simulated(run: Run, opened: Opened, expected: Reference) -> _Simulated:
    folded = run.files.folded
    result = simulate(run.files.project.folder, expected.images, expected.result, folded.sizes(),
                      limit_s=60 * run.spec.image_minutes)
    checks = compare_layers(expected, opened.graph, CSIM, result.layers, folded.tensors(), result.output)
    require_equal(checks)
    return _Simulated((expected.images, expected.result, result.output), (*expected.checks, *checks), result.run_s,
                      expected.table_error, expected.float_levels)


def _told(graph: HardwareGraph, done: Sequence[_Simulated]) -> list[Figure]:
    """What is known of the network beside the comparisons, from all images."""
    errors = [one.table_error for one in done if one.table_error is not None]
    levels = [one.float_levels for one in done if one.float_levels is not None]
    told = {names.SIGMOID_ERROR_MAX: max(errors) if errors else None,
            names.FLOAT_LEVELS_DIFFERING: sum(levels) if levels else None,
            names.NEAREST_THRESHOLD: graph.nearest_threshold}
    return [Figure(name, value, Source.MEASURED, DISTRIBUTION, version_of(DISTRIBUTION), subject=Subject.NETWORK)
            for name, value in told.items() if value is not None]


@contextmanager
def _starting_yosys(run: Run) -> Iterator[None]:
    """On a new machine Yosys's first start compiles it, half a minute that the C-simulation leaves a core for."""
    if not run.streams:
        yield
        return
    with side_by_side(1) as pool:
        # Whether it starts is for the step to tell that needs it.
        pool.submit(yosys_version)
        yield
