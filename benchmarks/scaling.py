"""CPU seconds and peak memory of every step as networks and images grow, and how fast they grow.

Networks have random weights of 4 bits and activations of 6. Each design is made in a
process of its own, by the open tool chain up to the step ``--to``; what is there already
in ``--out`` is not measured again, so this can run in pieces and be killed::

    python benchmarks/scaling.py b8d3@64 b16d3@64 b8d3@128 --to rtl
    python benchmarks/scaling.py fixedpoint_paper@64 original@64 --to project
    python benchmarks/scaling.py

A design is a network and the side of its images: ``b8d3`` has 8 channels at full size and
is halved three times; other names are those of ``quantunet-hls train --architecture``.
Memory is that of the process, or of the largest that a step starts. Exponents are those
between two designs of one network (in pixels) or of one size of image (in parameters).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from quantunet_hls import generate_accelerator
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.core.steps import Outcome, Step
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.nets import QuantUNet, UNetConfig, calibrate
from quantunet_hls.nets.architectures import shape_of
from quantunet_hls.nets.sizes import layer_sizes

OUT = Path(__file__).parents[1] / "reports" / "reference" / "scaling.json"

#: Seconds below which a step's time is mostly that of starting it, so that no exponent is told.
_LEAST_S = 1.0
#: Gigabytes likewise: what Python and its packages take.
_LEAST_GB = 0.7


def config_of(network: str) -> UNetConfig:
    """``b8d3`` or the name of an architecture."""
    found = re.fullmatch(r"b(\d+)d(\d)", network)
    return UNetConfig(depth=int(found[2]), base_channels=int(found[1])) if found else UNetConfig(**shape_of(network))


class Meter:
    """CPU seconds and the peak memory of one step after the other, with what they start."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, float]] = {}
        self._children = 0
        self._before = 0.0
        self._over = threading.Event()

    def started(self, step: Step) -> None:
        """From now on."""
        # The peak of this process starts again from what it holds now (Linux, proc(5)).
        Path("/proc/self/clear_refs").write_text("5")
        self._before, self._children = self._seconds(), 0
        self._over.clear()
        threading.Thread(target=self._watch, daemon=True).start()

    def finished(self, outcome: Outcome) -> None:
        """Until now."""
        self._over.set()
        own = _peak_kb("self")
        self.steps[outcome.step.name] = {"cpu_s": round(self._seconds() - self._before, 2),
                                         "peak_gb": round(max(own, self._children) / 2**20, 3)}

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._children = max([self._children, *map(_peak_kb, _started_by("self"))])

    def _seconds(self) -> float:
        return sum(used.ru_utime + used.ru_stime
                   for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def _started_by(process: str) -> Iterator[str]:
    """All processes that it started, and those that they did."""
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = listed.read_text().split()
        except OSError:
            continue
        for child in children:
            yield child
            yield from _started_by(child)


def _peak_kb(process: str) -> int:
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) if found else 0


def measure(network: str, size: int, last: str) -> dict[str, Any]:
    """One design up to a step."""
    torch.manual_seed(0)
    # Threads that wait for one another take CPU seconds, too, the more the busier the machine is.
    torch.set_num_threads(1)
    config = config_of(network)
    net = QuantUNet(config)
    calibrate(net, torch.tensor(draw_phantoms(2, size, size).images / 256, dtype=torch.float32))
    meter = Meter()
    with TemporaryDirectory() as folder:
        generate_accelerator(net.eval(), board="alveo-u250", name="scaled", images=1, toolchain="open", last=last,
                             input_shape=(config.in_channels, size, size), projects=folder, reports=folder,
                             started=meter.started, finished=meter.finished)
    sizes = layer_sizes(config, size, size).values()
    return {"network": network, "size": size, "parameters": sum(each.weights + each.outputs for each in sizes),
            "macs": sum(each.macs for each in sizes), "pixels": size * size, "steps": meter.steps}


def exponents(rows: Iterable[dict[str, Any]], same: str, over: str, figure: str, least: float
              ) -> Iterator[tuple[str, str, float]]:
    """For neighbours among the designs with the same ``same``: step, which two, and the exponent in ``over``."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[same], []).append(row)
    for group in groups.values():
        for one, other in pairwise(sorted(group, key=lambda row: row[over])):
            for step in (name for name in STEPS if name in one["steps"] and name in other["steps"]):
                before, after = (row["steps"][step][figure] for row in (one, other))
                if before >= least and one[over] != other[over]:
                    yield (step, f"{_name(one)} to {_name(other)}",
                           math.log(after / before) / math.log(other[over] / one[over]))


def _name(row: dict[str, Any]) -> str:
    return f"{row['network']}@{row['size']}"


def show(rows: list[dict[str, Any]], console: Console) -> None:
    """Both tables."""
    steps = [step for step in STEPS if any(step in row["steps"] for row in rows)]
    table = Table("Design", "parameters", "MMAC", *steps, title="CPU seconds (peak GB)")
    for row in sorted(rows, key=lambda row: (row["parameters"], row["size"])):
        cells = [f"{row['steps'][step]['cpu_s']:.1f} ({row['steps'][step]['peak_gb']:.1f})" if step in row["steps"]
                 else "" for step in steps]
        table.add_row(_name(row), f"{row['parameters']:,}", f"{row['macs'] / 1e6:,.0f}", *cells)
    console.print(table)
    table = Table("Step", "largest exponents of", "in parameters", "in pixels")
    for step in steps:
        for figure, least, title in (("cpu_s", _LEAST_S, "time"), ("peak_gb", _LEAST_GB, "memory")):
            cells = [_largest(found for found in exponents(rows, same, over, figure, least) if found[0] == step)
                     for same, over in (("size", "parameters"), ("network", "pixels"))]
            table.add_row(step, title, *cells)
    console.print(table)


def _largest(found: Iterable[tuple[str, str, float]]) -> str:
    _, which, exponent = max(found, key=lambda each: each[2], default=("", "", 0.0))
    return f"{exponent:.2f} ({which})" if which else ""


def in_own_process(design: str, last: str) -> dict[str, Any]:
    """What :func:`measure` gives."""
    answer = subprocess.run([sys.executable, __file__, "--one", design, "--to", last], stdout=subprocess.PIPE,
                            check=True, text=True).stdout
    row: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return row


def main() -> None:
    """Measure what is asked for, write and print all that is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("designs", nargs="*", help="such as b8d3@64")
    parser.add_argument("--to", default="rtl", choices=STEPS, help="the last step")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        network, size = arguments.one.split("@")
        sys.stdout.write(json.dumps(measure(network, int(size), arguments.to)) + "\n")
        return
    rows: list[dict[str, Any]] = read_json(arguments.out) if arguments.out.is_file() else []
    for design in arguments.designs:
        if any(_name(row) == design and arguments.to in row["steps"] for row in rows):
            continue
        made = in_own_process(design, arguments.to)
        rows = [row for row in rows if _name(row) != design] + [made]
        write_json(arguments.out, rows)
    show(rows, Console(width=200))


if __name__ == "__main__":
    main()
