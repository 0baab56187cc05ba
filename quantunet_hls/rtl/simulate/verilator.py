"""Cycle-accurate simulation: Verilator builds a program of the design, numpy arrays go in and come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from quantunet_hls.core.errors import ConfigurationError, MismatchError, OverTimeError
from quantunet_hls.core.workshop import workshop
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.contents import written_apart
from quantunet_hls.rtl.generate.design import Design, depth_of
from quantunet_hls.rtl.simulate.harness import (
    NO_STALLS,
    NOTHING,
    QUIET_LIMIT,
    DeadlockError,
    LoadPort,
    Round,
    Stalls,
    drive,
    harness_header,
    harness_text,
    marked,
    pack,
    read_beats,
    unpack,
)
from quantunet_hls.rtl.simulate.program import verilate
from quantunet_hls.rtl.weights_file import Fault, memory_of, weights_of
from quantunet_hls.types.fixed import Stored

__all__ = ["WORTH_OPTIMIZING", "Simulation", "Simulator", "build_simulator", "compare"]

#: Clocks a frame from which on optimizing the simulation program takes less time than it saves. Measured on a depth-3,
#: base-8 U-Net (g++ 12.2, CPU seconds): -O0 takes 15 s to compile and 22 s a million clocks, -O1 27 s and 7 s,
#: -O2 45 s and 6 s.
WORTH_OPTIMIZING = 100_000


@dataclass(frozen=True)
class Simulation:
    """What a simulation showed.

    Attributes:
        outputs: codes (frames, height, width, channels), in the smallest integers that hold them.
        cycles: clocks from the end of reset to the last output beat.
        first_output: clock of the first output beat.
        frame_ends: clock of each frame's last output beat.
        largest_fill: beats, by edge; the FIFO never held more.
        traces: codes (frames, height, width, channels) of every layer but the last, likewise, where asked for.
    """

    outputs: Stored
    cycles: int
    first_output: int
    frame_ends: tuple[int, ...]
    largest_fill: Mapping[str, int]
    traces: Mapping[str, Stored] = field(default_factory=dict)

    @property
    def cycles_per_frame(self) -> float:
        """Clocks from frame to frame, the pipeline full; of a single frame, all its clocks."""
        if len(self.frame_ends) < 2:
            return float(self.frame_ends[0] + 1)
        return (self.frame_ends[-1] - self.frame_ends[0]) / (len(self.frame_ends) - 1)

    def codes(self, graph: StreamGraph, frames: Stored) -> dict[str, Stored]:
        """What every layer gave, where all were traced, the input's frames among them."""
        return {**self.traces, graph.input.name: frames, graph.output.name: self.outputs}


@dataclass(frozen=True)
class Simulator:
    """A built simulation program.

    Attributes:
        contents: files that it reads when it starts: what is in the memories.
    """

    program: Path
    graph: StreamGraph
    traced: bool
    probed: bool = True
    contents: tuple[Path, ...] = ()

    def run(self, frames: Stored, *, stalls: Stalls = NO_STALLS, wave: Path | None = None,
            quiet_limit: int = QUIET_LIMIT, limit_s: float | None = None,
            weights: Sequence[tuple[np.ndarray, int]] | None = None, memory: Sequence[np.ndarray] | None = None
            ) -> Simulation:
        """Simulate frames back to back.

        Args:
            frames: codes of the input (frames, height, width, channels).
            weights: files of weights (:func:`quantunet_hls.rtl.weights_file.weights_of`), each with the number of
                frames that it is for, one after the other; by default where weights are loaded the graph's own.
            memory: for each of them what is in external memory (:func:`quantunet_hls.rtl.weights_file.memory_of`); by
                default the graph's own.
            wave: file for the waveform (VCD), of a simulator that was built for it.
            quiet_limit: clocks without any movement after which the design is stuck.

        Raises:
            ConfigurationError: frames of another shape or range than the design's input; or a file of weights, or what
                is in external memory, that the design refuses.
            DeadlockError: nothing moves any more, while beats are missing at the output or, traced, between layers.
            MismatchError: more beats came out than the frames have.
            OverTimeError: the program ran past ``limit_s``.
        """
        graph, first, last = self.graph, self.graph.input, self.graph.output
        _check_frames(frames, first)
        count = len(frames)
        rounds = self._rounds(count, weights, memory)
        with workshop() as folder:
            for content in self.contents:
                (folder / content.name).symlink_to(content)
            # A frame can take no longer than all layers one after the other, twice that with stalls.
            patience = 1 / max(1 - stalls.input - stalls.output, 0.05)
            if graph.feeding:
                # A burst may come by itself each time.
                patience *= 1 / max(1 - stalls.memory, 0.01) + stalls.latency
            limit = int((count + 2) * 4 * patience * sum(layer.cycles for layer in graph.layers)) + 100_000
            try:
                report = drive(self.program, [pack(frames, first.lanes, first.type.width)], last.beats, rounds,
                               folder, stalls=stalls, quiet_limit=quiet_limit, cycle_limit=limit, wave=wave,
                               limit_s=limit_s)
            except OverTimeError as error:
                raise OverTimeError(f"The simulation of {count} frames of the RTL did not end within {limit_s:g} s and "
                                    "was stopped; allow more minutes an image, or have it simulated layer by layer."
                                    ) from error
            edges = graph.edges if self.probed else ()
            if report["end"] != "complete":
                raise self._incomplete(report)
            if report["received"] > last.beats * count:
                raise MismatchError(f"The simulation gave {report['received']} output beats for {count} frames of "
                                    f"{last.beats}; the beats behind them belong to no frame.")
            outputs = self._read(folder / "out.bin", last, count)
            traces = {}
            for index, (_, source, _) in enumerate(edges):
                if self.traced and source.name not in traces:
                    traces[source.name] = self._read(folder / f"out.bin.{index}", source, count)
        return Simulation(outputs, report["cycles"], report["first_output"], tuple(report["frame_ends"]),
                          dict(zip((edge for edge, _, _ in edges), report["largest_fill"], strict=True)), traces)

    def _incomplete(self, report: dict) -> ConfigurationError | DeadlockError:
        """Why a simulation ended before its last beat."""
        if report["fault"]:
            return ConfigurationError(f"The design refuses the file of weights: {Fault(report['fault'])}; write the "
                                      "file of this design.")
        if report["memory_fault"]:
            return ConfigurationError("The weights in external memory are not those that the file of weights is for; "
                                      "write both of this design.")
        return DeadlockError(_stuck(self.graph, report) if self.probed else
                             f"The simulation is stuck after {report['cycles']} cycles.")

    def _rounds(self, count: int, weights: Sequence[tuple[np.ndarray, int]] | None,
                memory: Sequence[np.ndarray] | None) -> list[Round]:
        """Files of weights with the output beats of their frames."""
        beats = self.graph.output.beats
        if not self.graph.loading:
            return [Round(NOTHING, beats * count)]
        chosen = [(weights_of(self.graph), count)] if weights is None else weights
        if sum(frames for _, frames in chosen) != count:
            raise ConfigurationError(f"The files of weights are for {sum(frames for _, frames in chosen)} frames, and "
                                     f"there are {count}; say of each file for how many it is.")
        images = memory or [memory_of(self.graph)] * len(chosen)
        return [Round(marked(words, len(words) - 1), beats * frames, image)
                for (words, frames), image in zip(chosen, images, strict=True)]

    def _read(self, path: Path, layer: StreamLayer, frames: int) -> Stored:
        beats = read_beats(path, layer)[: frames * layer.beats]
        shape = layer.shape
        return unpack(beats, layer.lanes, layer.type).reshape(frames, shape.height, shape.width, shape.channels)


def _check_frames(frames: Stored, layer: StreamLayer) -> None:
    shape = layer.shape
    if frames.ndim != 4 or frames.shape[1:] != (shape.height, shape.width, shape.channels) or not len(frames):
        raise ConfigurationError(f"The design takes frames of {shape.height}x{shape.width} pixels and {shape.channels} "
                                 f"channels, (frames, height, width, channels), not an array of {frames.shape}.")
    if frames.min() < layer.type.low or frames.max() > layer.type.high:
        raise ConfigurationError(f"The design's input is {layer.type}, so codes from {layer.type.low} to "
                                 f"{layer.type.high}; quantize the frames first.")


def _stuck(graph: StreamGraph, report: dict) -> str:
    """The stream to blame: a full one whose reader waits for another, else the first that is full, else the input."""
    edges = graph.edges
    full = [edge for (edge, _, _), fill in zip(edges, report["fill"], strict=True) if fill >= depth_of(graph, edge)]
    starving = {reader.name for (_, _, reader), fill in zip(edges, report["fill"], strict=True) if fill == 0}
    joins = [edge for (edge, _, reader) in edges if edge in full and len(reader.sources) > 1
             and reader.name in starving]
    where = (joins or full or ["the input"])[0]
    empty = [edge for (edge, _, reader), fill in zip(edges, report["fill"], strict=True)
             if fill == 0 and joins and reader.name == joins[0].partition("->")[2]]
    return (f"The simulation is stuck after {report['cycles']} cycles and {report['received']} output beats: "
            f"{where} is full" + (f" while its reader waits for {empty[0]}" if empty else "")
            + "; give that stream a deeper FIFO.")


def build_simulator(design: Design, folder: Path, *, traced: bool = False, wave: bool = False,
                    optimize: bool | None = None) -> Simulator:
    """Compile a design with Verilator, with its probes if it has them.

    Args:
        traced: keep what every layer puts out, not only the last one
        wave: the program can write waveforms, which makes it slower.
        optimize: spend compile time for a faster program; by default where a frame has many clocks.

    Raises:
        ToolNotFoundError: Verilator, a C++ compiler or make is not installed.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    graph = design.graph
    sources, contents = written_apart(dict(sorted(design.files.items())), folder / "verilog")
    header = harness_header({"i": graph.input}, graph.output, graph.edges if design.probed else (), traced,
                            LoadPort("weights", 4 * len(graph.loading) + 8, whole=True) if graph.loading else None,
                            feeds=bool(graph.feeding))
    program = verilate(design.top, sources, folder, harness_text(), header, wave=wave,
                       optimize=graph.cycles >= WORTH_OPTIMIZING if optimize is None else optimize)
    return Simulator(program, graph, traced, design.probed, contents)


def compare(expected: Mapping[str, Stored], seen: Mapping[str, Stored], order: StreamGraph) -> None:
    """Compare layer by layer, in the order of the graph.

    Raises:
        MismatchError: names the first layer that differs, how many values do, and the first of them.
    """
    for layer in order.layers:
        if layer.name in expected and layer.name in seen:
            wrong = np.argwhere(expected[layer.name] != seen[layer.name])
            if len(wrong):
                place = tuple(int(index) for index in wrong[0])
                raise MismatchError(
                    f"Layer {layer.name!r} differs in {len(wrong)} of {seen[layer.name].size} values, first at "
                    f"(frame, row, column, channel) {place}: {expected[layer.name][place]} was expected, "
                    f"{seen[layer.name][place]} came; its sources are equal.")
