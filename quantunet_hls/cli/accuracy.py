"""The command ``accuracy``: how well the hardware segments a folder of images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantunet_hls.cli.screen import screen

if TYPE_CHECKING:
    from quantunet_hls.reports.schema import Figure

__all__ = ["accuracy"]


@click.command()
@click.argument("model")
@click.option("--data", type=click.Path(path_type=Path), required=True,
              help="A folder with images/ and masks/, and index.csv where folds are asked for.")
@click.option("--fold", "folds", type=int, multiple=True, help="Only images of this fold; may be repeated.")
@click.option("--float", "baseline", default=None, help="A float network of the zoo to put beside it.")
@click.option("--result", default=None, metavar="NAME", help="Which of the network's several outputs is scored.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A report of the same network to write the scores into.")
@click.option("--device", default="cpu", show_default=True, help="Where the emulator computes: cpu or cuda.")
def accuracy(**options: Any) -> None:
    """Dice, IoU and pixel accuracy of MODEL's hardware, emulated exactly, beside the trained network's.

    MODEL is a zoo name, a .pt checkpoint, or an .onnx file with QONNX quantizers. Images larger than its input
    are cut into tiles that overlap.
    """
    console = screen()
    with console.status("Loading"):
        # torch and hls4ml take seconds to import, and --help needs neither.
        from quantunet_hls.data.image_folders import names_in, read_pairs, require_masks
        from quantunet_hls.emulate.accuracy import accuracy_figures, as_logits, classes_of, emulate_graph, measure
        from quantunet_hls.flow.preflight import check_baseline
        from quantunet_hls.ingest import ingest
        from quantunet_hls.ingest.source import open_source
        from quantunet_hls.reports.grid import Column, Grid
        from quantunet_hls.reports.schema import Report
        from quantunet_hls.zoo import checkpoints as zoo

        chosen = names_in(options["data"], options["folds"] or None)
        require_masks(options["data"], chosen)
        check_baseline(options["baseline"])
        if options["report"]:
            Report.load(options["report"])
        source = open_source(options["model"], result=options["result"])
        graph = ingest(source.graph(), "mask")
        emulator = emulate_graph(graph, device=options["device"])
        samples = read_pairs(options["data"], chosen, channels=graph.input_shape[2],
                             classes=classes_of(emulator.network))
        networks: dict[str, Any] = {}
        if options["baseline"]:
            networks["float"] = zoo.load(options["baseline"])[0]
        module = source.module()
        if module is not None:
            networks["Brevitas"] = as_logits(module, graph)
    with console.status(f"Segmenting {len(samples)} images"):
        results = measure(emulator, samples, networks)
    classes = [f"class {index}" for index, _ in enumerate(results[0].scores.dice_of_classes, start=1)]
    columns = (Column("executor", names=True), *(Column(title, figures=True) for title in (
        "Dice", *classes, "by image", "IoU", "accuracy", "s")))
    rows = []
    for result in results:
        scores = result.scores
        shares = (scores.dice, *scores.dice_of_classes, scores.dice_per_image, scores.iou, scores.pixel_accuracy)
        rows.append((result.executor, *[f"{share:.4f}" for share in shares], f"{result.seconds:.1f}"))
    console.print(Grid(columns, rows, f"{source.name} on {len(samples)} images"))
    if options["report"]:
        _write_into(options["report"], source.sha256, accuracy_figures(results))
        console.print(f"Written    {options['report']}", soft_wrap=True, highlight=False, markup=False)


def _write_into(path: Path, sha256: str, figures: tuple[Figure, ...]) -> None:
    from quantunet_hls.core.errors import ConfigurationError
    from quantunet_hls.reports.merge import merge
    from quantunet_hls.reports.schema import Report

    report = Report.load(path)
    if report.network.sha256 != sha256:
        raise ConfigurationError(
            f"{path} reports on another network ({report.network.name}) than the one scored; name a report of this one."
        )
    merge([report, replace(report, figures=figures, checks=(), layers=())]).save(path)
