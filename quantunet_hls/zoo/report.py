"""``reports/zoo.md``: what the zoo's networks reach beside their float baselines, and what the papers state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import check_name, write_text, writing
from quantunet_hls.core.outputs import check_outputs
from quantunet_hls.core.printable import markdown_text, printable
from quantunet_hls.data.image_folders import Split, read_pairs, to_input
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.cards import Card

__all__ = ["baseline_of", "plot_accuracy", "plot_bits", "plot_curves", "plot_predictions", "write_report"]

_TITLE = "# The model zoo"

#: What the papers state of themselves, on data, networks and scores of their own.
_PAPERS = """\
| paper | data | bits w / a | score, theirs | float, theirs | smaller, theirs |
|---|---|---|---|---|---|
| QuantU-Net, arXiv 2503.08719 | tumour segmentation | 4.24 on average | 94.25 accuracy | 96.14 | about 8x |
| U-Net Fixed-Point Quantization, arXiv 1908.01073 | EM | w0.4 / a6.0 | 2.21 Dice points under float | | 8x |
| the same | GM | w0.4 / a6.0 | 0.57 Dice points under float | | 8x |
| the same | NIH | w0.4 / a6.0 | 2.09 Dice points under float | | 8x |
| TernaryNet, arXiv 1801.09449 | NIH pancreas CT | ternary / ternary | 71.0 Dice | | more than 10x |
"""
_SHOWN = 4


def write_report(path: Path, data: Path | None = None) -> list[Path]:
    """Write the report and its plots, for all entries of the zoo.

    Args:
        path: of the Markdown file; plots go into a folder of its name beside it.
        data: folder that holds data sets by name (``brain_tumor_mri`` and so on); with it, validation images are
            shown with truth and predictions, where their data set is there. Such plots hold other people's images.

    Returns:
        All files written.
    """
    check_outputs([(path, lambda text: text.startswith(_TITLE))], [])
    cards = [zoo.card_of(name) for name in zoo.names()]
    if not cards:
        raise ConfigurationError("There are no networks to report on; set QUANTUNET_HLS_ZOO to a folder that has some.")
    folder = path.parent / path.stem
    text = [f"{_TITLE}\n", _INTRODUCTION]
    written = []

    def plot(figure: Figure, name: str, title: str) -> None:
        file = folder / f"{name}.png"
        with writing(file) as temporary:
            figure.savefig(temporary, format="png", dpi=110, bbox_inches="tight")
        written.append(file)
        text.append(f"![{title}]({folder.name}/{name}.png)\n")

    for data_set in sorted({str(card.data.get("name", "unknown")) for card in cards}):
        # It becomes a part of paths.
        check_name("data set", data_set)
        group = [card for card in cards if str(card.data.get("name", "unknown")) == data_set]
        text += [f"## {data_set}\n", _terms(group[0]), _table(group, cards)]
        plot(plot_accuracy(group), f"{data_set}_size", "Dice against size")
        if any(card.training.get("history") for card in group):
            plot(plot_curves(group), f"{data_set}_curves", "Training curves")
        for card in group:
            if card.architecture.quantized and card.architecture.layer_widths:
                plot(plot_bits(card), f"{card.name}_bits", f"Bits of each layer of {card.name}")
        if data is not None and (data / data_set).is_dir():
            figure = plot_predictions(group, data / data_set)
            if figure is not None:
                plot(figure, f"{data_set}_predictions", "Image, truth and predictions")
    text += ["## What the papers state\n", _PAPERS_NOTE, _PAPERS]
    write_text(path, "\n".join(text))
    return [path, *written]


_INTRODUCTION = """\
Scores in percent, on the validation images of each data set, of the epoch that its card names. Dice and IoU
pool the pixels of all images. Bits are means over all weights, and over all values between layers of one image, the
8-bit image included. Bit operations count a multiplication as the product of its two widths. "To float" is the
distance to the float network that a training started from; the second such column, to that network trained on for
some more epochs with the same first weights, data and rate, so that both were trained for as long or longer. Epochs are
those of the start and those of its own.
"""
_PAPERS_NOTE = """\
Figures of the papers themselves, not reproduced here: their data, networks and scores differ from the above, so only
the distances to their own float baselines can be held against each other.
"""


def _terms(card: Card) -> str:
    data = card.data
    return printable(f"{data.get('note', '')}. Licence: {data.get('licence', 'unknown')}. {data.get('citation', '')}."
                     ) + "\n"


def baseline_of(card: Card, cards: Sequence[Card]) -> Card | None:
    """The float network that a training started from, if it is among the cards."""
    start = str(card.training.get("start", "")).split(" ")[0]
    return next((other for other in cards if other.name == start and not other.architecture.quantized), None)


def trained_on(base: Card | None, cards: Sequence[Card]) -> Card | None:
    """The float network that is a float network trained on, if one is among the cards."""
    return next((card for card in cards if not card.architecture.quantized and base and
                 baseline_of(card, cards) == base), None)


def _table(group: Sequence[Card], cards: Sequence[Card]) -> str:
    lines = [
        "| checkpoint | recipe | epochs | Dice | to float | to float trained on | IoU | accuracy | bits w / a "
        "| mean of layers' bits w / a | kB | smaller | MMACs | Gbit operations | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for card in sorted(group, key=lambda card: (card.architecture.quantized, card.name)):
        size, base = card.footprint, baseline_of(card, cards)
        longer = trained_on(base, cards) if card.architecture.quantized else None
        scores = [_percent(card.scores.get(key)) for key in ("dice", "iou", "pixel_accuracy")]
        lines.append("| " + " | ".join([
            f"`{card.name}`", markdown_text(str(card.training.get("recipe") or _kind(card))), _epochs(card, base),
            scores[0], _distance(card, base), _distance(card, longer), *scores[1:],
            f"{size.weight_bits:.2f} / {size.activation_bits:.2f}",
            f"{size.weight_bits_by_layer:.2f} / {size.activation_bits_by_layer:.2f}",
            f"{size.size_bytes / 1000:.1f}", f"{size.times_smaller:.1f}x", f"{size.macs / 1e6:.1f}",
            f"{size.bit_operations / 1e9:.2f}", markdown_text(str(card.training.get("minutes", ""))),
        ]) + " |")
    return "\n".join(lines) + "\n"


def _distance(card: Card, other: Card | None) -> str:
    """Dice points that a checkpoint has more than another."""
    mine, others = card.scores.get("dice"), other.scores.get("dice") if other else None
    # Somebody else's card may have a text there.
    if not isinstance(mine, int | float) or not isinstance(others, int | float):
        return ""
    return f"{100 * (mine - others):+.2f}"


def _epochs(card: Card, start: Card | None) -> str:
    counts = [str(each.training.get("epochs_done", "")) for each in (start, card) if each]
    return " + ".join(filter(None, counts))


def _kind(card: Card) -> str:
    return "uniform" if card.architecture.quantized else "float"


def _percent(value: object) -> str:
    return f"{100 * value:.2f}" if isinstance(value, int | float) else ""


def plot_accuracy(group: Sequence[Card]) -> Figure:
    """Dice against size, one point a checkpoint."""
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    for card in group:
        if isinstance(dice := card.scores.get("dice"), int | float):
            at = card.footprint.size_bytes / 1000, 100 * dice
            axes.plot(*at, "o" if card.architecture.quantized else "s")
            axes.annotate(card.name, at, textcoords="offset points", xytext=(5, 5), fontsize=7)
    axes.set(xscale="log", xlabel="size of weights and biases, kB", ylabel="validation Dice, %")
    axes.margins(x=0.3, y=0.2)
    axes.grid(alpha=0.3)
    return figure


def plot_curves(group: Sequence[Card]) -> Figure:
    """Loss and validation Dice over the epochs, and the mean bits where they are learned."""
    figure = Figure(figsize=(11, 3.5))
    panels = figure.subplots(1, 3)
    for axes, key, label in zip(panels, ("loss", "dice", "bits"),
                                ("training loss", "validation Dice", "mean of all widths, bits"), strict=True):
        # A checkpoint has one colour in all panels, also where others have no curve.
        for place, card in enumerate(group):
            points = [(epoch["epoch"], epoch[key]) for epoch in card.training.get("history", ()) if key in epoch]
            if points:
                axes.plot(*zip(*points, strict=True), color=f"C{place % 10}", label=card.name)
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(alpha=0.3)
    panels[1].legend(fontsize=6)
    figure.tight_layout()
    return figure


def plot_bits(card: Card) -> Figure:
    """Bits of every layer's weights and of the activations behind it."""
    config = card.architecture
    names = config.layer_names
    places = np.arange(len(names))
    figure = Figure(figsize=(9, 3))
    axes = figure.subplots()
    axes.bar(places - 0.2, [config.widths_of(name).weight for name in names], 0.4, label="weights")
    inner = [name for name in names if name != "head"]
    axes.bar(places[:-1] + 0.2, [config.widths_of(config.activation_owner(name)).activation for name in inner], 0.4,
             label="activations")
    axes.set_xticks(places, names, rotation=60)
    axes.set(ylabel="bits", title=card.name)
    axes.legend()
    return figure


def plot_predictions(group: Sequence[Card], data: Path) -> Figure | None:
    """Validation images with the most foreground beside truth and predictions; None where none can be shown."""
    from quantunet_hls.data.scores import infer, predict

    split = next((found for card in group if (found := _validation(card))), None)
    if split is None:
        return None
    names = split.names(data)
    samples = read_pairs(data, names, channels=group[0].architecture.in_channels,
                         classes=max(card.architecture.classes for card in group))
    # From the one with the most foreground downwards, with gaps: neighbours look alike.
    order = np.argsort(-samples.masks.reshape(len(samples), -1).sum(axis=1), kind="stable")
    chosen = order[:: max(1, len(names) // 12)][:_SHOWN]
    columns: list[tuple[str, Any]] = [
        ("image", samples.images[chosen][:, 0]), ("truth", samples.masks[chosen]),
    ]
    for card in sorted(group, key=lambda card: (card.architecture.quantized, card.name)):
        net, _ = zoo.load(card.name)
        crop = card.training.get("settings", {}).get("crop")
        columns.append((card.name, predict(infer(net, to_input(samples.images[chosen]), crop)).numpy()))
    figure = Figure(figsize=(2 * len(columns), 2 * len(chosen)))
    panels = figure.subplots(len(chosen), len(columns), squeeze=False)
    for column, (title, pictures) in enumerate(columns):
        for row, picture in enumerate(pictures):
            panels[row][column].imshow(picture, cmap="gray")
            panels[row][column].axis("off")
        panels[0][column].set_title(title, fontsize=6)
    return figure


def _validation(card: Card) -> Split | None:
    for kind in ("fold", "slice"):
        numbers = card.data.get(f"validation_{kind}s")
        if numbers:
            return Split(kind, tuple(numbers))
    return None
