"""``quantunet-hls train``: from a data folder to a checkpoint."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from quantunet_hls.errors import ConfigurationError

__all__ = ["train"]


def _folds(_: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise ConfigurationError(
            f"{option.opts[0]} takes whole numbers with commas between them, such as 1,2,3, not {text!r}."
        ) from error


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True,
              help="Folder with images/, masks/ and index.csv (columns file, fold).")
@click.option("--name", required=True, help="Name of the checkpoint: letters, digits, underscores.")
@click.option("--quantized/--float", "quantized", default=True, show_default=True, help="What to train.")
@click.option("--weight-bits", default=4, show_default=True)
@click.option("--activation-bits", default=6, show_default=True)
@click.option("--depth", default=3, show_default=True, help="How often the image is halved.")
@click.option("--base-channels", default=8, show_default=True, help="Channels at full size; doubled at every halving.")
@click.option("--in-channels", default=1, show_default=True, help="1 for grey images, 3 for colour.")
@click.option("--init", default=None, help="First weights: a zoo name or a checkpoint's path.  [default: random]")
@click.option("--epochs", default=40, show_default=True)
@click.option("--stop-after", type=int, default=None,
              help="Stop after this many epochs; the same command without it carries on.")
@click.option("--batch-size", default=16, show_default=True)
@click.option("--lr", default=3e-3, show_default=True, help="Peak learning rate.")
@click.option("--seed", default=1, show_default=True)
@click.option("--mixed-precision", is_flag=True, help="Compute a float network in bfloat16 where that is safe.")
@click.option("--train-folds", default="1,2,3", show_default=True, callback=_folds)
@click.option("--val-folds", default="4", show_default=True, callback=_folds)
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Run folder; the same command resumes what it holds.  [default: runs/NAME]")
@click.option("--save-to-zoo", is_flag=True, help="Put checkpoint and card into the zoo as well.")
@click.pass_context
def train(context: click.Context, **options: Any) -> None:
    """Train a U-Net on a folder of images and masks, resuming where a killed run stopped."""
    # Heavy imports wait until there is something to train.
    from quantunet_hls import zoo
    from quantunet_hls.files import check_name
    from quantunet_hls.nets import LayerWidths, UNetConfig
    from quantunet_hls.training import Plan, Settings, run

    name = check_name("checkpoint", options["name"])
    quantized: bool = options["quantized"]
    plan = Plan(
        name=name,
        data=options["data"],
        architecture=UNetConfig(
            depth=options["depth"], base_channels=options["base_channels"], in_channels=options["in_channels"],
            widths=LayerWidths(weight=options["weight_bits"], activation=options["activation_bits"]),
            quantized=quantized, batch_norm=not quantized,
        ),
        training_folds=options["train_folds"],
        validation_folds=options["val_folds"],
        settings=Settings(
            epochs=options["epochs"], batch_size=options["batch_size"], learning_rate=options["lr"],
            seed=options["seed"], mixed_precision=options["mixed_precision"],
        ),
        init=options["init"],
        stop_after=options["stop_after"],
        command=_command_line(context),
    )
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        epochs = progress.add_task("epochs", total=plan.settings.epochs)
        steps = progress.add_task("steps")
        net, card = run(
            plan,
            options["out"] or Path("runs") / name,
            on_step=lambda done, total: progress.update(steps, completed=done, total=total),
            on_epoch=lambda result: _show_epoch(progress, epochs, result),
        )
    if options["save_to_zoo"]:
        card = zoo.save(
            net, name, height=card.height, width=card.width,
            scores=card.scores, data=card.data, training=card.training,
        )
    _show_card(card)


def _show_epoch(progress: Progress, task: Any, result: Any) -> None:
    progress.update(task, completed=result.epoch)
    progress.console.print(
        f"epoch {result.epoch}/{result.epochs}  loss {result.loss:.4f}  Dice {result.scores.dice:.4f} "
        f"(by image {result.scores.dice_per_image:.4f})  IoU {result.scores.iou:.4f}  "
        f"accuracy {result.scores.pixel_accuracy:.4f}  best {result.best_dice:.4f} at {result.best_epoch}  "
        f"{result.seconds:.0f} s",
        highlight=False,
    )


def _show_card(card: Any) -> None:
    table = Table(title=card.name)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key in ("dice", "dice_per_image", "iou", "pixel_accuracy"):
        table.add_row(key, f"{card.scores[key]:.4f}")
    table.add_row("best epoch", str(card.training["best_epoch"]))
    table.add_row("minutes", f"{card.training['minutes']:.1f}")
    table.add_row("bytes", f"{card.footprint.size_bytes:,}")
    Console().print(table)


def _command_line(context: click.Context) -> str:
    """The command without what differs between machines: data and checkpoints by their last names alone."""
    words = ["quantunet-hls", "train"]
    for option in context.command.params:
        given = context.params.get(option.name or "")
        if not isinstance(option, click.Option) or option.name in {"out", "save_to_zoo"}:
            continue
        if option.is_flag:
            if given != option.get_default(context):
                words.append(option.opts[0] if given else option.secondary_opts[0])
            continue
        if given is None or context.get_parameter_source(option.name or "") is click.core.ParameterSource.DEFAULT:
            continue
        text = ",".join(map(str, given)) if isinstance(given, tuple) else str(given)
        words += [option.opts[0], Path(text).resolve().name if option.name in {"data", "init"} else text]
    return shlex.join(words)
