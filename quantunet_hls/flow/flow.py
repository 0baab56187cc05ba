"""The steps from a network to a report, each from files to files."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from quantunet_hls.boards import Board
from quantunet_hls.core.files import read_json, write_json, writing
from quantunet_hls.core.process import output_of, side_by_side
from quantunet_hls.core.steps import Step
from quantunet_hls.core.store import content
from quantunet_hls.core.versions import PACKAGES
from quantunet_hls.data.check_images import check_images
from quantunet_hls.flow import tools
from quantunet_hls.flow.folded_design import FoldedDesign, fold_design
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.flow.verify import CSIM, RTL, compare_layers, reference, require_equal
from quantunet_hls.folding import ConvWork, Goal, frame_cycles, multipliers
from quantunet_hls.hls import vendor
from quantunet_hls.hls.convert import HlsSettings, convert, traced_tensors, write_project
from quantunet_hls.hls.csim import compile_bench, require_compiler, simulate
from quantunet_hls.hls.estimate import ModelEstimate, estimate_model, estimated_figures, layer_figures
from quantunet_hls.hls.streams import set_stream_depths, stream_bits
from quantunet_hls.hls.testbench import Bench, write_bench
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx
from quantunet_hls.ingest.facts import convolution_work, network_facts
from quantunet_hls.ingest.ranges import GraphTypes
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.ops.qonnx.graph import shape_of
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import seconds_from_cycles
from quantunet_hls.reports.merge import PARTS, merge
from quantunet_hls.reports.render import beyond_part
from quantunet_hls.reports.schema import Figure, LayerReport, Network, Report, Source, Subject, Target
from quantunet_hls.tuning.precision import Precision, chosen_types, precision_of, with_precision
from quantunet_hls.zoo import checkpoints as zoo

__all__ = ["Flow"]

_OURS = "quantunet-hls"

#: Simulated cycles a frame, of those that the slowest layer takes, beyond which a person is told.
SLOWER = 1.02

#: Images that the mapped netlist is simulated on; gates are some hundred times slower than RTL.
NETLIST_IMAGES = 1


@dataclass(frozen=True)
class Flow:
    """One run: what it is about, and its steps.

    Attributes:
        source: the network.
        target: what it is built for.
        board: name in the catalogue, None for a bare part.
        name: of the design, its project and its report.
        folder: where all files of the flow go.
        report_path: where the report goes.
        goal: what it is folded for.
        folding: a folding to be taken instead of what would be found for the goal.
        arithmetic: what the streaming RTL multiplies with, of :data:`quantunet_hls.rtl.fold.multipliers.KINDS`.
        data: images for the check, None for phantoms.
        images: how many.
        toolchain: who synthesizes: "vitis", "vivado", "open" or "none".
        stages: what a vendor's tools are asked for.
        progress: called with a line for each part of a step that takes long.
        folds: of the data, what accuracy is measured on; all of it where there are none.
        baseline: a float network of the zoo, to put its accuracy beside the hardware's.
        precision: types to build it with; None for the network's own and, for the rest, the proven ones.
        output: what the design sends, "logits" or "mask".
        netlist: how much of the mapped netlist is simulated, "sample" or "all".
    """

    source: NetworkSource
    target: Board
    board: str | None
    name: str
    folder: Path
    report_path: Path
    goal: Goal
    arithmetic: str
    data: Path | np.ndarray | None
    images: int
    toolchain: str
    stages: tuple[str, ...]
    progress: Callable[[str], None] = lambda line: None
    precision: Precision | None = None
    folds: tuple[int, ...] = ()
    baseline: str | None = None
    output: str = "logits"
    netlist: str = "sample"
    folding: Mapping[str, Any] | None = None

    @property
    def project(self) -> Path:
        """Folder of the hls4ml project."""
        return self.folder / "project"

    @property
    def backend(self) -> str:
        """hls4ml's backend; what it writes for Vitis is what everybody but Vivado HLS gets."""
        return "Vivado" if self.toolchain == "vivado" else "Vitis"

    @property
    def ledger(self) -> Path:
        """What has been done, for :func:`quantunet_hls.core.steps.run_steps`."""
        return self.folder / "steps.json"

    @property
    def _for_vitis(self) -> bool:
        """Whether the C++ is for Vitis HLS, whose reports the estimates come from, and for a part that it knows."""
        return self.backend == "Vitis" and self.target.vendor == "AMD"

    def steps(self) -> list[Step]:
        """The flow as data, in the order of :data:`STEPS`."""
        network, hardware = self._file("network.onnx"), self._file("hardware.onnx")
        firmware = (self.project / "firmware", self.project / f"{self.name}_test.cpp")
        made = (self._file("folding.json"), self._file("layers.json"))
        parts = {step: self._file(f"{step}.json") for step in PARTS}
        types = self.precision.to_dict() if self.precision else None
        opened = self.toolchain == "open"
        settings = {"name": self.name, "target": asdict(self.target), "board": self.board, "goal": asdict(self.goal),
                    "arithmetic": self.arithmetic, "backend": self.backend, "toolchain": self.toolchain,
                    "precision": types, "folding": self.folding}

        def step(name: str, title: str, inputs: Callable[[], dict[str, Any]], outputs: tuple[Path, ...],
                 action: Callable[[], None], used: Callable[[], dict[str, str]] = tools.packages) -> Step:
            return Step(name, title, inputs, outputs, action, ("quantunet_hls.flow.flow",), used)

        return [
            step("export", "Export the network to QONNX",
                 lambda: {"network": self._network_key(), "precision": types, "output": self.output},
                 (network,), self._export),
            step("ingest", "Check the graph and type every tensor",
                 lambda: {"network": content(network), "precision": types, "output": self.output},
                 (hardware, self._file("precision.json")), self._ingest),
            step("project", "Fold it and write the hls4ml project",
                 lambda: {"hardware": content(hardware), "source": [self.source.name, self.source.sha256],
                          **settings},
                 (*made, *([self._file("hls_estimate.json")] if self._for_vitis else []), parts["project"],
                  *firmware), self._write_project),
            step("csim", "C-simulate it and compare every layer",
                 lambda: {"network": content(network), **_contents(firmware), "images": self._images_key()},
                 (parts["csim"],), self._csim, tools.of_csim),
            step("accuracy", "Score it on the masks" if self._scored else "Accuracy: no masks to score it on",
                 lambda: {"hardware": content(hardware), "precision": types, "folds": self.folds,
                          "images": self._images_key() if self._scored else None,
                          "baseline": zoo.card_of(self.baseline).sha256 if self.baseline else None},
                 (parts["accuracy"],), self._accuracy),
            step("rtl", "Write the RTL, simulate it, compare" if opened else "RTL: not with this tool chain",
                 lambda: {"hardware": content(hardware), **_contents(made), **settings, "images": self._images_key()},
                 (parts["rtl"],), self._rtl, tools.of_rtl if opened else tools.packages),
            step("synthesis", "Synthesize it" if self.toolchain != "none" else "Synthesis: no tool chain",
                 lambda: {**_contents((*firmware, *made)), **settings, "stages": self.stages},
                 (parts["synthesis"],), self._synthesis, lambda: tools.of_synthesis(self.toolchain, self.stages)),
            step("netlist", "Simulate the mapped netlist" if opened else "Netlist: not with this tool chain",
                 lambda: {**_contents((*made, parts["synthesis"])), **settings, "images": self._images_key(),
                          "extent": self.netlist},
                 (parts["netlist"],), self._netlist, tools.of_rtl if opened else tools.packages),
            step("place", "Place and route it" if self._places else "Place and route: not here",
                 lambda: {**_contents((*made, parts["rtl"], parts["synthesis"])), **settings},
                 (parts["place"], *([self._file("rtl/placed/design.bit")] if self._places == "ecp5" else ())),
                 self._place, lambda: tools.of_place(self._places)),
            step("report", "Write the report", lambda: _contents(parts.values()), (self.report_path,), self._report),
        ]

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _network_key(self) -> Any:
        # A live module's code is not in its key, so its export is never taken as done.
        return self.source.key if self.source.repeatable else [self.source.key, datetime.now(UTC).isoformat()]

    def _images_key(self) -> Any:
        if isinstance(self.data, np.ndarray):
            return [self.images, self.data.shape, hashlib.sha256(self.data.tobytes()).hexdigest()]
        return [self.images, content(self.data) if self.data else None]

    @cached_property
    def _graph(self) -> HardwareGraph:
        return ingest(load_qonnx(self._file("network.onnx")), self.output)

    @cached_property
    def _types(self) -> GraphTypes:
        return chosen_types(self._graph, self.precision)

    def _export(self) -> None:
        graph = self.source.graph()
        if self.precision:
            graph = with_precision(ingest(graph, self.output), self.precision)
        with writing(self._file("network.onnx")) as temporary:
            graph.save(str(temporary))

    def _ingest(self) -> None:
        graph, types = self._graph, self._types
        with writing(self._file("hardware.onnx")) as temporary:
            graph.model.save(str(temporary))
        write_json(self._file("precision.json"), precision_of(types).to_dict())

    def _write_project(self) -> None:
        graph = self._graph
        work = convolution_work(graph)
        folded = fold_design(work, self.goal, self.target, self._lowered.graph if self._lowered else None,
                             self.arithmetic, self.folding)
        reuse = folded.reuse
        # What an earlier run left, the vendor's results included, belongs to another design.
        shutil.rmtree(self.project, ignore_errors=True)
        settings = HlsSettings(self.name, self.target.part, self.target.clock_ns, self.backend, reuse)
        model = convert(graph.model, self._types, settings, self.project)
        set_stream_depths(model)
        write_project(model)
        tensors = traced_tensors(graph.model, model)
        sizes = {layer: _values(shape_of(graph.model, tensor)) for layer, tensor in tensors.items()}
        write_bench(Bench(self.name, _values(graph.input_shape), _values(graph.output_shape), sizes), self.project)
        write_json(self._file("folding.json"), folded.to_dict(work))
        write_json(self._file("layers.json"), {"tensors": tensors, "sizes": sizes})
        estimated = self._estimated(model)
        nodes = self._nodes()
        resources = {nodes.get(name, name): layer_figures(layer)
                     for name, layer in (estimated.layers if estimated else {}).items()}
        cycles = {name: seconds_from_cycles(
            [_estimate(names.MULTIPLIERS, multipliers({name: layer}, reuse)),
             _estimate(names.INTERVAL_CYCLES_MAX, frame_cycles({name: layer}, reuse))], self.target.clock_ns)
            for name, layer in work.items()}
        resources_of_all = (*self._estimates(folded),
                            *(estimated_figures(estimated, self.target) if estimated else ()))
        self._tell_beyond_part(resources_of_all)
        self._partial_report(
            figures=[*self._folding_figures(work, reuse), *_stream_figures(*stream_bits(model)), self._frame_bits(),
                     *resources_of_all],
            layers=[LayerReport(name, "Conv" if name in work else "", (*cycles.get(name, ()), *resources.get(name, ())))
                    for name in (*work, *(name for name in resources if name not in work))],
            files={"hls_estimate": "hls_estimate.json"} if estimated else {},
        ).save(self._file("project.json"))

    def _tell_beyond_part(self, figures: Iterable[Figure]) -> None:
        for line in beyond_part(figures):
            self.progress(f"{line}; ask for a lower rate, fewer multipliers or a larger board")

    def _estimated(self, model: Any) -> ModelEstimate | None:
        """What Vitis HLS is likely to make of the C++, written down and its limits told."""
        if not self._for_vitis:
            return None
        found = estimate_model(model)
        write_json(self._file("hls_estimate.json"), found.to_dict())
        if found.outside:
            self.progress(f"estimates of the C++: {len(found.outside)} of {len(found.layers)} layers are beyond what "
                          "was published; hls_estimate.json says in what")
        if found.uncounted:
            self.progress(f"estimates of the C++ do not contain {', '.join(found.uncounted)}")
        return found

    def _estimates(self, folded: FoldedDesign) -> tuple[Figure, ...]:
        """What the streaming RTL is likely to take, before it is mapped."""
        if folded.streaming is None:
            return ()
        from quantunet_hls.rtl.report import estimated_figures

        return estimated_figures(folded.streaming, self.target)

    def _folding_figures(self, work: Mapping[str, ConvWork], reuse: Mapping[str, int]) -> list[Figure]:
        cycles = _estimate(names.INTERVAL_CYCLES_MAX, frame_cycles(work, reuse))
        return [_estimate(names.MULTIPLIERS, multipliers(work, reuse)),
                *seconds_from_cycles([cycles], self.target.clock_ns)]

    def _frame_bits(self) -> Figure:
        """What a frame moves over the design's two ports: the image in, the result out."""
        graph, types = self._graph, self._types
        last = types.layers[graph.model.find_producer(graph.model.graph.output[0].name).name].result
        bits = _values(graph.input_shape) * types.image.width + _values(graph.output_shape) * last.width
        return Figure(names.FRAME_BITS, bits, Source.ESTIMATE, _OURS, version(_OURS), subject=Subject.NETWORK)

    def _csim(self) -> None:
        graph = self._graph
        layers = read_json(self._file("layers.json"))
        images = check_images(self.data, self.images, *graph.input_shape)
        with self._starting_yosys(), side_by_side(1) as pool:
            # While g++ compiles, what it is to compute is found.
            macs = network_facts(graph).macs * len(images)
            compiling = pool.submit(compile_bench, self.project, self.name, macs=macs)
            # With other types the network is no longer that of the module.
            expected = reference(graph, images, None if self.precision else self.source.module())
            require_equal(expected.checks)
            compile_s = compiling.result()
            result = simulate(self.project, images, expected.result, layers["sizes"])
        checks = compare_layers(expected, graph, CSIM, result.layers, layers["tensors"], result.output)
        compiler = output_of([require_compiler(), "-dumpfullversion"]).strip()
        measured = {names.COMPILE_SECONDS: compile_s, names.CSIM_SECONDS_PER_IMAGE: result.run_s / len(images)}
        figures = [Figure(name, value, Source.MEASURED, "g++", compiler, subject=Subject.CPP)
                   for name, value in measured.items()]
        if expected.table_error is not None:
            figures.append(Figure(names.SIGMOID_ERROR_MAX, expected.table_error, Source.MEASURED, _OURS,
                                  version(_OURS), subject=Subject.NETWORK))
        report = self._partial_report(
            figures=figures,
            checks=(*expected.checks, *checks),
            tools={"g++": compiler},
        )
        require_equal(report.checks)
        report.save(self._file("csim.json"))

    @contextmanager
    def _starting_yosys(self) -> Iterator[None]:
        """On a new machine Yosys's first start compiles it, half a minute that the C-simulation leaves a core for."""
        if self.toolchain != "open":
            yield
            return
        from quantunet_hls.core.open_tools import yosys_version

        with side_by_side(1) as pool:
            # Whether it starts is for the step to tell that needs it.
            pool.submit(yosys_version)
            yield

    @property
    def _scored(self) -> bool:
        """Whether there are masks to score the hardware on, and the package that scores."""
        return isinstance(self.data, Path) and (self.data / "masks").is_dir() and find_spec("monai") is not None

    def _accuracy(self) -> None:
        if not self._scored:
            self._partial_report().save(self._file("accuracy.json"))
            return
        # Scoring is part of an extra, which nobody else needs.
        from quantunet_hls.data.image_folders import names_in, read_pairs
        from quantunet_hls.emulate.accuracy import accuracy_figures, as_logits, emulate_graph, measure

        assert isinstance(self.data, Path)
        samples = read_pairs(self.data, names_in(self.data, self.folds or None), channels=self._graph.input_shape[2])
        networks: dict[str, nn.Module] = {"float": zoo.load(self.baseline)[0]} if self.baseline else {}
        module = None if self.precision else self.source.module()
        if module is not None:
            networks["Brevitas"] = as_logits(module, self._graph)
        results = measure(emulate_graph(self._graph, self._types), samples, networks)
        self._partial_report(figures=accuracy_figures(results)).save(self._file("accuracy.json"))

    def _rtl(self) -> None:
        if self.toolchain != "open":
            self._partial_report().save(self._file("rtl.json"))
            return
        # Amaranth and the tools are an extra, which nobody else needs.
        from quantunet_hls.rtl.project import codes_of
        from quantunet_hls.rtl.report import simulation_figures
        from quantunet_hls.rtl.simulate.verilator import Stalls

        graph, tensors = self._graph, read_json(self._file("layers.json"))["tensors"]
        expected = reference(graph, check_images(self.data, self.images, *graph.input_shape))
        rtl = self._streaming
        simulation = rtl.simulate(codes_of(expected.images, rtl.graph.input.type), Stalls())
        if self.images > 1 and simulation.cycles_per_frame > SLOWER * rtl.graph.cycles:
            self.progress(f"slower than folded: {simulation.cycles_per_frame:,.0f} cycles a frame in simulation, where "
                          f"the slowest layer takes {rtl.graph.cycles:,}; ask for another rate")
        layers = {rtl.lowered.tensors[name]: codes * rtl.graph[name].type.step
                  for name, codes in simulation.traces.items() if rtl.lowered.tensors.get(name) in tensors}
        output = simulation.outputs * rtl.graph.output.type.step
        checks = compare_layers(expected, graph, RTL, layers, tensors, output)
        require_equal(checks)
        ip = {"ip": str(rtl.write_ip(self.target).relative_to(self.folder))} if self.target.vendor == "AMD" else {}
        self._partial_report(
            figures=simulation_figures(simulation, rtl.graph, self.target.clock_ns),
            checks=checks,
            files={"rtl": "rtl/verilog", **ip},
        ).save(self._file("rtl.json"))

    @cached_property
    def _unfolded(self) -> Any:
        """hls4ml's graph as the streaming RTL is made from: no reuse factor matters there."""
        settings = HlsSettings(self.name, self.target.part, self.target.clock_ns, self.backend, {})
        return convert(self._graph.model, self._types, settings, self._file("rtl"))

    @cached_property
    def _lowered(self) -> Any:
        """The stream graph before it is folded; None where no RTL is made."""
        if self.toolchain != "open":
            return None
        from quantunet_hls.rtl.lower import lower

        return lower(self._unfolded, self.name)

    @cached_property
    def _streaming(self) -> Any:
        """The streaming RTL of the same types, with the folding that the project's step has left."""
        from quantunet_hls.rtl.fold.folding_file import folded_as
        from quantunet_hls.rtl.project import Project

        streaming = read_json(self._file("folding.json"))["streaming"]
        return Project(self._lowered, self._file("rtl"), self.target.part,
                       folded=lambda graph: folded_as(graph, streaming, self.target.part_family))

    def _synthesis(self) -> None:
        if self.toolchain == "none":
            self._partial_report().save(self._file("synthesis.json"))
        elif self.toolchain == "open":
            self._map()
        else:
            self._build()

    def _map(self) -> None:
        from quantunet_hls.rtl.project import ULX3S
        from quantunet_hls.rtl.report import layer_reports, mapped_figures
        from quantunet_hls.rtl.synthesize.mapping import check_fits, check_memory

        rtl = self._streaming
        check_memory(rtl.graph, self.target)
        modules = len(rtl.graph.layers) + (self.target.name == ULX3S)
        done = count(1)

        def show(layer: str, module: Any) -> None:
            how = "unchanged" if module.reused else f"{module.seconds:.1f} s"
            self.progress(f"mapped {layer} ({next(done)} of {modules}): {how}")

        mapped = rtl.map(progress=show, target=self.target)
        check_fits(mapped.total, self.target)
        timing = rtl.timing(mapped)
        for reason in sorted(set(timing.refused.values())) if timing else ():
            self.progress(f"no estimate of the clock: {reason}")
        nodes = self._nodes()
        self._partial_report(
            figures=mapped_figures(mapped, self.target, timing),
            layers=[LayerReport(nodes.get(layer.name, layer.name), layer.kind, layer.figures)
                    for layer in layer_reports(rtl.graph, mapped, rtl.lowered.tensors, timing)],
        ).save(self._file("synthesis.json"))

    def _netlist(self) -> None:
        if self.toolchain != "open":
            self._partial_report().save(self._file("netlist.json"))
            return
        from quantunet_hls.rtl.project import codes_of
        from quantunet_hls.rtl.report import netlist_checks, netlist_figures, netlist_models
        from quantunet_hls.rtl.simulate.netlist import ALL, SAMPLE, Compared

        def show(module: str, compared: Compared) -> None:
            self.progress(f"netlist of {module}: {compared.differing:,} of {compared.values:,} values differ")

        rtl = self._streaming
        images = check_images(self.data, NETLIST_IMAGES, *self._graph.input_shape)
        found = rtl.check_netlist(rtl.map(target=self.target), codes_of(images, rtl.graph.input.type),
                                  ALL if self.netlist == "all" else SAMPLE, show)
        self.progress(f"netlist: {found.cells:,} of {found.all_cells:,} cells simulated, {found.values:,} of "
                      f"{found.all_values:,} values compared"
                      + (f"; not simulated: {', '.join(found.left)}" if found.left else ""))
        nodes = self._nodes()
        checks = netlist_checks(found, RTL, {name: nodes.get(layer, layer)
                                             for name, layer in rtl.lowered.tensors.items()})
        require_equal(checks)
        self._partial_report(checks=checks, figures=netlist_figures(found), tools=netlist_models(found),
                             ).save(self._file("netlist.json"))

    @property
    def _places(self) -> str:
        """Who places and routes the RTL: "ecp5" for nextpnr, "vivado", or "" for nobody."""
        if self.toolchain != "open":
            return ""
        if self.target.part_family.name == "ecp5":
            return "ecp5"
        return "vivado" if vendor.Stage.IMPLEMENT in self.stages else ""

    def _place(self) -> None:
        if not self._places:
            self._partial_report().save(self._file("place.json"))
            return
        from quantunet_hls.rtl.integrate.vivado import implement
        from quantunet_hls.rtl.report import frame_rate, placed_figures

        cycles = Report.load(self._file("rtl.json")).figure(names.INTERVAL_CYCLES_MAX, Source.RTL_SIM)
        assert cycles is not None
        files = {}
        if self._places == "vivado":
            figures = implement(self._file("rtl/ip"))
        else:
            figures = placed_figures(self._streaming.place(self.target))
            files = {"bitstream": "rtl/placed/design.bit"}
            if self._file("rtl/placed/host.py").exists():
                files["host"] = "rtl/placed/host.py"
        self._partial_report(figures=[*figures, *frame_rate(cycles, figures)], files=files,
                             ).save(self._file("place.json"))

    def _nodes(self) -> dict[str, str]:
        """hls4ml's layer names and the graph's."""
        tensors = read_json(self._file("layers.json"))["tensors"]
        return {layer: str(self._graph.model.find_producer(tensor).name) for layer, tensor in tensors.items()}

    def _build(self) -> None:
        nodes = self._nodes()
        project = vendor.HlsProject(self.project, self.name, self.target.part, self.target.clock_ns,
                                    backend=self.backend)
        result = vendor.build(project, self.stages)
        self._tell_beyond_part(result.figures)
        self._partial_report(
            figures=result.figures,
            layers=[LayerReport(nodes.get(layer.name, layer.name), layer.kind, layer.figures)
                    for layer in result.layers],
            checks=result.checks,
            tools=result.tools,
            files={role: str(Path("project") / path) for role, path in result.files.items()},
        ).save(self._file("synthesis.json"))

    def _report(self) -> None:
        merge([Report.load(self._file(f"{step}.json")) for step in PARTS]).save(self.report_path)

    def known(self, last: str) -> Report | None:
        """What is known of the design when ``last`` was the last step that was done; None where nothing is."""
        if last == STEPS[-1]:
            return Report.load(self.report_path)
        done = STEPS[: STEPS.index(last) + 1]
        parts = [Report.load(self._file(f"{step}.json")) for step in PARTS if step in done]
        return merge(parts) if parts else None

    def _partial_report(self, *, figures: Iterable[Figure] = (), layers: Iterable[LayerReport] = (),
                        checks: Iterable[Any] = (), tools: dict[str, str] | Any = None,
                        files: dict[str, str] | Any = None) -> Report:
        facts = network_facts(self._graph)
        network = Network(self.source.name, self.source.sha256, self._graph.input_shape, facts.macs, facts.parameters,
                          facts.weight_bits, facts.activation_bits)
        return Report(
            name=self.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            network=network,
            target=Target(self.board, self.target.part, self.target.clock_ns),
            checks=tuple(checks),
            layers=tuple(layers),
            figures=tuple(figures),
            tools={_OURS: version(_OURS), **{name: version(name) for name in PACKAGES}, **(tools or {})},
            files={"project": "project", "network": "network.onnx", **(files or {})},
        )


def _contents(paths: Iterable[Path]) -> dict[str, str]:
    return {path.name: content(path) for path in paths}


def _values(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _stream_figures(bits: int, whole_maps: int) -> list[Figure]:
    return [Figure(name, value, Source.ESTIMATE, "hls4ml streams", subject=Subject.CPP)
            for name, value in ((names.FIFO_BITS, bits), (names.FIFO_BITS_WHOLE_MAPS, whole_maps))]


def _estimate(name: str, value: int) -> Figure:
    # The streaming RTL is another design, with figures of its own.
    return Figure(name, value, Source.ESTIMATE, "hls4ml reuse factors", subject=Subject.CPP)
