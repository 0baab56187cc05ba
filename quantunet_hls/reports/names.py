"""All figures that reports hold, each defined once: name, unit, title, and what tables, plots and rules make of it.

A figure is added by one line below and by whoever measures it, with ``Figure(names.NEW, value, source, tool,
subject=…)``. Reports, tables, the page, CSV, JSON, rules and sweeps take the rest from here, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FIGURES", "HARDWARE", "RATIO", "Better", "FigureKind", "aliases", "kind_of", "rank_of",
           "resources"]

#: The unit of shares and scores, from 0 to 1.
RATIO = "1"

#: What the hardware is called where it stands beside the networks that it was made from.
HARDWARE = "hardware (emulated)"


class Better(StrEnum):
    """Which way a figure goes when a design gets better."""

    LESS = "less"
    MORE = "more"
    NEITHER = "neither"


@dataclass(frozen=True)
class FigureKind:
    """What is the same for a figure in every report.

    Attributes:
        name: in files and rules.
        unit: "1" is a ratio.
        title: what people call it.
        better: which way a design gets better.
        headline: whether it is among what a person looks at first.
        of_layers: whether tables tell it of each layer.
        resource: whether boards say how much of it they have, as a member of this name of their resources.
        of_network: whether it is the network's, the same for its C++ and its RTL.
        short_title: what tables call it that tell the most of a range only; the title where "".
        layer_plot: title of the page's plot of it layer by layer, "" for none.
        in_cycles: of a time in seconds, the figure that says the same in cycles.
        most: of the least of a range, the figure that is the most of it.
        aim: of a clock period, the figure that it should not exceed.
        aliases: what rules may call it too.
    """

    name: str
    unit: str
    title: str
    better: Better = Better.LESS
    headline: bool = False
    of_layers: bool = False
    resource: bool = False
    of_network: bool = False
    short_title: str = ""
    layer_plot: str = ""
    in_cycles: str = ""
    most: str = ""
    aim: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def accuracy(self) -> bool:
        """Whether it says how good the network's results are."""
        return self.of_network and self.unit == RATIO and self.better is Better.MORE


#: The table, in the order in which figures are shown; filled by the lines below and by nothing else.
FIGURES: dict[str, FigureKind] = {}


def _listed(kind: FigureKind) -> str:
    """Enter a figure into the table; its name, for those who measure it."""
    FIGURES[kind.name] = kind
    return kind.name


_LESS, _MORE, _NEITHER = Better

# What a design takes.
LUT = _listed(FigureKind("lut", "LUTs", "LUT", resource=True, headline=True, of_layers=True,
                         layer_plot="LUTs, layer by layer"))
FF = _listed(FigureKind("ff", "flip-flops", "FF", resource=True, headline=True, of_layers=True))
DSP = _listed(FigureKind("dsp", "DSP blocks", "DSP", resource=True, headline=True, of_layers=True,
                         layer_plot="DSP blocks, layer by layer"))
BRAM_18K = _listed(FigureKind("bram_18k", "blocks of 18 kbit", "BRAM", resource=True, headline=True, of_layers=True,
                              layer_plot="Memory blocks of 18 kbit, layer by layer", aliases=("bram",)))
URAM = _listed(FigureKind("uram", "blocks of 288 kbit", "URAM", resource=True, headline=True, of_layers=True))
LUTRAM = _listed(FigureKind("lutram", "LUTs", "LUT as memory", resource=True, headline=True, of_layers=True))
CARRY = _listed(FigureKind("carry", "cells", "Carry chains"))
MULTIPLIERS = _listed(FigureKind("multipliers", "multipliers", "Multipliers", _NEITHER))
FIFO_BITS = _listed(FigureKind("fifo_bits", "bits", "FIFOs", headline=True))
#: What layers read from external memory while the design computes at its full rate.
EXTERNAL_BYTES_PER_S = _listed(FigureKind("external_bytes_per_s", "bytes/s", "Read from external memory"))
#: The same, a frame.
EXTERNAL_BYTES = _listed(FigureKind("external_bytes", "bytes", "Read from external memory, a frame", of_layers=True))
#: What the same streams would take if each held its whole feature map, as hls4ml's do by default.
FIFO_BITS_WHOLE_MAPS = _listed(FigureKind("fifo_bits_whole_maps", "bits", "FIFOs, whole maps"))

# How much of it was looked at. Of the mapped netlist the cells that were simulated, and of all values that its modules
# put out those compared; layers whose estimate goes beyond what it was fitted to, and those that no estimate contains.
NETLIST_CELLS = _listed(FigureKind("netlist_cells", "cells", "Netlist, simulated", _NEITHER))
NETLIST_VALUES = _listed(FigureKind("netlist_values", "values", "Netlist, compared", _NEITHER))
FRAME_BITS = _listed(FigureKind("frame_bits", "bits", "Image in and result out", _NEITHER, of_network=True))
LAYERS_OUTSIDE = _listed(FigureKind("layers_outside_fit", "layers", "Outside of the fit", _NEITHER))
LAYERS_UNCOUNTED = _listed(FigureKind("layers_not_estimated", "layers", "Not estimated", _NEITHER))

# How fast it is.
INTERVAL_CYCLES_MIN = _listed(FigureKind("interval_cycles_min", "cycles", "Interval, least",
                                         most="interval_cycles_max"))
INTERVAL_CYCLES_MAX = _listed(FigureKind("interval_cycles_max", "cycles", "Interval, most", headline=True,
                                         of_layers=True, short_title="Frame interval", aliases=("cycles_per_frame",)))
INTERVAL_S_MIN = _listed(FigureKind("interval_s_min", "s", "Interval, least", in_cycles=INTERVAL_CYCLES_MIN,
                                    most="interval_s_max"))
INTERVAL_S_MAX = _listed(FigureKind("interval_s_max", "s", "Interval, most", in_cycles=INTERVAL_CYCLES_MAX))
LATENCY_CYCLES_MIN = _listed(FigureKind("latency_cycles_min", "cycles", "Latency, least", most="latency_cycles_max"))
LATENCY_CYCLES_MAX = _listed(FigureKind("latency_cycles_max", "cycles", "Latency, most", short_title="Latency",
                                        headline=True, of_layers=True, layer_plot="Latency, layer by layer",
                                        aliases=("latency_cycles",)))
LATENCY_S_MIN = _listed(FigureKind("latency_s_min", "s", "Latency, least", in_cycles=LATENCY_CYCLES_MIN,
                                   most="latency_s_max"))
LATENCY_S_MAX = _listed(FigureKind("latency_s_max", "s", "Latency, most", in_cycles=LATENCY_CYCLES_MAX,
                                   aliases=("latency_s",)))
CLOCK_TARGET_NS = _listed(FigureKind("clock_target_ns", "ns", "Clock, target", _NEITHER, headline=True))
CLOCK_ESTIMATE_NS = _listed(FigureKind("clock_estimate_ns", "ns", "Clock, estimate", aim=CLOCK_TARGET_NS,
                                       headline=True))
CLOCK_ACHIEVED_NS = _listed(FigureKind("clock_achieved_ns", "ns", "Clock, achieved", aim=CLOCK_TARGET_NS,
                                       headline=True))
MULTIPLIER_USE = _listed(FigureKind("multiplier_use", RATIO, "Multipliers at work", _MORE, headline=True))
WNS_NS = _listed(FigureKind("wns_ns", "ns", "Worst negative slack", _MORE))
FRAMES_PER_S = _listed(FigureKind("frames_per_s", "frames/s", "Frame rate", _MORE, headline=True, aliases=("fps",)))
POWER_W = _listed(FigureKind("power_w", "W", "Power", headline=True))

# How good the network is, and what checking it took.
DICE = _listed(FigureKind("dice", RATIO, "Dice", _MORE, of_network=True, headline=True))
IOU = _listed(FigureKind("iou", RATIO, "IoU", _MORE, of_network=True, headline=True))
PIXEL_ACCURACY = _listed(FigureKind("pixel_accuracy", RATIO, "Pixel accuracy", _MORE, of_network=True, headline=True))
SIGMOID_ERROR_MAX = _listed(FigureKind("sigmoid_error_max", RATIO, "Sigmoid table, largest error", of_network=True))
NEAREST_THRESHOLD = _listed(
    FigureKind("nearest_threshold", "steps", "Sums, nearest to a quantizer's threshold", _NEITHER, of_network=True))
FLOAT_LEVELS_DIFFERING = _listed(
    FigureKind("float_levels_differing", "values", "Levels that the float module rounds otherwise", of_network=True))
COMPILE_SECONDS = _listed(FigureKind("compile_seconds", "s", "C++ compilation", _NEITHER))
CSIM_SECONDS_PER_IMAGE = _listed(FigureKind("csim_seconds_per_image", "s", "C-simulation, an image", _NEITHER))


def kind_of(name: str, unit: str = "") -> FigureKind:
    """What a figure of that name is.

    Of one that is not in the table, as another version of this package may know it, that is its name and unit alone.
    """
    return FIGURES.get(name) or FigureKind(name, unit, name.replace("_", " ").capitalize(), Better.NEITHER)


def rank_of(name: str) -> int:
    """Place of a figure in the table, behind it for one that is not there."""
    return list(FIGURES).index(name) if name in FIGURES else len(FIGURES)


def resources() -> tuple[str, ...]:
    """What a part has a count of."""
    return tuple(name for name, kind in FIGURES.items() if kind.resource)


def aliases() -> dict[str, str]:
    """What rules may call a figure, to its name."""
    return {alias: name for name, kind in FIGURES.items() for alias in kind.aliases}
