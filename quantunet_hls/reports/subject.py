"""Which design a figure is of: a network is built as C++ for an HLS tool, as RTL, or as both.

Reports of version 1 didn't say so. What they mean follows from the figure's
name, source and tool, as this package wrote them:

- accuracy, the sigmoid's error and the bits of a frame are the network's;
- C-simulation, C-synthesis, co-simulation, g++, and all that is hls4ml's or
  modelled after C-synthesis are of the C++;
- Verilator, Yosys, nextpnr and this package's own estimates are of the RTL;
- Vivado mapped or routed the RTL where there was one, else what C-synthesis made of the C++, if it ran;
- nothing else says, and what is not stated is compared with nothing that is.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from quantunet_hls.reports import names

__all__ = ["Subject", "assumed_subjects"]


class Subject(StrEnum):
    """What a figure is of."""

    RTL = "RTL"
    CPP = "C++"
    NETWORK = "network"
    UNSTATED = "not stated"


_OF_THE_CPP = ("hls4ml", "C-synthesis model", "g++", "Vitis HLS", "Vivado HLS")
_OF_THE_RTL = ("verilator", "yosys", "nextpnr", "quantunet-hls")
_VIVADO = "Vivado"
_CPP_SOURCES = ("C-simulation", "C-synthesis", "co-simulation")


def assumed_subjects(figures: Collection[tuple[str, str, str]]) -> dict[tuple[str, str, str], Subject]:
    """The subject of each figure of a report that doesn't say them; each is (name, source, tool)."""
    found = {figure: _assumed(*figure) for figure in figures}
    # Where RTL was simulated or mapped, Vivado was given that; this package gives it the C++'s only without RTL.
    if any(subject is Subject.RTL and source != "estimate" for (_, source, _), subject in found.items()):
        of_vivado = Subject.RTL
    elif any(source in _CPP_SOURCES for _, source, _ in found):
        of_vivado = Subject.CPP
    else:
        of_vivado = Subject.UNSTATED
    for figure, subject in found.items():
        if subject is Subject.UNSTATED and figure[2].split(",")[0] == _VIVADO:
            found[figure] = of_vivado
    return found


def _assumed(name: str, source: str, tool: str) -> Subject:
    if names.kind_of(name).of_network:
        return Subject.NETWORK
    if source in _CPP_SOURCES or tool.startswith(_OF_THE_CPP):
        return Subject.CPP
    # nextpnr's and Vivado's frame rates name the simulator that counted the cycles: of the RTL.
    if tool.startswith(_OF_THE_RTL) or tool.endswith("cycles of verilator"):
        return Subject.RTL
    return Subject.UNSTATED
