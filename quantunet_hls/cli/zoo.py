"""``quantunet-hls zoo``: what is in the model zoo, and whether it is sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quantunet_hls.cli.screen import screen
from quantunet_hls.core.errors import CheckpointError, ConfigurationError
from quantunet_hls.reports.grid import Column, Grid
from quantunet_hls.zoo.folders import Place, own_folder, places

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["zoo"]


@click.command()
@click.option("--verify", is_flag=True, help="Load every checkpoint and check it against its card.")
@click.option("--score", is_flag=True,
              help="Score every checkpoint anew on the images that its card names; needs --data.")
@click.option("--report", type=click.Path(path_type=Path), default=None,
              help="Write a report on all of them to this Markdown file, with plots in a folder beside it.")
@click.option("--data", type=click.Path(path_type=Path), default=None,
              help="Folder with the data sets' folders: to score on, and for the report to show predictions.")
@click.option("--fetch", multiple=True, metavar="NAME",
              help="Bring a checkpoint here that is too large to come with the package; may be repeated.")
def zoo(verify: bool, score: bool, report: Path | None, data: Path | None, fetch: tuple[str, ...]) -> None:
    """List the trained networks that can be turned into accelerators."""
    if fetch:
        _fetch(fetch)
        return
    if report is not None:
        from quantunet_hls.zoo.report import write_report

        for file in write_report(report, data):
            click.echo(str(file))
        return
    if score:
        _score(data)
        return
    _list(verify)


def _list(verify: bool) -> None:
    # Loading the package's networks takes seconds, which --help should not.
    from quantunet_hls.zoo import checkpoints as models

    verdicts = {verdict.name: verdict.problem for verdict in models.verify()} if verify else {}
    problems = [problem for problem in verdicts.values() if problem]
    entries = places()
    # Eighty columns have no room for every score and the verdict as well.
    scores = {"Dice": "dice"} if verify else {"Dice": "dice", "IoU": "iou", "acc.": "pixel_accuracy"}
    columns = [Column("name", names=True),
               *(Column(title, figures=True) for title in (*scores, "bits", "kB", "smaller")),
               *[Column("sound", names=True)] * verify]
    rows: list[Sequence[str]] = []
    for name in entries:
        if verdicts.get(name):
            rows.append((name, *[""] * (len(scores) + 3), "no"))
            continue
        card = models.card_of(name)
        size = card.footprint
        rows.append((
            name,
            *[_share(card.scores.get(key)) for key in scores.values()],
            f"{size.weight_bits:.3g}/{size.activation_bits:.3g}", f"{size.size_bytes / 1000:.1f}",
            f"{size.times_smaller:.1f}x", *["yes" if name in verdicts else "not here"] * verify,
        ))
    console = screen()
    console.print(Grid(columns, rows, f"Model zoo: {len(rows)} networks"))
    console.print("Scores in percent; bits of weights / activations; size against float32", style="dim")
    console.print(_origins(entries), soft_wrap=True, highlight=False, markup=False)
    if far := [name for name in entries if not verdicts.get(name) and not models.is_here(name)]:
        console.print(f"To be fetched first, with --fetch NAME: {', '.join(far)}.", soft_wrap=True, highlight=False,
                      markup=False)
    if problems:
        raise CheckpointError(problems[0])


def _show_bytes(status: Status, name: str, count: int) -> None:
    status.update(f"Fetching {name}: {count / 1e6:.0f} MB")


def _fetch(names: Sequence[str]) -> None:
    from quantunet_hls.zoo.fetch import fetch

    console = screen()
    for name in names:
        with console.status(f"Fetching {name}") as status:
            path = fetch(name, partial(_show_bytes, status, name))
        console.print(f"{name} is at {path}.", soft_wrap=True, highlight=False, markup=False)


def _score(data: Path | None) -> None:
    from quantunet_hls.zoo.rescore import rescore

    if data is None:
        raise ConfigurationError("Scoring needs images: give --data, the folder in which the data sets' folders are.")
    columns = [Column("name", names=True), *(Column(title, figures=True) for title in (
        "images", "Dice", "spread", "card", "by image", "IoU", "HD95", "lesions"))]
    rows, other = [], []
    console = screen()
    with console.status("Scoring") as status:
        for found in rescore(data):
            status.update(f"Scored {found.name}")
            scores, lesions = found.scores, found.lesions
            shares = (scores.dice, found.spread, found.stated, scores.dice_per_image, scores.iou)
            distance = "" if lesions.hausdorff_95 is None else f"{lesions.hausdorff_95:.1f}"
            rows.append((found.name, str(found.images), *[_share(value) for value in shares], distance,
                         _share(lesions.recall)))
            if not found.same:
                other.append(found.name)
    console.print(Grid(columns, rows, f"Model zoo: {len(rows)} networks, scored anew"))
    console.print("In percent, HD95 in pixels. Spread: standard deviation of Dice over other draws of images; lesions: "
                  "share that was found; HD95 leaves images out that have foreground in truth or result only",
                  style="dim")
    if other:
        raise CheckpointError(f"{other[0]} has another Dice than its card states; fetch the data set and both files "
                              "again, or train it anew.")


def _origins(entries: Mapping[str, Place]) -> str:
    """Which entries are the user's, and which of them is taken instead of one of the package's."""
    own = [name for name, place in entries.items() if place.own]
    if not own:
        return f"{'All of them come with the package; your' if entries else 'Your'} own go into {own_folder()}."
    hiding = [name for name in own if entries[name].hides_shipped]
    instead = f" Taken instead of the package's of the same name: {', '.join(hiding)}." if hiding else ""
    return f"Your own, in {own_folder()}: {', '.join(own)}.{instead}"


def _share(value: object) -> str:
    return f"{100 * value:.2f}" if isinstance(value, int | float) else ""
