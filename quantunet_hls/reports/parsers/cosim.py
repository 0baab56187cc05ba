"""Reports of co-simulation: the table ``<top>_cosim.rpt``, and ``lat.rpt`` of the simulated test bench.

The table has one row a language (UG902, UG1399): status, then latency least,
average and most, then interval likewise, all in clock cycles, "NA" for what was
not measured; later tools add a column with the cycles of the whole run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports import names
from quantunet_hls.reports.derive import seconds_from_cycles
from quantunet_hls.reports.figure import Figure, Source, Subject
from quantunet_hls.reports.parsers.foreign import read_text
from quantunet_hls.reports.parsers.numbers import number

__all__ = ["Cosimulation", "parse_cosim", "parse_latencies", "read_cosim"]

_LANGUAGES = ("Verilog", "VHDL")

# Column of each figure behind the language's name.
_COLUMNS = {
    names.LATENCY_CYCLES_MIN: 2,
    names.LATENCY_CYCLES_MAX: 4,
    names.INTERVAL_CYCLES_MIN: 5,
    names.INTERVAL_CYCLES_MAX: 7,
}

# lat.rpt calls the interval a throughput; it counts cycles too.
_VARIABLES = {
    "MIN_LATENCY": names.LATENCY_CYCLES_MIN,
    "MAX_LATENCY": names.LATENCY_CYCLES_MAX,
    "MIN_THROUGHPUT": names.INTERVAL_CYCLES_MIN,
    "MAX_THROUGHPUT": names.INTERVAL_CYCLES_MAX,
}
_VARIABLE = re.compile(r'^\s*\$(\w+)\s*=\s*"([0-9]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Cosimulation:
    """What co-simulation found.

    Attributes:
        language: of the RTL that was simulated.
        passed: whether the test bench was content.
        figures: cycles measured and, where a clock was given, seconds.
    """

    language: str
    passed: bool
    figures: tuple[Figure, ...]


def read_cosim(
    solution: Path, top: str, clock_ns: float, tool: str = "Vitis HLS", tool_version: str = ""
) -> Cosimulation | None:
    """What co-simulation left in a solution's folder, None where it left no report.

    Where the table has no cycles, as after a test bench of one image, those of ``lat.rpt`` fill in.

    Args:
        solution: folder of the solution, as ``<project>/solution1``.
        top: name of the top function.
        clock_ns: period in ns of the clock that the design reaches: the one it was synthesised for, or the
            one that C-synthesis estimates where that is longer.
        tool: name of the tool, for the figures.
        tool_version: that tool's version.

    Raises:
        StepError: a report without a result.
    """
    folder = Path(solution) / "sim" / "report"
    path = folder / f"{top}_cosim.rpt"
    table = read_text(path)
    if table is None:
        return None
    language, status, cycles = parse_cosim(table, str(path))
    path = folder / language.lower() / "lat.rpt"
    latencies = read_text(path)
    if latencies is not None:
        cycles = {**parse_latencies(latencies, str(path)), **cycles}
    passed = status.lower() == "pass"
    found = [Figure(name, value, Source.COSIM, tool, tool_version, subject=Subject.CPP)
             for name, value in cycles.items()]
    return Cosimulation(language, passed, seconds_from_cycles(found, clock_ns) if passed else ())


def parse_cosim(text: str, where: str = "the report") -> tuple[str, str, Mapping[str, int]]:
    """Language, status and cycles (figure's name to count) of the table's first row that was simulated.

    A count of 0 says that it was not measured, as an interval is not in a run of one transaction.

    Raises:
        StepError: where no row has a result.
    """
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] in _LANGUAGES and len(cells) > max(_COLUMNS.values()) and cells[1] not in ("", "NA"):
            counts = ((name, number(cells[i], f"{names.FIGURES[name].title} in {where}"))
                      for name, i in _COLUMNS.items())
            cycles = {name: count for name, count in counts if isinstance(count, int) and count > 0}
            return cells[0], cells[1], cycles
    raise StepError(f"{where} has no result of a co-simulation; run co-simulation again.")


def parse_latencies(text: str, where: str = "the report") -> Mapping[str, int]:
    """Cycles (figure's name to count) in the text of a ``lat.rpt``; an interval of 0 means one transaction only.

    Raises:
        StepError: a count that no design has.
    """
    found = ((_VARIABLES.get(variable), number(value, f"{variable} in {where}"))
             for variable, value in _VARIABLE.findall(text))
    return {name: value for name, value in found if name is not None and isinstance(value, int) and value > 0}
