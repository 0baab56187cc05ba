"""``quantunet-hls train``: from a data folder to a checkpoint."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from quantunet_hls.cli.screen import screen
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports.grid import Column, Grid

if TYPE_CHECKING:
    from quantunet_hls.boards import Board
    from quantunet_hls.nets import QuantUNet
    from quantunet_hls.training import Plan, Recipe
    from quantunet_hls.training.settings import BoardCost
    from quantunet_hls.zoo.cards import Card

__all__ = ["train"]

_DEFAULT_TRAINING, _DEFAULT_VALIDATION = (1, 2, 3), (4,)


def _numbers(_: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """1,2,3 or 0-17 or both."""
    if text is None:
        return None
    numbers: set[int] = set()
    try:
        for part in text.split(","):
            first, _dash, last = part.partition("-")
            numbers |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        numbers = set()
    if not numbers or len(numbers) > 1_000_000:
        raise ConfigurationError(
            f"{option.opts[0]} takes whole numbers and ranges with commas between them, such as 1,2,3 or 0-17, "
            f"not {text!r}."
        )
    return tuple(sorted(numbers))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True,
              help="Folder with images/, masks/ and, for folds, index.csv (columns file, fold).")
@click.option("--name", required=True, help="Name of the checkpoint: letters, digits, underscores.")
@click.option("--recipe", default=None,
              help="A recipe's name, or a YAML file that says what it changes in uniform, or in the recipe that it "
                   "extends (extends: NAME or FILE.yaml); what the options below say wins.  [default: uniform, or "
                   "float with --float]")
@click.option("--quantized/--float", "quantized", default=True, help="What to train without a recipe.")
@click.option("--architecture", default=None, help="Named shape: small, tiny, original, fixedpoint_paper.")
@click.option("--depth", type=int, default=None, help="How often the image is halved.")
@click.option("--base-channels", type=int, default=None, help="Channels at full size; doubled at every halving.")
@click.option("--upsampling", default=None, help="nearest, bilinear or transposed.")
@click.option("--in-channels", type=int, default=None, help="1 for grey images, 3 for colour.")
@click.option("--classes", type=int, default=None,
              help="Kinds of foreground to tell apart, by the column class of index.csv.  [default: any foreground]")
@click.option("--weights", default=None, help="A format such as w0.4, or ternary or binary.")
@click.option("--activations", default=None, help="A format such as a6.0.")
@click.option("--weight-bits", type=int, default=None, help="Bits of a weight; learning starts there.")
@click.option("--activation-bits", type=int, default=None, help="Bits of an activation, likewise.")
@click.option("--measure", default=None, help="What learned widths are weighed by: mean, parameters, operations.")
@click.option("--target-bits", type=float, default=None, help="Where the bitwidth loss ends, by that measure.")
@click.option("--board", default=None, help="Weigh learned widths by what the whole design takes of this board.")
@click.option("--budget", type=float, default=0.7, show_default=True,
              help="Share of the board's LUTs, DSP blocks and block RAM that the streaming RTL may be estimated at.")
@click.option("--frames-per-second", type=float, default=100.0, show_default=True,
              help="Frame rate that --board folds the design for.")
@click.option("--init", default=None, help="First weights: a zoo name or a checkpoint's path.  [default: random]")
@click.option("--teacher", default=None,
              help="A zoo name or a checkpoint's path: learn from its probabilities as well.")
@click.option("--distillation", type=float, default=None, help="Weight of what the teacher says.")
@click.option("--epochs", type=int, default=None)
@click.option("--stop-after", type=int, default=None,
              help="Stop after this many epochs; the same command without it carries on.")
@click.option("--keep", default=None,
              help="Weights of the last epoch, or of the best on the validation images.  [default: the recipe's]")
@click.option("--average", type=float, default=None,
              help="Share of itself that a moving average of the weights keeps at a step, such as 0.999.")
@click.option("--patience", type=int, default=None, help="End after so many epochs without a better Dice.")
@click.option("--batch-size", type=int, default=None)
@click.option("--lr", type=float, default=None, help="Peak learning rate.")
@click.option("--seed", type=int, default=None)
@click.option("--crop", type=int, default=None, help="Side of the squares cut from larger images.")
@click.option("--crops-per-image", type=int, default=None, help="Squares of every image in an epoch.")
@click.option("--mixed-precision", is_flag=True, help="Compute a float network in bfloat16 where that is safe.")
@click.option("--compiled", is_flag=True, help="Let torch.compile fuse a float network's operations.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto: cuda where there is one.")
@click.option("--train-folds", default=None, callback=_numbers, help="[default: 1,2,3]")
@click.option("--val-folds", default=None, callback=_numbers, help="[default: 4]")
@click.option("--train-slices", default=None, callback=_numbers,
              help="Instead of folds: places in the order of the names, such as 0-17.")
@click.option("--val-slices", default=None, callback=_numbers, help="Likewise, such as 18-23.")
@click.option("--score-folds", default=None, callback=_numbers,
              help="Folds that the result is scored on, in the end only.  [default: the validation images]")
@click.option("--score-slices", default=None, callback=_numbers, help="Likewise, by places.")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Run folder; the same command resumes what it holds.  [default: runs/NAME]")
@click.option("--save-to-zoo", is_flag=True,
              help="Put checkpoint and card into your zoo as well: QUANTUNET_HLS_ZOO, or your data folder.")
@click.pass_context
def train(context: click.Context, **options: Any) -> None:
    """Train a U-Net on a folder of images and masks, resuming where a killed run stopped."""
    # Heavy imports wait until there is something to train.
    from quantunet_hls import boards
    from quantunet_hls.core.files import check_name
    from quantunet_hls.data.image_folders import Split
    from quantunet_hls.training import Plan, recipes, run
    from quantunet_hls.zoo import checkpoints as zoo
    from quantunet_hls.zoo.folders import check_free, own_folder

    name = check_name("checkpoint", options["name"])
    if options["save_to_zoo"]:
        check_free(name)
        zoo.require_ours(name)
    recipe_name = options["recipe"] or ("uniform" if options["quantized"] else "float")
    recipe = _changed(recipes.load(recipe_name), options)
    network = recipe.network()
    training = _split(Split, options["train_folds"], options["train_slices"], _DEFAULT_TRAINING)
    validation = _split(Split, options["val_folds"], options["val_slices"], _DEFAULT_VALIDATION)
    board = boards.load(options["board"]) if options["board"] else None
    plan = Plan(
        name=name,
        data=options["data"],
        architecture=network,
        training=training,
        validation=validation,
        settings=(recipe if board is None else _unpriced(recipe)).settings(),
        scoring=_scoring(Split, options["score_folds"], options["score_slices"]),
        init=options["init"],
        teacher=options["teacher"],
        device=_device(options["device"]),
        stop_after=options["stop_after"],
        command=_command_line(context),
        recipe=Path(recipe_name).stem,
    )
    if board is not None:
        plan = replace(plan, settings=recipe.settings(_board_cost(plan, board, options)))
    console = screen(stderr=True)
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
    _show_card(card)
    if board is not None:
        _check_design(net, card, board, options)
    if options["save_to_zoo"]:
        zoo.save(
            net, name, height=card.height, width=card.width,
            scores=card.scores, data=card.data, training=card.training,
        )
        console.print(f"{name} is in {own_folder()}.", highlight=False, soft_wrap=True)


def _changed(recipe: Recipe, options: dict[str, Any]) -> Recipe:
    """The recipe with what the command line says instead."""
    same = ("architecture", "depth", "base_channels", "upsampling", "in_channels", "classes", "epochs", "keep",
            "average", "distillation", "patience", "batch_size", "seed", "crop", "crops_per_image")
    for kind in ("weight", "activation"):
        if options[f"{kind}s"] is not None and options[f"{kind}_bits"] is not None:
            raise ConfigurationError(f"--{kind}s and --{kind}-bits say the same thing twice; give one of them.")
    widths = None
    learning = {"measure": "board" if options["board"] else options["measure"], "target": options["target_bits"]}
    learning = {key: value for key, value in learning.items() if value is not None}
    if learning:
        if recipe.widths is None:
            raise ConfigurationError(
                "--measure, --target-bits and --board are for learned bit widths; take the recipe quantunet."
            )
        widths = replace(recipe.widths, **learning)
    return recipe.with_changes(
        **{key: options[key] for key in same}, learning_rate=options["lr"], widths=widths,
        mixed_precision=options["mixed_precision"] or None, compiled=options["compiled"] or None,
        weights=options["weights"] or options["weight_bits"],
        activations=options["activations"] or options["activation_bits"],
    )


def _split(kind: Any, folds: tuple[int, ...] | None, slices: tuple[int, ...] | None, default: tuple[int, ...]) -> Any:
    if folds is not None and slices is not None:
        raise ConfigurationError("Images are chosen by folds or by slices, not by both; give one of them.")
    return kind("fold", folds or default) if slices is None else kind("slice", slices)


def _scoring(kind: Any, folds: tuple[int, ...] | None, slices: tuple[int, ...] | None) -> Any:
    return None if folds is None and slices is None else _split(kind, folds, slices, ())


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError("There is no CUDA device here; leave --device out to compute on the CPU.")
    if name not in ("cpu", "cuda"):
        raise ConfigurationError(f"--device is cpu, cuda or auto, not {name!r}.")
    return name


def _unpriced(recipe: Recipe) -> Recipe:
    """The recipe for as long as it is not known what its widths cost."""
    return recipe.with_changes(widths=recipe.widths and replace(recipe.widths, measure="mean"))


def _board_cost(plan: Plan, board: Board, options: dict[str, Any]) -> BoardCost:
    from quantunet_hls.flow.width_budget import board_cost
    from quantunet_hls.training.session import calibration_samples, first_weights

    learning = plan.settings.widths
    if learning is None:
        raise ConfigurationError("Only learned bit widths can be weighed by a board; take the recipe quantunet.")
    samples = calibration_samples(plan)
    net, _ = first_weights(plan, samples)
    height, width = (plan.settings.crop,) * 2 if plan.settings.crop else samples.images.shape[2:]
    return board_cost(net, height, width, board, options["budget"], options["frames_per_second"], learning.widest)


def _show_epoch(progress: Progress, task: Any, result: Any) -> None:
    progress.update(task, completed=result.epoch)
    bits = [value for key, value in result.record.items() if key.startswith("bits/")]
    mean = f"  bits {sum(bits) / len(bits):.2f}" if bits else ""
    kept = f"kept {result.kept_dice:.4f} at {result.kept_epoch}" if result.kept_epoch else "widths are learned"
    progress.console.print(
        f"epoch {result.epoch}/{result.epochs}  loss {result.loss:.4f}  Dice {result.scores.dice:.4f} "
        f"(by image {result.scores.dice_per_image:.4f})  IoU {result.scores.iou:.4f}  "
        f"accuracy {result.scores.pixel_accuracy:.4f}{mean}  {kept}  {result.seconds:.0f} s",
        highlight=False,
    )


def _show_card(card: Any) -> None:
    rows = [(key, f"{value:.4f}") for key, value in card.scores.items() if not isinstance(value, str)]
    rows += [("kept epoch", str(card.training["kept_epoch"])), ("minutes", f"{card.training['minutes']:.1f}"),
             ("bits of weights", f"{card.footprint.weight_bits:.2f}"),
             ("bits of activations", f"{card.footprint.activation_bits:.2f}"),
             ("bytes", f"{card.footprint.size_bytes:,}")]
    screen().print(Grid((Column("figure"), Column("value", figures=True)), rows, card.name))


def _check_design(net: QuantUNet, card: Card, board: Board, options: dict[str, Any]) -> None:
    """What the result takes of the board: the budget held against the network as it is now."""
    from quantunet_hls.flow.width_budget import design_shares

    budget, rate = options["budget"], options["frames_per_second"]
    found = design_shares(net, card.height, card.width, board, rate)
    screen().print(Grid((Column("resource"), Column("share", figures=True)),
                        [(name, f"{share:.1%}") for name, share in found.items()],
                        f"Estimated on {board.title} at {rate:g} frames/s"))
    if max(found.values()) > budget:
        raise ConfigurationError(
            f"The trained network is estimated beyond its budget of {budget:.1%}, because its weights are no longer "
            "those that its widths were priced by; train it with a smaller budget."
        )


def _command_line(context: click.Context) -> str:
    """The command without what differs between machines: data and checkpoints by their last names alone."""
    words = ["quantunet-hls", "train"]
    for option in context.command.params:
        given = context.params.get(option.name or "")
        if not isinstance(option, click.Option) or option.name in {"out", "save_to_zoo", "device", "stop_after"}:
            continue
        if option.is_flag:
            if given != option.get_default(context):
                words.append(option.opts[0] if given else option.secondary_opts[0])
            continue
        if given is None or context.get_parameter_source(option.name or "") is click.core.ParameterSource.DEFAULT:
            continue
        text = ",".join(map(str, given)) if isinstance(given, tuple) else str(given)
        own_recipe = option.name == "recipe" and text.endswith((".yaml", ".yml"))
        path = own_recipe or option.name in {"data", "init", "teacher"}
        words += [option.opts[0], Path(text).resolve().name if path else text]
    return shlex.join(words)
