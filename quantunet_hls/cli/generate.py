"""The command ``generate``: the whole flow, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from quantunet_hls.cli.options import flow_options
from quantunet_hls.cli.progress import Progress
from quantunet_hls.cli.screen import screen

if TYPE_CHECKING:
    from quantunet_hls.flow.accelerator import Accelerator

__all__ = ["generate", "run_flow"]


@click.command()
@flow_options(whole=True)
def generate(**options: Any) -> None:
    """Turn MODEL into a proven hls4ml project and a report.

    MODEL is a zoo name, a .pt checkpoint, or an .onnx file. A float network is quantized first, with the images of
    --data; `quantunet-hls quantize` says what that costs, and has more to choose.
    """
    console = screen()
    made = run_flow(console, options)
    from quantunet_hls.reports import render

    if made.report is not None:
        target = made.report.target
        console.print(render.pairs(made.checks))
        console.print(render.totals(made.report.figures, f"{made.name}: {target.part} at {target.clock_ns:g} ns"))
    for role, path in (("Project", made.project), ("Report", made.report_path), ("All files", made.folder)):
        if path.exists():
            console.print(f"{role:10} {path}", soft_wrap=True, highlight=False, markup=False)


def run_flow(console: Console, options: dict[str, Any]) -> Accelerator:
    """Run the flow with a line for each step.

    Args:
        console: where to.
        options: of :func:`quantunet_hls.generate_accelerator`.
    """
    with Progress(console, "Loading") as progress:
        # torch and hls4ml take seconds to import, and --help needs neither.
        from quantunet_hls.core.steps import Outcome
        from quantunet_hls.flow.accelerator import generate_accelerator

        def show(outcome: Outcome) -> None:
            time = "unchanged" if outcome.cached else f"{outcome.seconds:.1f} s"
            progress.line(f"{outcome.step.title:<44}{time:>12}")

        return generate_accelerator(
            **options,
            started=lambda step: progress.begin(step.title),
            finished=show,
            progress=lambda line: progress.line(f"  {line}", style="dim"),
        )
