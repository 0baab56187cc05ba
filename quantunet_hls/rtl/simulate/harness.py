"""The program around a design that is simulated: it reads beats from a file and writes beats to a file.

Between, it stalls either side at random, watches every stream between two
layers, and stops when nothing has moved for long. Where layers are traced it
runs on behind the last output beat until every trace is whole: the last rows of
a frame may be in no layer's window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np

from quantunet_hls.core import process
from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.files import TOOL_BYTES, read_json
from quantunet_hls.ops.feed import MEMORY_BITS
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.types.fixed import FixedType, Stored

__all__ = ["NOTHING", "NO_STALLS", "PAUSES", "QUIET_LIMIT", "DeadlockError", "LoadPort", "Round", "Stalls", "drive",
           "harness_header", "harness_text", "marked", "pack", "read_beats", "unpack"]

#: Clocks without a beat anywhere after which a design counts as stuck.
QUIET_LIMIT = 100_000

#: Of beats that are packed or unpacked at once.
_BITS_AT_A_TIME = 1 << 22


@dataclass(frozen=True)
class Round:
    """What is simulated between two files of weights: the file, and the output beats of the frames behind it.

    Attributes:
        load: words, with the bit behind each (beats, 2); none where nothing is loaded.
        outputs: beats.
        memory: words in external memory; none where nothing is read from there.
    """

    load: np.ndarray
    outputs: int
    memory: np.ndarray = field(default_factory=lambda: np.zeros(0, "<u4"))


@dataclass(frozen=True)
class LoadPort:
    """Where weights come in.

    Attributes:
        port: its name.
        settle: clocks from its last beat until frames may come.
        whole: whether it is a whole design, which says what is wrong with a file; a layer by itself must be held in
            reset while it is loaded.
    """

    port: str
    settle: int
    whole: bool


class DeadlockError(QuantUNetError):
    """A simulation in which nothing moves any more; names the stream that is stuck."""


@dataclass(frozen=True)
class Stalls:
    """Probability of a pause, each clock, before the design (``input``) and behind it (``output``).

    Attributes:
        memory: the same of external memory, of its answers and when it is asked.
        latency: clocks, at most, from when memory is asked until it begins to answer.
    """

    input: float = 0.0
    output: float = 0.0
    seed: int = 1
    memory: float = 0.0
    latency: int = 40


#: Where what is in external memory begins.
MEMORY_BASE = 0x1_2345_6000

#: No weights.
NOTHING = np.zeros((0, 2), "<u4")

#: Neither side ever pauses.
NO_STALLS = Stalls()

#: A module that is never held up would not show what a shift register without its clock enable does, say.
PAUSES = Stalls(0.1, 0.1)


def pack(codes: Stored, lanes: int, bits: int) -> np.ndarray:
    """Codes (pixels..., channels) as beats (beats, 32-bit words), channel 0 in the lowest bits."""
    values = codes.reshape(-1, lanes)
    beats = np.empty((len(values), -(-lanes * bits // 32)), "<u4")
    for part in _parts(len(values), lanes * bits):
        places = (values[part, :, None].astype(np.int64) >> np.arange(bits)) & 1
        flat = places.reshape(-1, lanes * bits).astype(np.uint8)
        padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 32)))
        beats[part] = np.packbits(padded, axis=1, bitorder="little").view("<u4")
    return beats


def unpack(beats: np.ndarray, lanes: int, type_: FixedType) -> Stored:
    """Inverse of :func:`pack`: codes (beats, lanes), in the smallest integers that hold them."""
    found = np.empty((len(beats), lanes), type_.storage)
    for part in _parts(len(beats), lanes * type_.width):
        flat = np.unpackbits(np.ascontiguousarray(beats[part]).view(np.uint8), axis=1, bitorder="little")
        places = flat[:, : lanes * type_.width].reshape(-1, lanes, type_.width).astype(np.int64)
        codes = (places << np.arange(type_.width)).sum(axis=2)
        found[part] = np.where(codes >> (type_.width - 1), codes - (1 << type_.width), codes) if type_.signed else codes
    return found


def _parts(beats: int, bits: int) -> Iterator[slice]:
    """Some beats after the other, for each of whose bits eight bytes are taken for a while."""
    size = max(1, _BITS_AT_A_TIME // bits)
    return (slice(first, first + size) for first in range(0, beats, size))


def _words(layer: StreamLayer) -> int:
    return -(-layer.lanes * layer.type.width // 32)


def read_beats(path: Path, layer: StreamLayer) -> np.ndarray:
    """Beats of a layer's stream (beats, 32-bit words), from a file of :func:`drive`'s program."""
    return np.fromfile(path, "<u4").reshape(-1, _words(layer))


def drive(program: Path, inputs: Sequence[np.ndarray], frame_beats: int, rounds: Sequence[Round], folder: Path, *,
          stalls: Stalls, cycle_limit: int, quiet_limit: int = QUIET_LIMIT, wave: Path | None = None,
          limit_s: float | None = None) -> dict:
    """Run a program that was built with ``harness.cpp``; what comes out is then in ``out.bin``.

    Args:
        inputs: of each port the beats as :func:`pack` makes them; that of weights is none of them.
        frame_beats: output beats of a frame.
        rounds: one after the other; all have weights, or none.
        folder: for the beats; an empty one.
        cycle_limit: clocks after which it ends anyway.

    Returns:
        What the program reports: how it ended, clocks, beats, fills.

    Raises:
        OverTimeError: the program ran past ``limit_s``.
    """
    load = np.concatenate([one.load for one in rounds])
    for port, beats in enumerate([load, *inputs] if len(load) else inputs):
        beats.astype("<u4").tofile(folder / f"in.bin.{port}")
    memory = np.concatenate([one.memory for one in rounds])
    if len(memory):
        memory.astype("<u4").tofile(folder / "in.bin.memory")
    np.array([(len(one.load), one.outputs) for one in rounds], "<u4").tofile(folder / "in.bin.rounds")
    total_beats = sum(one.outputs for one in rounds)
    arguments = ["in.bin", "out.bin", "report.json", frame_beats, total_beats, round(stalls.input * 1000),
                 round(stalls.output * 1000), stalls.seed, quiet_limit, cycle_limit, round(stalls.memory * 1000),
                 stalls.latency]
    if wave is not None:
        arguments.append(wave.resolve())
    process.run([program, *map(str, arguments)], log=folder / "log", cwd=folder, limit_s=limit_s)
    report: dict = read_json(folder / "report.json", TOOL_BYTES)
    return report


def marked(words: np.ndarray, *places: int) -> np.ndarray:
    """Words of a stream of weights with the bit behind each, which is high at these places."""
    marks = np.zeros(len(words), "<u4")
    marks[list(places)] = 1
    return np.stack([words.astype("<u4"), marks], axis=1)


def harness_text() -> str:
    """The C++ that drives a design; :func:`harness_header` makes what it includes."""
    return resources.files("quantunet_hls.rtl.simulate").joinpath("harness.cpp").read_text(encoding="utf-8")


def harness_header(inputs: Mapping[str, StreamLayer], output: StreamLayer,
                   edges: Sequence[tuple[str, StreamLayer, StreamLayer]] = (), traced: bool = False,
                   load: LoadPort | None = None, feeds: bool = False) -> str:
    """Text of the ``design.h`` that the harness includes.

    Args:
        inputs: by port the layer whose beats come in there.
        output: the layer whose beats go out at the port ``o``.
        edges: of a top with probes: what they show.
        traced: keep the beats of every edge.
        load: where weights come in, if they do.
        feeds: whether weights are read from external memory: by a whole design, or by the port ``feed`` of a layer.
    """
    whole = load is not None and load.whole
    ports = {**({load.port: 2} if load else {}), **{port: _words(source) for port, source in inputs.items()},
             **({"feed": MEMORY_BITS // 32} if feeds and not whole else {})}
    valid, ready = (f"(word(d.probe_{name}, edge / 32) >> (edge % 32) & 1)" for name in ("valid", "ready"))
    offers = [f"d.{port}_valid = valid; if (words) set(d.{port}_payload, words, {count}); break;"
              for port, count in ports.items()]
    beats = [" ".join(_copies(source, n)) + f" return {_words(source)};" for n, (_, source, _) in enumerate(edges)]
    return f"""#pragma once
#include <cstdint>
#include "Vdesign.h"
using Design = Vdesign;
constexpr int kInputs = {len(ports)};
constexpr int kInWords[] = {{{", ".join(map(str, ports.values()))}}};
constexpr bool kLoads = {str(load is not None).lower()};
constexpr int kSettle = {load.settle if load else 0};
constexpr bool kHeld = {str(load is not None and not load.whole).lower()};
constexpr bool kMemory = {str(feeds and whole).lower()};
constexpr uint64_t kBase = {MEMORY_BASE};
constexpr int kMemoryWords = {MEMORY_BITS // 32};
constexpr int kEdges = {len(edges)};
constexpr int kOutWords = {_words(output)};
constexpr int kTraceWords = {max([_words(source) for _, source, _ in edges], default=1)};
constexpr bool kTraced = {str(traced).lower()};
constexpr uint64_t kTraceBeats[] = {{{", ".join(str(source.beats) for _, source, _ in edges) or "0"}}};
{_PORTS}
inline void offer(Design& d, int port, bool valid, const uint32_t* words) {_by("port", offers)}
inline bool accepted(const Design& d, int port) {_by("port", [f"return d.{port}_ready;" for port in ports], "false")}
inline uint32_t fault(const Design& d) {{ return {"d.fault" if whole else "0"}; }}
{_memory(feeds and whole)}
inline uint32_t handshake(const Design& d, int edge) {{ return {f"{valid} | {ready} << 1" if edges else "0"}; }}
inline uint32_t level(const Design& d, int edge) {
    _by("edge", [f"return d.level_{n};" for n in range(len(edges))], "0")}
inline int trace_beat(const Design& d, int edge, uint32_t* words) {_by("edge", beats if traced else [], "0")}
"""


def _memory(there: bool) -> str:
    """C++ functions of the ports towards external memory; of a design without any they do nothing."""
    def body(text: str, otherwise: str = "0") -> str:
        return text if there else f"return {otherwise};"

    answer = ("d.ar_ready = takes; d.r_valid = offers; d.r_last = last; d.r_resp = 0; "
              "if (words) set(d.r_data, words, kMemoryWords);")
    return f"""inline void set_base(Design& d, uint64_t base) {{ {body("d.base = base;", "")} }}
inline void answer(Design& d, bool takes, bool offers, const uint32_t* words, bool last) {{ {body(answer, "")} }}
inline bool answered(const Design& d) {{ {body("return d.r_ready;")} }}
inline bool asks(const Design& d) {{ {body("return d.ar_valid;")} }}
inline uint64_t address(const Design& d) {{ {body("return d.ar_addr;")} }}
inline uint32_t length(const Design& d) {{ {body("return d.ar_len + 1;")} }}
inline uint32_t memory_fault(const Design& d) {{ {body("return d.memory_fault;")} }}"""


#: Words of a port of any width, which Verilator has as a number or as an array.
_PORTS = """template <class Port> uint32_t word(const Port& port, int index) {
    return static_cast<uint32_t>(static_cast<uint64_t>(port) >> (32 * index));
}
template <std::size_t N> uint32_t word(const VlWide<N>& port, int index) { return port[index]; }
template <class Port> void set(Port& port, const uint32_t* words, int count) {
    uint64_t value = words[0];
    if (count > 1) value |= static_cast<uint64_t>(words[1]) << 32;
    port = static_cast<Port>(value);
}
template <std::size_t N> void set(VlWide<N>& port, const uint32_t* words, int count) {
    for (int index = 0; index < count; ++index) port[index] = words[index];
}"""


def _by(number: str, cases: Sequence[str], otherwise: str = "") -> str:
    """Body of a C++ function that does another thing for each number from 0 on, and returns a value for all others."""
    default = [f"    default: return {otherwise};"] if otherwise else []
    lines = [f"    case {n}: {case}" for n, case in enumerate(cases)] + default
    return "\n".join(["{", f"    switch ({number}) {{", *lines, "    }", "}"])


def _copies(source: StreamLayer, index: int) -> list[str]:
    width = source.lanes * source.type.width
    if width > 64:
        return [f"words[{n}] = d.trace_{index}[{n}];" for n in range(_words(source))]
    return [f"words[{n}] = (uint32_t)((uint64_t)d.trace_{index} >> {32 * n});" for n in range(_words(source))]
