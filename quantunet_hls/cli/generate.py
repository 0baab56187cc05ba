"""The command ``generate``: the whole flow, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from quantunet_hls.cli.progress import Progress
from quantunet_hls.cli.screen import screen

if TYPE_CHECKING:
    from quantunet_hls.flow.accelerator import Accelerator

__all__ = ["flow_options", "generate", "run_flow"]

_STAGES = ("csim", "csynth", "cosim", "export", "vsynth", "implement")


def flow_options(command: Any) -> Any:
    """The options that every command over the flow takes."""
    for option in reversed((
        click.argument("model"),
        click.option("--board", default=None, help="A board of the catalogue; see `quantunet-hls boards`."),
        click.option("--part", default=None, help="Any part instead, with package and speed grade."),
        click.option("--name", default=None, help="Name of project and report.  [default: model and board]"),
        click.option("--size", nargs=3, type=int, default=None, metavar="C H W",
                     help="Image size of a checkpoint.  [default: what it was trained on]"),
        click.option("--clock-ns", type=float, default=None, help="Clock period in ns.  [default: the board's]"),
        click.option("--multipliers", type=int, default=None,
                     help="Multipliers of all convolutions together.  [default: half the part's DSP blocks]"),
        click.option("--fps", type=float, default=None, help="Or: frames a second to reach, in the fewest resources."),
        click.option("--latency-us", type=float, default=None,
                     help="Or: microseconds from a frame's first pixel to its last result (open tool chain)."),
        click.option("--share", type=float, default=None,
                     help="Or: the share of the board that may be taken, such as 0.6; as fast as that allows."),
        click.option("--folding", type=click.Path(path_type=Path), default=None,
                     help="Or: a file with the parallelism of every layer, such as an earlier design's folding.json."),
        click.option("--data", type=click.Path(path_type=Path), default=None,
                     help="Images to check with: a folder, a file, or a .npy array.  [default: drawn phantoms]"),
        click.option("--output", type=click.Choice(("logits", "mask")), default="logits", show_default=True,
                     help="What the design sends: the network's values, or the class of each pixel."),
        click.option("--images", default=4, show_default=True, help="How many images to check with."),
        click.option("--projects", type=click.Path(path_type=Path), default=Path("hls_projects"), show_default=True),
        click.option("--reports", type=click.Path(path_type=Path), default=Path("reports"), show_default=True),
    )):
        command = option(command)
    return command


@click.command()
@flow_options
@click.option("--toolchain", default="auto", show_default=True,
              help="Who synthesizes: vitis, vivado, open, none, or auto for the first of these that is here.")
@click.option("--stage", "stages", multiple=True, type=click.Choice(_STAGES), default=("csynth",), show_default=True,
              help="What to ask the vendor's tools for; may be repeated. With the open tool chain, implement runs "
                   "Vivado on the RTL.")
@click.option("--arithmetic", type=click.Choice(("auto", "dsp", "packed", "lut")), default="auto", show_default=True,
              help="What the open tool chain's RTL multiplies with; auto lets the board decide, layer by layer.")
@click.option("--netlist", type=click.Choice(("sample", "all")), default="sample", show_default=True,
              help="How much of the open tool chain's mapped netlist is simulated: the smallest modules, or every one.")
@click.option("--precision", type=click.Path(path_type=Path), default=None,
              help="A file of types to build it with, such as an earlier design's precision.json, edited.")
@click.option("--fold", "folds", type=int, multiple=True,
              help="Where --data has masks: measure accuracy on this fold only; may be repeated.")
@click.option("--float", "baseline", default=None, help="A float network of the zoo to put its accuracy beside.")
@click.option("--from", "first", default=None, help="Run from this step on, even if nothing changed.")
@click.option("--to", "last", default=None,
              help="Stop behind this step: export, ingest, project, csim, accuracy, rtl, synthesis, netlist, place "
                   "or report.")
def generate(**options: Any) -> None:
    """Turn MODEL into a proven hls4ml project and a report.

    MODEL is a zoo name, a .pt checkpoint, or an .onnx file with QONNX quantizers.
    """
    console = screen()
    made = run_flow(console, options)
    from quantunet_hls.reports import render

    if made.report is not None:
        target = made.report.target
        console.print(render.stages(made.checks))
        console.print(render.totals(made.report.figures, f"{made.name}: {target.part} at {target.clock_ns:g} ns"))
    for role, path in (("Project", made.project), ("Report", made.report_path), ("All files", made.folder)):
        if path.exists():
            console.print(f"{role:10} {path}", soft_wrap=True, highlight=False, markup=False)


def run_flow(console: Console, options: dict[str, Any]) -> Accelerator:
    """Run the flow with a line for each step.

    Args:
        console: where to.
        options: as click collected them; the names are those of :func:`flow_options` and of
            :func:`quantunet_hls.generate_accelerator`.
    """
    with Progress(console, "Loading") as progress:
        # torch and hls4ml take seconds to import, and --help needs neither.
        from quantunet_hls.core.steps import Outcome
        from quantunet_hls.flow.accelerator import generate_accelerator

        def show(outcome: Outcome) -> None:
            time = "unchanged" if outcome.cached else f"{outcome.seconds:.1f} s"
            progress.line(f"{outcome.step.title:<44}{time:>12}")

        return generate_accelerator(
            options.pop("model"),
            options.pop("board"),
            input_shape=options.pop("size") or None,
            multiplier_budget=options.pop("multipliers"),
            target_fps=options.pop("fps"),
            target_latency_us=options.pop("latency_us"),
            target_share=options.pop("share"),
            started=lambda step: progress.begin(step.title),
            finished=show,
            progress=lambda line: progress.line(f"  {line}", style="dim"),
            **options,
        )
