"""CPU seconds of each step of the open flow for the smallest design: what a sweep pays for every design.

    python benchmarks/small_design.py

The design is a U-Net of depth 1 with 2 channels and images of 16x16, random weights, on the ZCU104. All folders are
fresh, so nothing is found made; the making of the network has a row of its own. CPU seconds are user's and system's,
those of every tool that a step starts among them. Yosys has been compiled for this machine before, as it is once after
its installation.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.core.steps import Outcome, Step


@dataclass
class Meter:
    """Notes what passes from one call to the next.

    Attributes:
        cpu: CPU seconds by what they were for, of this process and of all that it has waited for.
        clock: seconds by the clock, likewise.
    """

    cpu: dict[str, float] = field(default_factory=dict)
    clock: dict[str, float] = field(default_factory=dict)
    _cpu: float = 0.0
    _clock: float = field(default_factory=time.monotonic)

    def note(self, name: str) -> None:
        """What has passed since the last note was for this."""
        now = os.times()
        cpu, clock = now.user + now.system + now.children_user + now.children_system, time.monotonic()
        self.cpu[name] = self.cpu.get(name, 0.0) + cpu - self._cpu
        self.clock[name] = self.clock.get(name, 0.0) + clock - self._clock
        self._cpu, self._clock = cpu, clock


def measure(meter: Meter) -> None:
    """Run the flow, cold, and note its steps."""
    import torch

    from quantunet_hls import generate_accelerator
    from quantunet_hls.nets import QuantUNet, calibrate

    meter.note("imports")
    # Threads that wait for one another count as work, more of it the busier the machine is.
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = QuantUNet(depth=1, base_channels=2)
    calibrate(net, torch.rand(4, 1, 16, 16))
    meter.note("network")

    def started(step: Step) -> None:
        meter.note("keys of the steps")

    def finished(outcome: Outcome) -> None:
        meter.note(outcome.step.name)

    with tempfile.TemporaryDirectory() as folder:
        made = generate_accelerator(net.eval(), "zcu104", input_shape=(1, 16, 16), toolchain="open", name="smallest",
                                    projects=Path(folder) / "projects", reports=Path(folder) / "reports",
                                    started=started, finished=finished)
    if made.differing:
        raise SystemExit(f"{made.differing} values differ.")


def main() -> None:
    """Print the table."""
    meter = Meter()
    yosys_version()
    meter.note("start")
    measure(meter)
    table = Table("Step", "CPU s", "s", title="Open flow, cold: depth 1, base 2, 16x16, ZCU104")
    for name, cpu in meter.cpu.items():
        table.add_row(name, f"{cpu:.1f}", f"{meter.clock[name]:.1f}")
    table.add_row("together", f"{sum(meter.cpu.values()):.1f}", f"{sum(meter.clock.values()):.1f}", style="bold")
    Console().print(table)


if __name__ == "__main__":
    main()
