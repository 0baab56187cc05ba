"""Step ``project``: how parallel each layer is, and the hls4ml project with its test bench."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.core.files import write_json
from quantunet_hls.core.steps import Step
from quantunet_hls.core.versions import DISTRIBUTION, version_of
from quantunet_hls.flow.beyond_part import tell_beyond_part
from quantunet_hls.flow.capacity import check_capacity
from quantunet_hls.flow.folded_design import FoldedDesign, fold_design, stream_choices
from quantunet_hls.flow.inputs import contents, design_inputs, packages
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.partial import partial_report
from quantunet_hls.flow.streams import Streams
from quantunet_hls.folding import ConvWork, frame_cycles, multipliers
from quantunet_hls.hls.convert import HlsSettings, convert, traced_tensors, write_project
from quantunet_hls.hls.estimate import CppEstimate, estimate_design, estimated_figures, layer_figures
from quantunet_hls.hls.streams import check_widths, set_stream_depths, stream_bits, with_least_depths
from quantunet_hls.hls.testbench import Bench, write_bench
from quantunet_hls.ingest.facts import convolution_work
from quantunet_hls.ingest.model_graph import read_cpp
from quantunet_hls.ops.cpp.design import CppDesign
from quantunet_hls.ops.qonnx.graph import shape_of
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import seconds_from_cycles
from quantunet_hls.reports.schema import Figure, LayerReport, Report, Source, Subject

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

__all__ = ["make_project", "step"]


def step(run: Run, opened: Opened, streams: Streams) -> Step:
    """The step of a run."""
    files, folded, project = run.files, run.files.folded, run.files.project
    part = files.part("project")
    return Step("project", "Fold it and write the hls4ml project",
                lambda: {**contents([files.ingested.hardware]), "source": [run.source.name, run.source.sha256],
                         **design_inputs(run)},
                (*folded.files, *([project.estimate] if _for_vitis(run) else []), part, *project.sources),
                lambda: make_project(run, opened, streams).save(part), (__name__,), packages)


def _for_vitis(run: Run) -> bool:
    """Whether the C++ is for Vitis HLS, whose reports the estimates come from, and for a part that it knows."""
    return run.backend == "Vitis" and "vitis" in run.target.toolchains


def make_project(run: Run, opened: Opened, streams: Streams) -> Report:
    """Fold the network and write the project; returns what is known of it so far.

    Raises:
        QuantUNetError: no such folding, or RTL that the board can't hold although it is to be mapped.
    """
    work = convolution_work(opened.graph)
    stream = streams.lowered.graph if run.streams else None
    folded = fold_design(work, run.spec.goal, run.target, stream, stream_choices(run.spec), run.folding)
    if stream is not None and folded.streaming is not None:
        check_capacity(run, work, stream, folded.streaming)
    design = _write(run, opened, folded.reuse)
    write_json(run.files.folded.folding, folded.written(work, opened.graph.renamed).to_dict())
    estimate = _estimated(run, design)
    of_design = (*_streaming_figures(run, folded), *(estimated_figures(estimate, run.target) if estimate else ()))
    tell_beyond_part(run, of_design)
    return partial_report(
        run, opened.graph,
        figures=[*_folding_figures(work, folded.reuse, run.target.clock_ns), *_stream_figures(*stream_bits(design)),
                 _frame_bits(opened), *of_design],
        layers=_layers(run, opened, work, folded.reuse, estimate),
        files={"hls_estimate": run.files.within(run.files.project.estimate)} if estimate else {},
    )


def _write(run: Run, opened: Opened, reuse: Mapping[str, int]) -> CppDesign:
    """Write the hls4ml project, its test bench, and what each of its layers computes."""
    graph, project = opened.graph, run.files.project
    # What an earlier run left, the vendor's results included, belongs to another design.
    shutil.rmtree(project.folder, ignore_errors=True)
    settings = HlsSettings(run.name, run.target.part, run.target.clock_ns, run.backend, reuse)
    model = convert(graph.model, opened.types, settings, project.folder)
    design = with_least_depths(read_cpp(model))
    _check_widths(run, design)
    set_stream_depths(model, design)
    write_project(model)
    tensors = traced_tensors(graph.model, design)
    sizes = {layer: math.prod(shape_of(graph.model, tensor)) for layer, tensor in tensors.items()}
    write_bench(Bench(run.name, math.prod(graph.input_shape), math.prod(graph.output_shape), sizes), project.folder)
    write_json(run.files.folded.layers, {"tensors": tensors, "sizes": sizes})
    return design


def _check_widths(run: Run, design: CppDesign) -> None:
    """Refuse, or tell where Vitis HLS is not asked, that it does not build the C++."""
    if run.backend != "Vitis":
        return
    try:
        check_widths(design)
    except IllegalGraphError as error:
        if run.toolchain == "vitis":
            raise
        run.progress(f"Vitis HLS would refuse the C++: {error}")


def _estimated(run: Run, design: CppDesign) -> CppEstimate | None:
    """What Vitis HLS is likely to make of the C++, written down and its limits told."""
    if not _for_vitis(run):
        return None
    found = estimate_design(design)
    write_json(run.files.project.estimate, found.to_dict())
    if found.outside:
        run.progress(f"estimates of the C++: {len(found.outside)} of {len(found.layers)} layers are beyond what "
                     "was published; hls_estimate.json says in what")
    if found.uncounted:
        run.progress(f"estimates of the C++ do not contain {', '.join(found.uncounted)}")
    return found


def _streaming_figures(run: Run, folded: FoldedDesign) -> tuple[Figure, ...]:
    """What the streaming RTL is likely to take, before it is mapped."""
    if folded.streaming is None:
        return ()
    # Amaranth is an extra, which nobody else needs.
    from quantunet_hls.rtl.fold.bandwidth import traffic
    from quantunet_hls.rtl.report import estimated_figures

    read = traffic(folded.streaming, run.target)
    if read.of_layers:
        each = ", ".join(f"{name} {size:,}" for name, size in read.of_layers.items())
        run.progress(f"weights are streamed, {read}; bytes a frame: {each}")
    return estimated_figures(folded.streaming, run.target)


def _layers(run: Run, opened: Opened, work: Mapping[str, ConvWork], reuse: Mapping[str, int],
            estimate: CppEstimate | None) -> list[LayerReport]:
    """What is known of each layer: its multipliers and cycles, and what the C++ is likely to take."""
    nodes = opened.nodes(run.files.folded)
    taken = {nodes.get(name, name): layer_figures(layer)
             for name, layer in (estimate.layers if estimate else {}).items()}
    timed = {name: _folding_figures({name: layer}, reuse, run.target.clock_ns) for name, layer in work.items()}
    return [LayerReport(name, "Conv" if name in work else "", (*timed.get(name, ()), *taken.get(name, ())))
            for name in (*work, *(name for name in taken if name not in work))]


def _folding_figures(work: Mapping[str, ConvWork], reuse: Mapping[str, int], clock_ns: float) -> tuple[Figure, ...]:
    cycles = _reuse_figure(names.INTERVAL_CYCLES_MAX, frame_cycles(work, reuse))
    return _reuse_figure(names.MULTIPLIERS, multipliers(work, reuse)), *seconds_from_cycles([cycles], clock_ns)


def _reuse_figure(name: str, value: int) -> Figure:
    # The streaming RTL is another design, with figures of its own.
    return Figure(name, value, Source.ESTIMATE, "hls4ml reuse factors", subject=Subject.CPP)


def _stream_figures(bits: int, whole_maps: int) -> list[Figure]:
    return [Figure(name, value, Source.ESTIMATE, "hls4ml streams", subject=Subject.CPP)
            for name, value in ((names.FIFO_BITS, bits), (names.FIFO_BITS_WHOLE_MAPS, whole_maps))]


def _frame_bits(opened: Opened) -> Figure:
    """What a frame moves over the design's two ports: the image in, the result out."""
    graph, types = opened.graph, opened.types
    last = types.layers[graph.model.find_producer(graph.model.graph.output[0].name).name].result
    bits = math.prod(graph.input_shape) * types.image.width + math.prod(graph.output_shape) * last.width
    return Figure(names.FRAME_BITS, bits, Source.ESTIMATE, DISTRIBUTION, version_of(DISTRIBUTION),
                  subject=Subject.NETWORK)
