"""What belongs to one converted hls4ml model: its stream graph, its Verilog, its simulation, its netlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quantunet_hls.boards import Board, for_part
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.core.files import write_text
from quantunet_hls.core.names import design_name
from quantunet_hls.core.process import run
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.reports.schema import Figure, LayerReport
from quantunet_hls.rtl.fold.multipliers import in_fabric, multiplying
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.fold.requantizers import told
from quantunet_hls.rtl.folder import RtlFolder
from quantunet_hls.rtl.generate.design import Design
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.integrate.serial_line import map_top, place_whole
from quantunet_hls.rtl.integrate.vivado import write_ip
from quantunet_hls.rtl.lower import Lowered, lower
from quantunet_hls.rtl.place.route import place_and_route
from quantunet_hls.rtl.report import layer_reports, mapped_figures, placed_figures
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.netlist import SAMPLE, Extent, NetlistCheck, check_netlist
from quantunet_hls.rtl.simulate.netlist_layers import Compared
from quantunet_hls.rtl.simulate.rtl_layers import check_rtl_layers
from quantunet_hls.rtl.simulate.verilator import Simulation, Simulator, build_simulator
from quantunet_hls.rtl.synthesize.fits import layers_for_ultraram
from quantunet_hls.rtl.synthesize.mapping import MappedDesign, MappedModule, MappingOptions, map_design
from quantunet_hls.rtl.synthesize.timing import DesignTiming, design_timing
from quantunet_hls.rtl.weights_file import write_memory, write_weights
from quantunet_hls.targets.place import Placed
from quantunet_hls.types.fixed import FixedType, Integers, Stored, cast

if TYPE_CHECKING:
    # hls4ml loads its plug-ins, and with them this package, before that module is complete.
    from hls4ml.model.graph import ModelGraph

__all__ = ["Project", "codes_of", "project"]

#: Multipliers of the slowest layer where no number of cycles is asked for.
DEFAULT_MULTIPLIERS = 64

#: Bits behind an input's last one that its rounding looks at; float32 has no more for values near one.
INPUT_GUARD_BITS = 24


def codes_of(values: np.ndarray, type_: FixedType) -> Integers:
    """Numbers as codes of a type, in its rounding and overflow modes."""
    fraction = type_.fraction + INPUT_GUARD_BITS
    limit = 2.0**62
    fine = np.clip(np.ldexp(np.asarray(values, np.float64), fraction), -limit, limit)
    return cast(np.floor(fine).astype(np.int64), FixedType(63, fraction), type_)


@dataclass
class Project:
    """What belongs to one network: its folded stream graph, its files, its simulator; made when they are asked for.

    Attributes:
        lowered: the stream graph before it was folded.
        graph: the same, folded, with its multipliers chosen.
        files: where everything goes.
        board: with its clock; a bare part is one too (:func:`quantunet_hls.boards.for_part`).
        simulator: once it has been built.
    """

    lowered: Lowered
    graph: StreamGraph
    files: RtlFolder
    board: Board
    simulator: Simulator | None = field(default=None, init=False)

    def design(self, *, probes: bool = False) -> Design:
        """The Verilog, written where it is not there yet."""
        return generate(self.graph, self.files.verilog, probes=probes)

    def simulate(self, frames: Stored, stalls: Stalls, *, limit_s: float | None = None) -> Simulation:
        """Frames (frames, height, width, channels) through the RTL.

        Args:
            limit_s: seconds that a frame may take.

        Raises:
            OverTimeError: they ran past that.
        """
        if self.simulator is None:
            self.simulator = build_simulator(self.design(probes=True), self.files.simulation, traced=True)
        return self.simulator.run(frames, stalls=stalls, limit_s=None if limit_s is None else limit_s * len(frames))

    def check_layers(self, codes: Mapping[str, Stored], *, limit_s: float | None = None,
                     progress: Callable[[str, Compared], None] = lambda name, compared: None) -> tuple[Compared, ...]:
        """Simulate every layer's RTL by itself; see :func:`check_rtl_layers`.

        Args:
            codes: of every layer what it must give (frames, height, width, channels), the input's among them.
            limit_s: seconds that a layer may take for a frame.
            progress: called with each layer's name and result as it is there.
        """
        return check_rtl_layers(self.design(), codes, self.files.layers, limit_s=limit_s, progress=progress)

    def compile(self) -> Path:
        """Build the simulation program; returns a library that hls4ml can load, in which nothing is ever called."""
        self.simulator = build_simulator(self.design(probes=True), self.files.simulation, traced=True)
        source, library = self.files.simulation / "handle.cpp", self.files.simulation / "handle.so"
        write_text(source, f'extern "C" const char* simulation_of() {{ return "{self.graph.name}"; }}\n')
        run(["g++", "-shared", "-fPIC", "-o", library.name, source.name], log=library.with_suffix(".log"),
            cwd=source.parent)
        return library.resolve()

    def predict(self, x: np.ndarray, stalls: Stalls | None = None) -> np.ndarray:
        """Floats through the RTL, in the shapes of hls4ml's C++ backends.

        Raises:
            ConfigurationError: not a whole number of images.
            DeadlockError: the design stands still.
        """
        shape = self.graph.input.shape
        size = shape.pixels * shape.channels
        if x.size == 0 or x.size % size:
            raise ConfigurationError(f"{x.size} values are no whole number of images of "
                                     f"{shape.height}x{shape.width}x{shape.channels}.")
        frames = codes_of(x, self.graph.input.type).reshape(-1, shape.height, shape.width, shape.channels)
        outputs = self.simulate(frames, stalls or Stalls()).outputs
        if self.lowered.channels_first:
            outputs = outputs.transpose(0, 3, 1, 2)
        numbers: np.ndarray = (outputs.reshape(len(outputs), -1) * self.graph.output.type.step).astype(
            x.dtype if x.dtype.kind == "f" else np.float64)
        return numbers[0] if len(numbers) == 1 else numbers

    def map(self, *, dsp: bool = True, workers: int | None = None,
            progress: Callable[[str, MappedModule], None] | None = None) -> MappedDesign:
        """Map every layer to the part's cells; what was mapped before is read back.

        Where block RAM is short and the part has UltraRAM, large memories go there. The top of a board with a
        serial line is mapped too, as ``board``.

        Args:
            dsp: multipliers may become DSP blocks.
            workers: Yosys processes side by side.
            progress: called with each layer's name and result as it is there.

        Raises:
            BoardError: a part of no family that Yosys maps.
            ToolNotFoundError, ToolFailedError: a tool is absent or failed.
        """
        board = self.board
        if not board.part_family.mapped:
            raise BoardError(f"Yosys can't map to {board.part}; choose an UltraScale+, 7-series or ECP5 part.")
        design, cache = self.design(), self.files.mapped
        options = MappingOptions(board.part_family, dsp=dsp)
        fabric = in_fabric(self.graph)
        mapped = map_design(design, options, cache, workers=workers, progress=progress, lut_multipliers=fabric)
        large = layers_for_ultraram(mapped, board, [layer.name for layer in self.graph.loading])
        if large:
            mapped = map_design(design, options, cache, workers=workers, progress=progress, lut_multipliers=fabric,
                                large_memories=large)
        if board.serial_line:
            whole = map_top(design, board, cache)
            mapped = replace(mapped, layers={**mapped.layers, "board": whole})
            if progress is not None:
                progress("board", whole)
        return mapped

    def timing(self, mapped: MappedDesign) -> DesignTiming | None:
        """The longest path of each module of the mapped design; None for a family without delays."""
        return design_timing(self.design(), mapped, self.board.part_family)

    def check_netlist(self, mapped: MappedDesign, expected: Mapping[str, Stored], extent: Extent = SAMPLE, *,
                      top: bool = True,
                      progress: Callable[[str, Compared], None] = lambda name, compared: None) -> NetlistCheck:
        """Simulate the mapped netlist and compare it with the RTL.

        Args:
            expected: of every layer what its RTL gives (frames, height, width, channels), the input's among them.
            extent: how much of it.
            top: whether the top's may be, for which a program of the whole design is built.
            progress: called with each module's name and result as it is there.

        Raises:
            DeadlockError: the netlist stands still.
            ToolNotFoundError, ToolFailedError: a tool is absent or failed.
        """
        return check_netlist(self.design(), mapped, self.board.part_family, expected, self.files.netlist,
                             extent=extent, top=top, progress=progress)

    def write_weights(self) -> Path | None:
        """Write the file of weights where some are loaded at start-up; returns it.

        Raises:
            ConfigurationError: weights that do not fit the widths of the design.
        """
        if not self.graph.loading:
            return None
        write_weights(self.graph, self.files.weights)
        return self.files.weights

    def write_memory(self) -> Path | None:
        """Write what has to be in external memory where weights are streamed from there; returns the file.

        Raises:
            ConfigurationError: weights that do not fit the widths of the design.
        """
        if not self.graph.feeding:
            return None
        write_memory(self.graph, self.files.memory)
        return self.files.memory

    def write_ip(self) -> Path:
        """Write the AXI block as IP for AMD's tools; returns its ``component.xml``."""
        return write_ip(self.graph, list(self.design().files.values()), self.board, self.files.ip)

    def place(self, *, dsp: bool = True) -> Placed:
        """Place and route what :meth:`map` maps: with the board's top where there is one, else bare.

        Beside the bitstream of a board's top stand ``host.py`` and what it needs.

        Raises:
            BoardError: a part that nothing here places and routes for, or a routed design that is slower than the
                clock that its PLL makes.
            ToolNotFoundError, ToolFailedError: a tool is absent or failed.
        """
        design, mapped, folder = self.design(), self.map(dsp=dsp), self.files.placed
        if self.board.serial_line:
            return place_whole(design, mapped, self.board, folder)
        return place_and_route(design.top, [module.netlist for module in mapped.layers.values()], self.board, folder)

    def build(self, *, dsp: bool = True, place: bool = False, workers: int | None = None,
              progress: Callable[[str, MappedModule], None] | None = None
              ) -> dict[str, tuple[Figure, ...] | tuple[LayerReport, ...]]:
        """Map to the part's cells; place and route where asked. Returns ``figures`` and ``layers``.

        Raises:
            BoardError: a part of no family that Yosys maps.
            ToolNotFoundError, ToolFailedError: a tool is absent or failed.
        """
        mapped = self.map(dsp=dsp, workers=workers, progress=progress)
        timing = self.timing(mapped)
        figures = mapped_figures(mapped, self.board, timing)
        if place:
            figures += placed_figures(self.place(dsp=dsp))
        return {"figures": figures, "layers": self.layers(mapped, timing)}

    def layers(self, mapped: MappedDesign, timing: DesignTiming | None) -> tuple[LayerReport, ...]:
        """What is known of each layer, under the names of the typed network."""
        return layer_reports(self.graph, mapped, self.lowered.tensors, timing,
                             told(self.graph, self.lowered.graph, self.board))


def project(model: ModelGraph) -> Project:
    """The project of a model that was converted for this backend, made at the first call and kept with it.

    Raises:
        IllegalGraphError: a layer that has no RTL, or can't be exact.
        ConfigurationError: a layer that can't be that fast.
    """
    kept: Project | None = getattr(model, "_streaming_rtl", None)
    if kept is None:
        config = model.config
        board = for_part(config.get_config_value("Part"))
        lowered = lower(read_network(model), design_name(config.get_project_name()))
        paced = fold(lowered.graph, config.get_config_value("CyclesPerFrame") or _default_cycles(lowered.graph))
        graph = multiplying(paced, config.get_config_value("Multipliers") or "auto", board)
        kept = model._streaming_rtl = Project(lowered, graph, RtlFolder(Path(config.get_output_dir())), board)
    return kept


def _default_cycles(graph: StreamGraph) -> int:
    slowest = max(layer.macs for layer in graph.layers)
    least = max(layer.cycles // max(layer.shape.channels, 1) for layer in graph.layers if not layer.macs)
    # A layer with few channels may not reach the default; what it reaches is then the pace of all.
    fastest = max((layer.shape.pixels * layer.window.taps for layer in weighted(graph)), default=1)
    return max(-(-slowest // DEFAULT_MULTIPLIERS), least, fastest)
