"""The whole design: one Verilog file a layer, and a top module that wires them with FIFOs and forks.

Layers are generated once: a manifest beside the files (:mod:`quantunet_hls.core.store`)
says what each was made from, and only what changed is generated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, DomainRenamer, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.core.files import check_name
from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.core.store import Key, Store, key_of
from quantunet_hls.core.versions import versions_of
from quantunet_hls.ops.digest import digest
from quantunet_hls.ops.feed import MEMORY_BITS
from quantunet_hls.ops.hardware.loader import LOAD_BITS
from quantunet_hls.ops.hardware.streams import Fifo, Fork, connect, stream_in, stream_out
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.rtl.generate.design import Design, depth_of, module_name
from quantunet_hls.rtl.generate.intake import Gate, Intake
from quantunet_hls.rtl.generate.reader import ADDRESS_BITS, MEMORY_PORTS, MemoryReader
from quantunet_hls.rtl.generate.units import LayerUnit, sources_of
from quantunet_hls.rtl.generate.verilog import write_verilog

__all__ = ["LoadedTop", "Top", "generate", "top_of"]

#: Who makes a layer's Verilog, and the top's.
_MAKERS = (__name__,)


class Top(wiring.Component):
    """Every layer's module as an instance, a FIFO an edge, forks where a stream has several readers.

    With ``probes`` the ports ``probe_valid`` and ``probe_ready`` show the
    handshake at every FIFO's output, in the order of ``graph.edges``,
    ``level_<n>`` the fill of the n-th FIFO, and ``trace_<n>`` its payload. With
    ``inline`` the layers are inside instead of modules of other files. Where
    layers are loaded at start-up, what they take comes by the stream ``load``;
    what the n-th takes from external memory comes by ``feed_<n>``, and bit n of ``wrong`` says that other weights came.
    """

    def __init__(self, graph: StreamGraph, *, probes: bool, inline: bool = False):
        self.graph, self.probes, self.inline = graph, probes, inline
        edges = graph.edges
        ports: dict[str, Any] = {
            "i": stream_in(graph.input.type.width * graph.input.lanes),
            "o": stream_out(graph.output.type.width * graph.output.lanes),
        }
        if graph.loading:
            ports["load"] = stream_in(LOAD_BITS)
        if graph.feeding:
            ports |= {f"feed_{n}": stream_in(MEMORY_BITS) for n in range(len(graph.feeding))}
            ports["wrong"] = Out(len(graph.feeding))
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
        links = [stream_out(LOAD_BITS).signature.create(path=(f"load_{n}",)) for n in range(len(graph.loading) + 1)]
        loads = {layer.name: pair for layer, pair in zip(graph.loading, pairwise(links), strict=True)}
        if graph.loading:
            connect(m, self.load, links[0])
        for layer in graph.layers:
            stream = self.i if layer is graph.input else self._instance(m, layer, fifos, loads)
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

    def _instance(self, m: Module, layer: StreamLayer, fifos: Mapping[str, Fifo],
                  loads: Mapping[str, tuple[Any, Any]]) -> Any:
        feed = None
        if layer.feed:
            place = self.graph.feeding.index(layer)
            feed = getattr(self, f"feed_{place}"), self.wrong[place]
        if self.inline:
            m.submodules[layer.name] = unit = LayerUnit(layer, sources_of(self.graph, layer))
            for index, source in enumerate(layer.sources):
                connect(m, fifos[f"{source}->{layer.name}"].o, getattr(unit, f"i{index}"))
            if layer.name in loads:
                load, passed = loads[layer.name]
                connect(m, load, unit.load)
                connect(m, unit.passed, passed)
            if feed:
                connect(m, feed[0], unit.feed)
                m.d.comb += feed[1].eq(unit.wrong)
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
        if layer.name in loads:
            load, passed = loads[layer.name]
            ports |= {"i_load_payload": load.payload, "i_load_valid": load.valid, "o_load_ready": load.ready,
                      "o_passed_payload": passed.payload, "o_passed_valid": passed.valid,
                      "i_passed_ready": passed.ready}
        if feed:
            ports |= {"i_feed_payload": feed[0].payload, "i_feed_valid": feed[0].valid, "o_feed_ready": feed[0].ready,
                      "o_wrong": feed[1]}
        m.submodules[layer.name] = Instance(module_name(self.graph, layer), **ports)
        return output


class LoadedTop(wiring.Component):
    """The same behind a gate, with what takes in the files of weights.

    Besides the ports of :class:`Top` it has the stream ``weights``, and ``loaded``, ``fault`` and ``checksum`` of
    :class:`~quantunet_hls.rtl.generate.intake.Intake`. Until the weights are there all layers are held in reset, but
    for their loaders, which have none: a layer may begin with what is in the padding before any pixel has come.

    Where weights are in external memory, it has the ports of
    :class:`~quantunet_hls.rtl.generate.reader.MemoryReader` towards it, too, ``base`` among them, and
    ``memory_fault``: bit 0 is high where other weights came than those that the file is for, bit 1 where memory
    answered with an error.
    """

    def __init__(self, graph: StreamGraph, *, probes: bool, inline: bool = False):
        self.graph, self.core = graph, Top(graph, probes=probes, inline=inline)
        inside = {"load", "wrong", *(f"feed_{n}" for n in range(len(graph.feeding)))}
        self._shown = [name for name in self.core.signature.members if name not in {*inside, "i", "o"}]
        ports = {name: member for name, member in self.core.signature.members.items() if name not in inside}
        memory = {**MEMORY_PORTS, "base": In(ADDRESS_BITS), "memory_fault": Out(2)} if graph.feeding else {}
        super().__init__({**ports, "weights": stream_in(LOAD_BITS), "loaded": Out(1), "fault": Out(3),
                          "checksum": Out(32), **memory})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        graph, core = self.graph, self.core
        m.submodules.intake = intake = Intake(graph)
        m.submodules.gate = gate = Gate(len(self.i.payload), graph.input.beats, graph.output.beats)
        m.domains.layers = layers = ClockDomain("layers", local=True)
        m.submodules.core = DomainRenamer("layers")(core)
        fed = self._fed(m, intake.loaded)
        m.d.comb += [layers.clk.eq(ClockSignal()), layers.rst.eq(ResetSignal() | ~fed)]
        connect(m, self.weights, intake.i)
        connect(m, intake.o, core.load)
        connect(m, self.i, gate.i)
        connect(m, gate.o, core.i)
        connect(m, core.o, self.o)
        m.d.comb += [
            intake.idle.eq(gate.idle), gate.loaded.eq(fed), gate.wanted.eq(intake.wanted),
            gate.leaves.eq(self.o.valid & self.o.ready), self.loaded.eq(intake.loaded), self.fault.eq(intake.fault),
            self.checksum.eq(intake.checksum),
        ]
        m.d.comb += [getattr(self, name).eq(getattr(core, name)) for name in self._shown]
        return m

    def _fed(self, m: Module, loaded: Signal) -> Signal:
        """Whether the layers have what they need to begin: what is loaded, and somebody who reads their weights."""
        feeding = self.graph.feeding
        if not feeding:
            return loaded
        m.submodules.reader = reader = MemoryReader([layer.feed for layer in feeding if layer.feed])
        for n in range(len(feeding)):
            connect(m, getattr(reader, f"o{n}"), getattr(self.core, f"feed_{n}"))
        m.d.comb += [reader.run.eq(loaded), reader.base.eq(self.base),
                     self.memory_fault.eq(Cat(self.core.wrong.any(), reader.fault))]
        for name, member in MEMORY_PORTS.items():
            source, sink = (reader, self) if member.flow is Out else (self, reader)
            m.d.comb += getattr(sink, name).eq(getattr(source, name))
        return reader.active


def top_of(graph: StreamGraph, *, probes: bool = False, inline: bool = False) -> Top | LoadedTop:
    """The top of a graph, with what takes in its weights where some are loaded."""
    return (LoadedTop if graph.loading else Top)(graph, probes=probes, inline=inline)


def generate(graph: StreamGraph, folder: Path, *, probes: bool = False) -> Design:
    """Write the Verilog of a stream graph to ``folder``.

    Args:
        probes: show every edge's handshake and fill at the top, for simulation.

    Raises:
        IllegalGraphError: a layer has no hardware.
        ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
    """
    check_name("design", graph.name)
    tools = {**versions_of("amaranth"), "Yosys": yosys_version()}
    wanted: dict[str, tuple[Key, Callable[[], Any]]] = {}
    # What is made can't depend on weights that are loaded, for it is made without them.
    made = graph.hardware
    for layer in made.inner:
        sources = sources_of(made, layer)
        key = key_of({"layer": digest(layer), "sources": [digest(source) for source in sources]}, _MAKERS, tools)
        wanted[module_name(graph, layer)] = (key, partial(LayerUnit, layer, sources))
    top = f"{graph.name}_probed" if probes else graph.name
    key = key_of({"graph": digest(made), "probes": probes}, _MAKERS, tools)
    wanted[top] = (key, partial(top_of, made, probes=probes))
    store, files = Store(folder / "manifest.json"), {name: folder / f"{name}.v" for name in wanted}
    missing = {name: make() for name, (key, make) in wanted.items() if store.find(name, key) is None}
    if missing:
        write_verilog(folder, missing)
        for name in missing:
            store.put(name, wanted[name][0], [files[name]])
        store.retain([*wanted, graph.name, f"{graph.name}_probed"])
    return Design(graph, top, files, probes)
