"""A network of the papers through the whole open flow, with weights that are loaded: time and memory of each step.

Random weights of 4 bits and activations of 6, types for any weights. The design is made in ``--work``; a killed run
goes on where it was, and what a step took when it ran is kept there. ``--again`` says what the flow takes when nothing
has changed, ``--other-weights`` what it takes with the same network's weights in another order, which have the same
types, folded by the first design's ``folding.json``::

    python benchmarks/full_size.py
    python benchmarks/full_size.py --again
    python benchmarks/full_size.py --other-weights

Writes ``reports/reference/<network>_<size>.json``. A step's memory is that of the process, or of the largest that it
starts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from scaling import Meter, config_of
from torch import nn

from quantunet_hls import generate_accelerator
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.core.steps import Outcome, Step
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.flow.accelerator import Accelerator
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.nets import QuantUNet, calibrate

REFERENCES = Path(__file__).parents[1] / "reports" / "reference"
#: Figures of the report that are kept.
FIGURES = ("lut", "ff", "lutram", "dsp", "bram_18k", "uram", "cycles_per_frame", "latency_cycles", "frames_per_s")


@dataclass
class Watch:
    """Notes of every step what it took and what of it was new.

    Attributes:
        keep: is given those that ran so far, after each.
        run: of the steps that ran.
        lines: what they said.
    """

    keep: Callable[[dict[str, dict[str, float]]], None]
    run: dict[str, dict[str, float]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    _meter: Meter = field(default_factory=Meter)

    def started(self, step: Step) -> None:
        """Before a step."""
        self._meter.started(step)

    def finished(self, outcome: Outcome) -> None:
        """After it, or where it was found done."""
        if not outcome.cached:
            self._meter.finished(outcome)
            self.run[outcome.step.name] = self._meter.steps[outcome.step.name]
            self.keep(self.run)
        sys.stderr.write(f"{outcome.step.name}: {self.run.get(outcome.step.name, 'unchanged')}\n")

    def progress(self, line: str) -> None:
        """A line of a step."""
        self.lines.append(line)
        sys.stderr.write(f"  {line}\n")


def network(name: str, size: int, *, shuffled: bool) -> QuantUNet:
    """With random weights; the same scales in whichever order the weights are."""
    torch.manual_seed(0)
    # Threads that wait for one another take CPU seconds, too, the more the busier the machine is.
    torch.set_num_threads(1)
    net = QuantUNet(config_of(name))
    calibrate(net, torch.tensor(draw_phantoms(2, size, size).images / 256, dtype=torch.float32))
    if shuffled:
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                order = torch.randperm(layer.weight.numel())
                layer.weight.data = layer.weight.data.flatten()[order].reshape(layer.weight.shape)
    return net.eval()


def made(chosen: argparse.Namespace, watch: Watch, **options: Any) -> Accelerator:
    """The design."""
    net = network(chosen.network, chosen.size, shuffled=chosen.other_weights)
    return generate_accelerator(
        net, chosen.board, name=f"{chosen.network}_{chosen.size}", images=1, toolchain="open", weights="loaded",
        sums="any", input_shape=(net.config.in_channels, chosen.size, chosen.size), last=chosen.to,
        projects=chosen.work / "projects", reports=chosen.work / "reports",
        started=watch.started, finished=watch.finished, progress=watch.progress, **options)


def seconds() -> float:
    """CPU seconds of this process and of all that it has waited for."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="fixedpoint_paper")
    parser.add_argument("--size", type=int, default=128, help="side of the images")
    parser.add_argument("--board", default="zcu104")
    parser.add_argument("--multipliers", type=int, help="that all convolutions have together")
    parser.add_argument("--to", default="report", choices=STEPS, help="the last step")
    parser.add_argument("--work", type=Path, default=Path("full_size"))
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--again", action="store_true", help="nothing has changed")
    what.add_argument("--other-weights", action="store_true", help="of the same types, in the same design")
    chosen = parser.parse_args()
    path = REFERENCES / f"{chosen.network}_{chosen.size}.json"
    known: dict[str, Any] = read_json(path) if path.is_file() else {}
    name = "other_weights" if chosen.other_weights else "again" if chosen.again else "cold"
    # A design that is made in several runs has the steps of all of them.
    earlier = known.get(name, {}).get("steps", {}) if name == "cold" else {}

    def keep(steps: dict[str, dict[str, float]]) -> None:
        known[name] = {"steps": {**earlier, **steps}}
        write_json(path, known)

    watch, kept = Watch(keep), chosen.work / "folding.json"
    options: dict[str, Any] = ({"folding": kept} if chosen.other_weights else
                               {"multiplier_budget": chosen.multipliers})
    before = seconds()
    keep({})
    accelerator = made(chosen, watch, **options)
    known[name]["cpu_s"] = round(seconds() - before, 1)
    if name == "cold":
        kept.write_text((accelerator.folder / "folding.json").read_text(encoding="utf-8"), encoding="utf-8")
        known |= {"network": chosen.network, "size": chosen.size, "board": chosen.board}
        known["cold"]["cpu_s"] = round(sum(step["cpu_s"] for step in known["cold"]["steps"].values()), 1)
    if name == "other_weights":
        mapped = [line for line in watch.lines if line.startswith("mapped ")]
        known[name] |= {"modules": len(mapped), "mapped": sum(not line.endswith("unchanged") for line in mapped)}
    if accelerator.report is not None:
        known[name] |= {
            "values_compared": sum(check.values for check in accelerator.checks), "differing": accelerator.differing,
            "figures": {f"{figure.name}@{figure.source}": figure.value for figure in accelerator.report.figures
                        if figure.name in FIGURES}}
    write_json(path, known)
    table = Table("Step", "CPU s", "GB", title=f"{chosen.network} at {chosen.size}x{chosen.size}, {name}")
    for step, took in known[name]["steps"].items():
        table.add_row(step, f"{took['cpu_s']:.1f}", f"{took['peak_gb']:.2f}")
    table.add_row("together", f"{known[name]['cpu_s']:.1f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
