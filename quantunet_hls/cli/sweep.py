"""The command ``sweep``: many designs, on all cores or a cluster, kept in one file."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from quantunet_hls.cli.options import List, axis_options
from quantunet_hls.cli.screen import screen
from quantunet_hls.core.printable import cut
from quantunet_hls.sweep.grid import DEFAULTS

if TYPE_CHECKING:
    from distributed import Client

    from quantunet_hls.sweep.grid import Grid

__all__ = ["sweep"]


@click.command()
@click.argument("grid", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--models", type=List(str), metavar="A,B", help="Zoo names, checkpoints or ONNX files.")
@click.option("--boards", type=List(str), metavar="A,B", help="Boards of the catalogue.")
@click.option("--widths", type=List(str), metavar="4/6,3/4", help="Weight/activation bits of untrained U-Nets.")
@axis_options(DEFAULTS)
@click.option("--store", type=click.Path(path_type=Path, dir_okay=False), default=Path("sweep.sqlite"),
              show_default=True, help="SQLite file of the results; what it has is not made again.")
@click.option("--projects", type=click.Path(path_type=Path), default=Path("hls_projects"), show_default=True)
@click.option("--reports", type=click.Path(path_type=Path), default=Path("reports"), show_default=True)
@click.option("--workers", type=click.IntRange(1), default=None,
              help="Processes on this machine, or batch jobs.  [default: one a core]")
@click.option("--scheduler", default=None, metavar="ADDRESS",
              help="Run on this Dask scheduler's workers, which see the same files, as tcp://host:8786.")
@click.option("--cluster", "system", type=click.Choice(["slurm", "lsf"]), default=None,
              help="Run in batch jobs; queue, memory and time stand in the grid's cluster: {...}.")
@click.option("--job-script", is_flag=True, help="With --cluster: show what would be submitted, and end.")
@click.option("--retries", type=click.IntRange(0), default=3, show_default=True,
              help="How often a design is tried again after a failure or its worker's death.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
              help="Write the page that compares all designs of the file.")
def sweep(grid: Path | None, store: Path, projects: Path, reports: Path, workers: int | None, scheduler: str | None,
          system: str | None, job_script: bool, retries: int, html: Path | None, **axes: Any) -> None:
    """Make every combination of models, boards and settings.

    GRID is a YAML file with lists such as models, boards and multipliers, and settings such as toolchain, of the names
    that the options here have, which take their place. A model may be an untrained U-Net there:
    unet: {depth: 2, base_channels: 8, size: [1, 64, 64]}. See the README for an example.
    """
    console = screen()
    with console.status("Loading"):
        from quantunet_hls.compare.page import is_page
        from quantunet_hls.core.errors import ConfigurationError
        from quantunet_hls.core.outputs import check_outputs
        from quantunet_hls.sweep.cluster import job_script as script_of
        from quantunet_hls.sweep.grid import read_grid
        from quantunet_hls.sweep.results import SweepResults

        if scheduler and system:
            raise ConfigurationError("Give --scheduler or --cluster, not both.")
        wanted = read_grid(grid, axes)
        if html is not None:
            check_outputs([(html, is_page)], [store, *([grid] if grid else [])])
    if job_script:
        if not system:
            raise ConfigurationError("A job's script needs a batch system; give --cluster slurm or --cluster lsf.")
        click.echo(script_of(system, wanted.cluster or {}))
        return
    failed = _run(console, wanted, SweepResults(store), (projects, reports), workers, scheduler, system, retries)
    console.print(f"Results    {store}", soft_wrap=True, highlight=False, markup=False)
    if html is not None:
        from quantunet_hls.compare import compare, open_designs
        from quantunet_hls.compare.page import page
        from quantunet_hls.core.files import write_text

        write_text(html, page(compare(open_designs([store]))))
        console.print(f"Page       {html}", soft_wrap=True, highlight=False, markup=False)
    sys.exit(1 if failed else 0)


def _run(console: Console, grid: Grid, store: Any, folders: tuple[Path, Path], workers: int | None,
         scheduler: str | None, system: str | None, retries: int) -> int:
    """Work the sweep off behind a progress bar; how many designs failed."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from quantunet_hls.sweep.results import State
    from quantunet_hls.sweep.run import run_sweep

    with console.status("Looking at what is known"):
        jobs = grid.jobs(*folders)
        known = store.done()
    kept = [job for job in jobs if job.key in known]
    counts = {State.DONE: 0, State.REFUSED: 0, State.FAILED: 0}
    console.print(f"{len(jobs)} designs, {len(kept)} of them known already", highlight=False)
    if len(kept) < len(jobs):
        bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                       console=console)
        _quiet()
        with _client(grid, workers, scheduler, system) as client, bar:
            task = bar.add_task("Designs", total=len(jobs), completed=len(kept))

            def say(text: str) -> None:
                bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

            for result in run_sweep(jobs, store, client, retries=retries,
                                    retrying=lambda job, why: say(f"{job.name}: tried again, for {why}")):
                counts[result.state] += 1
                bar.advance(task)
                say(f"{result.job.name}: {result.state}, {result.seconds:.1f} s"
                    + (f": {cut(result.error)}" if result.error else ""))
    console.print(", ".join(f"{count} {state}" for state, count in counts.items()) + f", {len(kept)} known before",
                  highlight=False)
    return counts[State.FAILED]


def _quiet() -> None:
    """Keep Dask's own log off the screen; what matters of it comes back as a job's outcome."""
    import logging

    import distributed  # noqa: F401 (its loggers are made on import)

    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _client(grid: Grid, workers: int | None, scheduler: str | None,
            system: str | None) -> AbstractContextManager[Client]:
    from quantunet_hls.sweep import cluster

    if scheduler:
        return cluster.remote_client(scheduler)
    if system:
        return cluster.batch_client(system, grid.cluster or {}, workers or 1)
    return cluster.local_client(workers)
