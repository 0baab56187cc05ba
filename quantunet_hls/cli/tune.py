"""The command ``tune``: the cheapest types that keep a network's accuracy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import click

from quantunet_hls.cli.screen import screen
from quantunet_hls.reports.grid import Column, Grid

__all__ = ["tune"]


@click.command()
@click.argument("model")
@click.option("--data", type=click.Path(path_type=Path), required=True,
              help="A folder with images/ and masks/, and index.csv where folds are asked for.")
@click.option("--board", required=True,
              help="A board of the catalogue, see `quantunet-hls boards`, or the path of a board's JSON.")
@click.option("--tolerance", default=0.5, show_default=True, help="Dice points (of 100) that may be lost.")
@click.option("--bits", type=int, default=None,
              help="Widest weights and activations.  [default: the network's]")
@click.option("--cost", "model_of_cost", type=click.Choice(["board", "bits"]), default="board", show_default=True,
              help="What is to be small: the board's share, or bits of weights and accumulators.")
@click.option("--fold", "folds", type=int, multiple=True,
              help="Calibrate and search with images of this fold only; may be repeated.")
@click.option("--score-fold", "scored", type=int, multiple=True,
              help="Score the result on this fold, which nothing is chosen with; may be repeated.")
@click.option("--multipliers", type=int, default=None,
              help="Multipliers of all convolutions together.  [default: half the part's DSP blocks]")
@click.option("--result", metavar="NAME", default=None, help="Which of the network's several outputs counts.")
@click.option("--output", type=click.Choice(["logits", "mask"]), default="logits", show_default=True,
              help="What of it counts: what the network computes, or the class of each pixel, for which a softmax or a "
              "sigmoid at its end is left out; generate takes the result with --output mask then, too.")
@click.option("--name", default=None, help="Name of the tuned network.  [default: the model's, with _tuned]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("tuned"), show_default=True,
              help="Folder for the results' folders; the same command resumes what it holds.")
def tune(**options: Any) -> None:
    """Find the cheapest types for MODEL that lose no more than a tolerance, measured on the exact emulator.

    MODEL is a zoo name, a .pt checkpoint or an .onnx file with QONNX quantizers; a float network is quantized by
    `quantunet-hls quantize`, which has a --tolerance, too. The tuned network is an .onnx file that `quantunet-hls
    generate` takes.
    """
    console = screen()
    with console.status("Loading"):
        # torch and hls4ml take seconds to import, and --help needs neither.
        from quantunet_hls import boards
        from quantunet_hls.core.errors import ConfigurationError
        from quantunet_hls.data.image_folders import Samples, names_in, read_pairs, require_masks
        from quantunet_hls.tuning.cost import bit_cost, board_cost
        from quantunet_hls.tuning.tune import tune as run

    both = set(options["folds"]) & set(options["scored"])
    if options["scored"] and (both or not options["folds"]):
        what = f"Fold {min(both)} is" if both else "All folds are"
        raise ConfigurationError(f"{what} searched with and scored on, which says nothing of other images; "
                                 "name different ones with --fold and --score-fold.")
    board = boards.load(options["board"])
    for folds in (options["folds"], options["scored"]) if options["scored"] else (options["folds"],):
        require_masks(options["data"], names_in(options["data"], folds or None))

    def reader(folds: tuple[int, ...]) -> Callable[[Any], Samples]:
        @cache
        def read(shape: Any) -> Samples:
            channels = shape[0] if shape else 1
            return read_pairs(options["data"], names_in(options["data"], folds or None), channels=channels)
        return read

    name = options["name"] or f"{Path(options['model']).stem}_tuned"[:60]
    status = console.status("Calibrating")

    def show(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    with status:
        tuned = run(options["model"], reader(options["folds"]), board,
                    bit_cost if options["model_of_cost"] == "bits" else board_cost(board.resources),
                    options["out"] / name, tolerance=options["tolerance"], bits=options["bits"],
                    score=reader(options["scored"]) if options["scored"] else None,
                    multipliers=options["multipliers"], result=options["result"], output=options["output"], name=name,
                    progress=show)
    summary = tuned.summary
    columns = [Column(title, figures=True) for title in ("images", "Dice before", "Dice after")]
    rows = []
    for part, title in (("choice", "chosen with"), ("score", "scored on")):
        if part in summary["dice"]:
            dice = summary["dice"][part]
            rows.append((f"{title} {summary['images'][part]}", f"{100 * dice['start']:.2f}",
                         f"{100 * dice['tuned']:.2f}"))
    console.print(Grid(columns, rows, f"{name}: {summary['weight_bits']:.2f} bits a weight, "
                                      f"{summary['activation_bits']:.2f} an activation, on average"))
    for role, path in (("Network", tuned.path), ("Types", tuned.precision), ("All files", tuned.path.parent)):
        console.print(f"{role:10} {path}", soft_wrap=True, highlight=False, markup=False)
