"""The whole design: one Verilog file a layer, and a top module that wires them with FIFOs and forks.

Layers are generated once: a manifest beside the files keeps the digest of what
each was made from, and only what changed is generated again.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from quantunet_hls.core.files import check_name, read_json, sha256_file, sha256_json, write_json
from quantunet_hls.ops.hardware.streams import Fifo, Fork, connect, stream_in, stream_out
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer, digest
from quantunet_hls.rtl.generate.units import LayerUnit, sources_of
from quantunet_hls.rtl.generate.verilog import write_verilog

__all__ = ["Design", "Top", "generate"]

#: Beats that an edge holds where nothing else is asked for: enough to break every path between two layers.
EDGE_DEPTH = 2


@dataclass(frozen=True)
class Design:
    """Verilog files of a stream graph.

    Attributes:
        graph: what they were made from.
        top: the top module's name; it has ``clk``, ``rst`` and the streams ``i`` and ``o``.
        files: by module name, the top's file too.
        probed: whether the top shows every edge's handshake and fill.
    """

    graph: StreamGraph
    top: str
    files: dict[str, Path]
    probed: bool


def depth_of(graph: StreamGraph, edge: str) -> int:
    """Beats that an edge's FIFO holds."""
    return graph.fifo_depths.get(edge, EDGE_DEPTH)


def module_name(graph: StreamGraph, layer: StreamLayer) -> str:
    """Name of a layer's Verilog module."""
    return f"{graph.name}_{layer.name}"


class Top(wiring.Component):
    """Every layer's module as an instance, a FIFO an edge, forks where a stream has several readers.

    With ``probes`` the ports ``probe_valid`` and ``probe_ready`` show the
    handshake at every FIFO's output, in the order of ``graph.edges``,
    ``level_<n>`` the fill of the n-th FIFO, and ``trace_<n>`` its payload. With
    ``inline`` the layers are inside instead of modules of other files.
    """

    def __init__(self, graph: StreamGraph, *, probes: bool, inline: bool = False):
        self.graph, self.probes, self.inline = graph, probes, inline
        edges = graph.edges
        ports: dict[str, Any] = {
            "i": stream_in(graph.input.type.width * graph.input.lanes),
            "o": stream_out(graph.output.type.width * graph.output.lanes),
        }
        if probes:
            ports |= {"probe_valid": Out(len(edges)), "probe_ready": Out(len(edges))}
            ports |= {f"level_{n}": Out(range(depth_of(graph, edge) + 1)) for n, (edge, _, _) in enumerate(edges)}
            ports |= {f"trace_{n}": Out(source.type.width * source.lanes) for n, (_, source, _) in enumerate(edges)}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        graph = self.graph
        edges = graph.edges
        fifos = {}
        for index, (edge, source, _) in enumerate(edges):
            fifo = Fifo(source.type.width * source.lanes, depth_of(graph, edge))
            m.submodules[f"fifo_{index}"] = fifos[edge] = fifo
        for layer in graph.layers:
            stream = self.i if layer is graph.input else self._instance(m, layer, fifos)
            readers = [fifos[edge].i for edge, source, _ in edges if source is layer]
            if layer is graph.output:
                readers.append(self.o)
            if len(readers) == 1:
                connect(m, stream, readers[0])
            else:
                m.submodules[f"fork_{layer.name}"] = fork = Fork(layer.type.width * layer.lanes, len(readers))
                connect(m, stream, fork.i)
                for index, reader in enumerate(readers):
                    connect(m, getattr(fork, f"o{index}"), reader)
        if self.probes:
            m.d.comb += [
                self.probe_valid.eq(Cat(*(fifos[edge].o.valid for edge, _, _ in edges))),
                self.probe_ready.eq(Cat(*(fifos[edge].o.ready for edge, _, _ in edges))),
            ]
            for index, (edge, _, _) in enumerate(edges):
                m.d.comb += [
                    getattr(self, f"level_{index}").eq(fifos[edge].level),
                    getattr(self, f"trace_{index}").eq(fifos[edge].o.payload),
                ]
        return m

    def _instance(self, m: Module, layer: StreamLayer, fifos: dict[str, Fifo]) -> Any:
        if self.inline:
            m.submodules[layer.name] = unit = LayerUnit(layer, sources_of(self.graph, layer))
            for index, source in enumerate(layer.sources):
                connect(m, fifos[f"{source}->{layer.name}"].o, getattr(unit, f"i{index}"))
            return unit.o
        output = stream_out(layer.type.width * layer.lanes).signature.create()
        ports: dict[str, Any] = {
            "i_clk": ClockSignal(), "i_rst": ResetSignal(),
            "o_o_payload": output.payload, "o_o_valid": output.valid, "i_o_ready": output.ready,
        }
        for index, source in enumerate(layer.sources):
            stream = fifos[f"{source}->{layer.name}"].o
            ready = Signal(name=f"{layer.name}_ready_{index}")
            m.d.comb += stream.ready.eq(ready)
            ports |= {f"i_i{index}_payload": stream.payload, f"i_i{index}_valid": stream.valid,
                      f"o_i{index}_ready": ready}
        m.submodules[layer.name] = Instance(module_name(self.graph, layer), **ports)
        return output


def generate(graph: StreamGraph, folder: Path, *, probes: bool = False) -> Design:
    """Write the Verilog of a stream graph to ``folder``.

    Args:
        probes: show every edge's handshake and fill at the top, for simulation.

    Raises:
        IllegalGraphError: a layer has no hardware.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    check_name("design", graph.name)
    generator = _generator_digest()
    wanted: dict[str, tuple[str, Any]] = {}
    for layer in graph.layers[1:]:
        sources = sources_of(graph, layer)
        key = sha256_json([generator, digest(layer), [digest(source) for source in sources]])
        wanted[module_name(graph, layer)] = (key, lambda layer=layer, sources=sources: LayerUnit(layer, sources))
    top = f"{graph.name}_probed" if probes else graph.name
    wanted[top] = (sha256_json([generator, digest(graph)]), lambda: Top(graph, probes=probes))
    manifest_path = folder / "manifest.json"
    manifest = read_json(manifest_path) if manifest_path.exists() else {}
    missing = {name: make() for name, (key, make) in wanted.items()
               if manifest.get(name) != [key, _digest_of(folder / f"{name}.v")]}
    if missing:
        write_verilog(folder, missing)
        manifest |= {name: [wanted[name][0], _digest_of(folder / f"{name}.v")] for name in missing}
        write_json(manifest_path, manifest)
    return Design(graph, top, {name: folder / f"{name}.v" for name in wanted}, probes)


def _digest_of(path: Path) -> str | None:
    return sha256_file(path) if path.exists() else None


def _generator_digest() -> str:
    """Of the code that makes the hardware: a changed generator makes everything anew."""
    package = resources.files("quantunet_hls")
    modules = [package.joinpath(f"rtl/generate/{name}.py") for name in ("units", "stitch", "verilog")]
    modules += [package.joinpath("targets/memories.py"), *_sources(package.joinpath("ops"))]
    return sha256_json([module.read_text(encoding="utf-8") for module in modules])


def _sources(folder: Traversable) -> list[Traversable]:
    """The modules in a folder and in those below it, by name."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _sources(entry)
        elif entry.name.endswith(".py"):
            found.append(entry)
    return found
