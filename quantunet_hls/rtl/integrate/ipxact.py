"""The AXI block as packaged IP: ``component.xml`` after IP-XACT (IEEE 1685-2009), as Vivado's catalogue reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from quantunet_hls.boards import Board
from quantunet_hls.core.files import check_name

__all__ = ["MEMORY_BUS", "NAMESPACE", "WEIGHTS_BUS", "Port", "component_xml", "ports_of"]

#: The bus of weights, of a design that has them loaded.
WEIGHTS_BUS = "s_axis_weights"

#: The bus to external memory, of a design that reads weights there.
MEMORY_BUS = "m_axi_weights"

NAMESPACE = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"

#: (width in bits, "in" or "out")
Port = tuple[int, str]

_VENDOR, _LIBRARY, _VERSION = "quantunet-hls", "streaming", "1.0"
_STREAM_PORTS = ("TDATA", "TVALID", "TREADY", "TLAST")
_LITE_PORTS = ("AWADDR", "AWVALID", "AWREADY", "WDATA", "WSTRB", "WVALID", "WREADY", "BRESP", "BVALID", "BREADY",
               "ARADDR", "ARVALID", "ARREADY", "RDATA", "RRESP", "RVALID", "RREADY")
_READ_PORTS = ("ARADDR", "ARLEN", "ARSIZE", "ARBURST", "ARCACHE", "ARPROT", "ARVALID", "ARREADY", "RDATA", "RRESP",
               "RLAST", "RVALID", "RREADY")
_SYNTHESIS, _SIMULATION = "xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"

#: Registers that may be written.
_WRITTEN = ("control", "memory_base", "memory_base_high")

#: Bytes of the register file's address range; the smallest that AMD's address editor gives.
_ADDRESS_RANGE = 4096


def ports_of(component: object) -> dict[str, Port]:
    """The ports of an Amaranth component that has no interface ports, by name."""
    from amaranth.hdl import Shape
    from amaranth.lib.wiring import In

    members = component.signature.members.items()  # type: ignore[attr-defined]
    return {name: (Shape.cast(member.shape).width, "in" if member.flow is In else "out") for name, member in members}


def component_xml(design: str, ports: Mapping[str, Port], files: Sequence[str], registers: Mapping[str, int],
                  board: Board) -> str:
    """The description of ``<design>_axi``: its buses, clock, reset, registers, ports and files.

    Args:
        design: name of the stream graph.
        ports: of the AXI module.
        files: Verilog files, relative to the description.
        registers: byte address of each.
        board: whose family and clock it was made for.

    Raises:
        ConfigurationError: a name that can't stand in a tool's script.
    """
    ElementTree.register_namespace("spirit", NAMESPACE)
    root = _element(None, "component")
    top = f"{check_name('design', design)}_axi"
    for tag, text in (("vendor", _VENDOR), ("library", _LIBRARY), ("name", top), ("version", _VERSION)):
        _element(root, tag, text)
    buses = _element(root, "busInterfaces")
    _bus(buses, "s_axis", "interface", "axis", "slave", _STREAM_PORTS)
    _bus(buses, "m_axis", "interface", "axis", "master", _STREAM_PORTS)
    loads = f"{WEIGHTS_BUS}_tdata" in ports
    if loads:
        _bus(buses, WEIGHTS_BUS, "interface", "axis", "slave", _STREAM_PORTS)
    lite = _bus(buses, "s_axi", "interface", "aximm", "slave", _LITE_PORTS)
    _element(_element(lite, "slave"), "memoryMapRef").set(_name("memoryMapRef"), "s_axi")
    # The kind of a bus comes before its ports in the schema's order.
    lite.insert(3, lite[-1])
    lite.remove(lite[-1])
    reads = f"{MEMORY_BUS}_araddr" in ports
    if reads:
        memory = _bus(buses, MEMORY_BUS, "interface", "aximm", "master", _READ_PORTS)
        _element(_element(memory, "master"), "addressSpaceRef").set(_name("addressSpaceRef"), MEMORY_BUS)
        memory.insert(3, memory[-1])
        memory.remove(memory[-1])
    _signal(buses, "aclk", "clock", "CLK", {
        "ASSOCIATED_BUSIF": ":".join(["s_axis", "m_axis", "s_axi", *([WEIGHTS_BUS] if loads else []),
                                     *([MEMORY_BUS] if reads else [])]),
        "ASSOCIATED_RESET": "aresetn", "FREQ_HZ": str(round(1e9 / board.clock_ns))})
    _signal(buses, "aresetn", "reset", "RST", {"POLARITY": "ACTIVE_LOW"})
    if reads:
        # In the schema's order spaces come before maps.
        space = _element(_element(root, "addressSpaces"), "addressSpace")
        for tag, text in (("name", MEMORY_BUS), ("range", str(1 << ports[f"{MEMORY_BUS}_araddr"][0])),
                          ("width", str(ports[f"{MEMORY_BUS}_rdata"][0]))):
            _element(space, tag, text)
    _memory_map(root, registers)
    _model(root, top, ports)
    _file_sets(root, files)
    _element(root, "description", f"Streaming accelerator {design}, written by quantunet-hls")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _model(root: ElementTree.Element, top: str, ports: Mapping[str, Port]) -> None:
    model = _element(root, "model")
    views = _element(model, "views")
    for name in (_SYNTHESIS, _SIMULATION):
        view = _element(views, "view")
        _element(view, "name", name)
        _element(view, "envIdentifier", f":vivado.xilinx.com:{name.removeprefix('xilinx_any').replace('language', '')}")
        _element(view, "language", "Verilog")
        _element(view, "modelName", top)
        _element(_element(view, "fileSetRef"), "localName", f"{name}_view_fileset")
    listed = _element(model, "ports")
    for name, (width, direction) in ports.items():
        port = _element(listed, "port")
        _element(port, "name", name)
        wire = _element(port, "wire")
        _element(wire, "direction", direction)
        if width > 1:
            vector = _element(wire, "vector")
            _element(vector, "left", str(width - 1))
            _element(vector, "right", "0")


def _file_sets(root: ElementTree.Element, files: Sequence[str]) -> None:
    sets = _element(root, "fileSets")
    for name in (_SYNTHESIS, _SIMULATION):
        files_of = _element(sets, "fileSet")
        _element(files_of, "name", f"{name}_view_fileset")
        for path in files:
            file = _element(files_of, "file")
            _element(file, "name", path)
            _element(file, "fileType", "verilogSource")


def _name(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


def _element(parent: ElementTree.Element | None, tag: str, text: str | None = None) -> ElementTree.Element:
    made = ElementTree.Element(_name(tag)) if parent is None else ElementTree.SubElement(parent, _name(tag))
    made.text = text
    return made


def _bus(buses: ElementTree.Element, name: str, library: str, kind: str, mode: str, ports: Sequence[str]
         ) -> ElementTree.Element:
    bus = _element(buses, "busInterface")
    _element(bus, "name", name)
    for tag, suffix in (("busType", ""), ("abstractionType", "_rtl")):
        type_ = _element(bus, tag)
        for key, value in (("vendor", "xilinx.com"), ("library", library), ("name", kind + suffix), ("version", "1.0")):
            type_.set(_name(key), value)
    if kind != "aximm":
        _element(bus, mode)
    maps = _element(bus, "portMaps")
    for port in ports:
        _map_port(maps, port, f"{name}_{port.lower()}")
    return bus


def _map_port(maps: ElementTree.Element, logical: str, physical: str) -> None:
    pair = _element(maps, "portMap")
    _element(_element(pair, "logicalPort"), "name", logical)
    _element(_element(pair, "physicalPort"), "name", physical)


def _signal(buses: ElementTree.Element, name: str, kind: str, logical: str, parameters: Mapping[str, str]) -> None:
    bus = _bus(buses, name, "signal", kind, "slave", ())
    _map_port(bus[-1], logical, name)
    listed = _element(bus, "parameters")
    for key, value in parameters.items():
        parameter = _element(listed, "parameter")
        _element(parameter, "name", key)
        _element(parameter, "value", value)


def _memory_map(root: ElementTree.Element, registers: Mapping[str, int]) -> None:
    memory = _element(_element(root, "memoryMaps"), "memoryMap")
    _element(memory, "name", "s_axi")
    block = _element(memory, "addressBlock")
    for tag, text in (("name", "registers"), ("baseAddress", "0"), ("range", str(_ADDRESS_RANGE)), ("width", "32"),
                      ("usage", "register")):
        _element(block, tag, text)
    for name, address in registers.items():
        register = _element(block, "register")
        for tag, text in (("name", name), ("addressOffset", hex(address)), ("size", "32"),
                          ("access", "read-write" if name in _WRITTEN else "read-only")):
            _element(register, tag, text)
