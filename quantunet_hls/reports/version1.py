"""Reports of version 1, which did not say of which design a figure is: brought to the form of version 2.

What they mean follows from the figure's name, source and tool, as this package wrote them:

- accuracy, the sigmoid's error and the bits of a frame are the network's;
- C-simulation, C-synthesis, co-simulation, g++, and all that is hls4ml's or
  modelled after C-synthesis are of the C++;
- Verilator, Yosys, nextpnr and this package's own estimates are of the RTL;
- Vivado mapped or routed the RTL where there was one, else what C-synthesis made of the C++, if it ran;
- nothing else says, and what is not stated is compared with nothing that is.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports.figure import Subject
from quantunet_hls.reports.names import kind_of

__all__ = ["with_subjects"]

_log = logging.getLogger(__name__)

_OF_THE_CPP = ("hls4ml", "C-synthesis model", "g++", "Vitis HLS", "Vivado HLS")
_OF_THE_RTL = ("verilator", "yosys", "nextpnr", "quantunet-hls")
_VIVADO = "Vivado"
_CPP_SOURCES = ("C-simulation", "C-synthesis", "co-simulation")


def with_subjects(report: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The plain values of a report of version 1, with the assumed subject of each figure, which is logged.

    Whatever is not of a report's form is left for whoever checks that.

    Args:
        report: what JSON gave.
        where: what to call it.

    Raises:
        ConfigurationError: a figure that says a subject.
    """
    layers = report.get("layers")
    every = [*_objects(report.get("figures")),
             *(figure for layer in _objects(layers) for figure in _objects(layer.get("figures")))]
    if any("subject" in figure for figure in every):
        raise ConfigurationError(f"{where} is of version 1, whose figures have no subject; write the report anew.")
    subjects = _assumed_subjects({_key(figure) for figure in every})
    if subjects:
        tools: dict[str, set[str]] = {}
        for (_, _, tool), subject in subjects.items():
            tools.setdefault(subject, set()).add(tool)
        _log.warning("%s is of version 1, which doesn't say of which design a figure is. Assumed by its tool: %s.",
                     where, "; ".join(f"{subject} ({', '.join(sorted(tools[subject]))})" for subject in sorted(tools)))

    def told(figures: Any) -> Any:
        return [{**figure, "subject": str(subjects[_key(figure)])} if isinstance(figure, dict) else figure
                for figure in figures] if isinstance(figures, list) else figures

    def with_told(group: Any) -> Any:
        return {**group, "figures": told(group["figures"])} if isinstance(group, dict) and "figures" in group else group

    result = dict(with_told(report))
    if isinstance(layers, list):
        result["layers"] = [with_told(layer) for layer in layers]
    return result


def _objects(values: Any) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


def _key(figure: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(figure.get("name")), str(figure.get("source")), str(figure.get("tool"))


def _assumed_subjects(figures: Collection[tuple[str, str, str]]) -> dict[tuple[str, str, str], Subject]:
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
    if kind_of(name).of_network:
        return Subject.NETWORK
    if source in _CPP_SOURCES or tool.startswith(_OF_THE_CPP):
        return Subject.CPP
    # nextpnr's and Vivado's frame rates name the simulator that counted the cycles: of the RTL.
    if tool.startswith(_OF_THE_RTL) or tool.endswith("cycles of verilator"):
        return Subject.RTL
    return Subject.UNSTATED
