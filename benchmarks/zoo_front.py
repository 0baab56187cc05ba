"""Dice of the zoo's checkpoints against what they take: LUTs on the ZCU104, and energy a frame, as one picture.

    python benchmarks/zoo_front.py

LUTs are those of the streaming RTL at 294,912 cycles a frame, as mapped by Yosys where ``reports/reference/
estimates.json`` has them (filled marks), else as estimated (open marks); float networks have no such hardware, and are
dashed lines there. Energy is an estimate of the arithmetic alone, in 45 nm: a product of w by a bits takes
0.2 pJ x w x a / 64 and its sum 0.1 pJ, in float 3.7 and 0.9 pJ (M. Horowitz, ISSCC 2014, figure 1.1.9). Memories,
wires and leakage are in none of it, so it ranks networks and says nothing of a board's watts. Writes
``docs/zoo_front.png``.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quantunet_hls.boards import load
from quantunet_hls.compare.plots import front
from quantunet_hls.core.files import read_json, writing
from quantunet_hls.flow.unfolded import stream_graph
from quantunet_hls.rtl.fold.estimate import estimates
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.cards import Card

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "zoo_front.png"
MAPPED = ROOT / "reports" / "reference" / "estimates.json"
BOARD, CYCLES = "zcu104", 294_912
TITLES = {"brain_tumor_mri": "brain tumours, fold 4", "nuclei_dsb2018": "nuclei, fold 5",
          "isbi2012_em": "EM, slices 18 to 23"}
#: Picojoules in 45 nm.
PRODUCT_OF_BITS, SUM, FLOAT = 0.2 / 64, 0.1, 3.7 + 0.9
#: Least distance of two labels, as a share of the panel's height.
LABEL_GAP = 0.085


@dataclass(frozen=True)
class Point:
    """A checkpoint in a panel.

    Attributes:
        name: without what all of its panel share.
        cost: LUTs or microjoules; None where it has none.
        dice: in percent.
        measured: whether the cost was mapped rather than estimated.
    """

    name: str
    cost: float | None
    dice: float
    measured: bool = True


def energy_uj(card: Card) -> float:
    """Microjoules that the arithmetic of a frame takes, by estimate."""
    size = card.footprint
    if not card.architecture.quantized:
        return size.macs * FLOAT / 1e6
    return (size.bit_operations * PRODUCT_OF_BITS + size.macs * SUM) / 1e6


def luts(card: Card, mapped: dict[str, int]) -> tuple[float | None, bool]:
    """LUTs of the streaming RTL, and whether they were mapped."""
    if not card.architecture.quantized:
        return None, False
    if card.name in mapped:
        return mapped[card.name], True
    board = load(BOARD)
    graph = choose_multipliers(fold(stream_graph(card.name, board), CYCLES), board)
    return sum(count.lut for count in estimates(graph, board.part_family).values()), False


def mapped_luts() -> dict[str, int]:
    """By the names of the zoo, of the same folding on the same board."""
    return {row["name"]: row["mapped"]["lut"] for row in read_json(MAPPED)["designs"]
            if row["board"] == BOARD and row["cycles"] == CYCLES and row["name"] in zoo.names()}


def short(name: str) -> str:
    """The part of an entry's name that says what it is among those of its data set."""
    return name.removesuffix("_b8d3").removeprefix("brain_tumor_").removeprefix("nuclei_").removeprefix("isbi_")


def draw(axes: Axes, points: Sequence[Point], label: str) -> None:
    """One panel: marks, the front, and names in a column beside it, each with a line to its mark."""
    shown = [(point, point.cost) for point in points if point.cost is not None]
    # A checkpoint has one colour in both of its panels.
    colours = {point.name: f"C{place % 10}" for place, point in enumerate(points)}
    for point, cost in shown:
        style = "full" if point.measured else "none"
        axes.plot(cost, point.dice, "o", color=colours[point.name], fillstyle=style, zorder=3)
    best = front([(cost, point.dice) for point, cost in shown])
    axes.plot([shown[place][1] for place in best], [shown[place][0].dice for place in best], color="0.75", zorder=1)
    for point in points:
        if point.cost is None:
            axes.axhline(point.dice, color=colours[point.name], linestyle="--", linewidth=0.8)
    axes.margins(x=0.12, y=0.15)
    axes.set(xlabel=label)
    axes.grid(alpha=0.25)
    low, high = axes.get_ylim()
    wanted = [(point.dice - low) / (high - low) for point in points]
    for point, height in zip(points, spread(wanted, LABEL_GAP), strict=True):
        right = axes.get_xlim()[1]
        start = (point.cost if point.cost is not None else right, point.dice)
        axes.annotate(f"{point.name} {point.dice:.2f}", start, xytext=(1.06, height), textcoords="axes fraction",
                      fontsize=7, va="center", color=colours[point.name], annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "color": "0.8", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3})


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places near the wanted ones that lie at least a gap apart, in the same order, the middle of each crowd kept."""
    order = np.argsort(wanted, kind="stable")
    # Pushed up from below and down from above, the mean of the two is as far apart as either.
    up = np.array(wanted, dtype=float)[order]
    down = up.copy()
    for place in range(1, len(order)):
        up[place] = max(up[place], up[place - 1] + gap)
    for place in range(len(order) - 2, -1, -1):
        down[place] = min(down[place], down[place + 1] - gap)
    result = np.empty(len(order))
    result[order] = (up + down) / 2
    return result.tolist()


def picture(cards: Sequence[Card], mapped: dict[str, int]) -> Figure:
    """A column for each data set: Dice against LUTs above, against energy below."""
    sets = [name for name in TITLES if any(card.data.get("name") == name for card in cards)]
    figure = Figure(figsize=(5 * len(sets), 8))
    panels = figure.subplots(2, len(sets), squeeze=False)
    for column, data_set in enumerate(sets):
        group = [card for card in cards if card.data.get("name") == data_set]
        dice = {card.name: 100 * float(card.scores["dice"]) for card in group}
        taken = {card.name: luts(card, mapped) for card in group}
        draw(panels[0][column], [Point(short(name), cost, dice[name], measured)
                                 for name, (cost, measured) in taken.items()],
             f"LUTs of the ZCU104 at {CYCLES:,} cycles a frame\n(filled: mapped by Yosys; open: estimated)")
        draw(panels[1][column], [Point(short(card.name), energy_uj(card), dice[card.name], measured=False)
                                 for card in group],
             "energy of a frame's arithmetic, uJ, estimated for 45 nm")
        panels[1][column].set_xscale("log")
        panels[0][column].set_title(TITLES[data_set])
        for panel in panels[:, column]:
            panel.set_ylabel("Dice, %")
    figure.subplots_adjust(wspace=0.85, hspace=0.3, left=0.05, right=0.9, top=0.95, bottom=0.08)
    return figure


def main() -> None:
    """Draw it."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    figure = picture([zoo.card_of(name) for name in zoo.names()], mapped_luts())
    with writing(PICTURE) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
    print(PICTURE)


if __name__ == "__main__":
    main()
