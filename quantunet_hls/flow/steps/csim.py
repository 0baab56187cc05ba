"""Step ``csim``: the project's own C++, compiled with g++, compared layer by layer with the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.core.process import output_of, side_by_side
from quantunet_hls.core.steps import Step
from quantunet_hls.core.versions import DISTRIBUTION, version_of
from quantunet_hls.data.check_images import check_images
from quantunet_hls.flow.inputs import contents, image_inputs, packages, precision_inputs
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.flow.verify import CSIM, compare_layers, reference, require_equal
from quantunet_hls.hls.csim import compile_bench, require_compiler, simulate
from quantunet_hls.ingest.facts import network_facts
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Figure, Report, Source, Subject

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

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
    graph, folded, project = opened.graph, run.files.folded, run.files.project.folder
    images = check_images(run.data, run.spec.images, *graph.input_shape)
    with _starting_yosys(run), side_by_side(1) as pool:
        # While g++ compiles, what it is to compute is found.
        macs = network_facts(graph).macs * len(images)
        compiling = pool.submit(compile_bench, project, run.name, macs=macs)
        # With other types the network is no longer that of the module.
        expected = reference(graph, images, None if run.precision else run.source.module())
        require_equal(expected.checks)
        compile_s = compiling.result()
        result = simulate(project, expected.images, expected.result, folded.sizes())
    checks = compare_layers(expected, graph, CSIM, result.layers, folded.tensors(), result.output)
    require_equal(checks)
    compiler = _compiler_version()
    measured = {names.COMPILE_SECONDS: compile_s, names.CSIM_SECONDS_PER_IMAGE: result.run_s / len(images)}
    figures = [Figure(name, value, Source.MEASURED, "g++", compiler, subject=Subject.CPP)
               for name, value in measured.items()]
    told = {names.SIGMOID_ERROR_MAX: expected.table_error, names.FLOAT_LEVELS_DIFFERING: expected.float_levels,
            names.NEAREST_THRESHOLD: graph.nearest_threshold}
    figures += [Figure(name, value, Source.MEASURED, DISTRIBUTION, version_of(DISTRIBUTION), subject=Subject.NETWORK)
                for name, value in told.items() if value is not None]
    return partial_report(run, graph, figures=figures, checks=(*expected.checks, *checks), tools={"g++": compiler})


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
