"""The command ``quantize``: from a float network and images to a quantized one, without training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantunet_hls.cli.options import field_options
from quantunet_hls.cli.progress import Progress
from quantunet_hls.cli.screen import screen
from quantunet_hls.reports.grid import Column, Grid

if TYPE_CHECKING:
    from quantunet_hls.quantize.quantize import Goal, Images
    from quantunet_hls.quantize.settings import Settings

__all__ = ["quantize"]


@click.command()
@click.argument("model")
@click.option("--data", type=click.Path(path_type=Path), required=True,
              help="A folder of images like those that it will see; with images/ and masks/ it is scored on the masks.")
@field_options("bits")
@click.option("--weight-bits", type=int, default=None, help="Of weights.  [default: --bits]")
@click.option("--activation-bits", type=int, default=None, help="Of activations.  [default: --bits]")
@click.option("--scales", type=click.Choice(["float", "power-of-two"]), default="float", show_default=True,
              help="Steps between values: any, a filter its own, or powers of two, which are shifts in hardware.")
@click.option("--images", type=int, default=32, show_default=True,
              help="How many to calibrate with, spread evenly over the folder.")
@click.option("--tolerance", type=float, default=None,
              help="Dice points (of 100) that may be lost: bits are taken away until they are, layer by layer; without "
              "masks, Dice against the float network's own.  [default: all keep --bits]")
@click.option("--board", default=None, help="With --tolerance: the share of this board is to be small.  [default: bits "
              "of weights and accumulators]")
@click.option("--fold", "folds", type=int, multiple=True, help="Calibrate with images of this fold only; may be "
              "repeated.")
@click.option("--score-fold", "scored", type=int, multiple=True,
              help="Score on this fold, which it is not calibrated with; may be repeated.")
@field_options("means", "deviations", "freeze_statistics", "input_shape", "result")
@click.option("--output", type=click.Choice(["logits", "mask"]), default="logits", show_default=True,
              help="What of it counts: what the network computes, or the class of each pixel, for which a softmax or a "
              "sigmoid at its end is left out; generate takes the result with --output mask then, too.")
@click.option("--name", default=None, help="Name of the quantized network.  [default: the model's, with _quantized]")
@click.option("--out", type=click.Path(path_type=Path), default=Path("quantized"), show_default=True,
              help="Folder for the results' folders; the same command resumes what it holds.")
def quantize(**options: Any) -> None:
    """Quantize the float network MODEL without training, and say what that costs.

    MODEL is an .onnx file without quantizers, a float network of the zoo, or a float .pt checkpoint with its card. The
    quantized network is an .onnx file that `quantunet-hls generate` takes. Of other PyTorch networks export an .onnx
    file with torch.onnx.export, or call quantunet_hls.generate_accelerator(module, board, data=DIR) in Python.
    """
    console = screen()
    with Progress(console, "Loading") as progress:
        # torch and hls4ml take seconds to import, and --help needs neither.
        from quantunet_hls.core.errors import ConfigurationError
        from quantunet_hls.core.names import design_name
        from quantunet_hls.data.image_folders import has_masks
        from quantunet_hls.ingest.source import open_network
        from quantunet_hls.quantize.quantize import quantize as run

        both = set(options["folds"]) & set(options["scored"])
        if options["scored"] and (both or not options["folds"]):
            what = f"Fold {min(both)} is" if both else "All folds are"
            raise ConfigurationError(f"{what} calibrated with and scored on, which says little of other images; "
                                     "name different ones with --fold and --score-fold.")
        if options["board"] and options["tolerance"] is None:
            raise ConfigurationError("--board says what widths are to save, which --tolerance asks for; give it, too.")
        settings = _settings(options)
        source = open_network(options["model"], options["input_shape"], options["result"])
        labelled = has_masks(options["data"])
        name = design_name(options["name"] or f"{source.name}_quantized")

        def show(line: str) -> None:
            progress.begin(line)
            progress.line(f"  {line}", style="dim")

        made = run(source, _reader(options["data"], options["folds"], labelled=labelled), options["out"] / name,
                   settings, labelled=labelled, name=name, goal=_goal(options["board"]), progress=show,
                   score=_reader(options["data"], options["scored"], labelled=labelled) if options["scored"] else None)
    accuracy = made.report["accuracy"]
    titles = {"dice": "Dice", "iou": "IoU", "pixel_accuracy": "accuracy"}
    rows = [(stage, *(f"{100 * accuracy[stage][key]:.2f}" for key in titles))
            for stage in ("float", "frozen", "hardware") if stage in accuracy]
    truth = "" if options["scored"] else ", those of the calibration among them"
    equal = f"{100 * accuracy['equal_pixels']:.2f} % of the pixels have the float network's class"
    console.print(f"{accuracy['images']} images{truth}, against {accuracy['truth']}; {equal}", highlight=False)
    console.print(Grid([Column("network", names=True), *(Column(title, figures=True) for title in titles.values())],
                       rows, name))
    for role, path in (("Network", made.path), ("Report", made.report_path)):
        console.print(f"{role:10} {path}", soft_wrap=True, highlight=False, markup=False)


def _settings(options: dict[str, Any]) -> Settings:
    """How the network is to be quantized."""
    from quantunet_hls.quantize.network import Normalization
    from quantunet_hls.quantize.settings import Settings

    return Settings(
        scales=options["scales"], freeze_statistics=options["freeze_statistics"], output=options["output"],
        tolerance=options["tolerance"], weight_bits=options["weight_bits"] or options["bits"],
        activation_bits=options["activation_bits"] or options["bits"], images=options["images"],
        normalization=Normalization.of(options["means"], options["deviations"]))


def _goal(board: str | None) -> Goal:
    """What widths are to make small."""
    from quantunet_hls import boards
    from quantunet_hls.quantize.quantize import Goal
    from quantunet_hls.tuning.cost import board_cost

    if board is None:
        return Goal()
    found = boards.load(board)
    return Goal(board_cost(found.resources), max(1, (found.resources.dsp or 128) // 2), found.name)


def _reader(folder: Path, folds: tuple[int, ...], *, labelled: bool) -> Images:
    """Reads the images of some folds, all where there are none, with their masks where these are wanted."""
    from quantunet_hls.data.image_folders import Samples, names_in, read_pairs, read_unlabelled

    def read(channels: int) -> Samples:
        if labelled:
            return read_pairs(folder, names_in(folder, folds or None), channels=channels)
        return read_unlabelled(folder, names_in(folder, folds) if folds else None, channels=channels)

    return read
