"""The names of all figures that reports hold, each with its one unit and its title."""

from __future__ import annotations

__all__ = [
    "AVERAGE_ACTIVATION_BITS",
    "AVERAGE_WEIGHT_BITS",
    "BRAM_18K",
    "CARRY",
    "CLOCK_ACHIEVED_NS",
    "CLOCK_ESTIMATE_NS",
    "CLOCK_TARGET_NS",
    "COMPILE_SECONDS",
    "CSIM_SECONDS_PER_IMAGE",
    "DICE",
    "DSP",
    "FF",
    "FIFO_BITS",
    "FIFO_BITS_WHOLE_MAPS",
    "FRAMES_PER_S",
    "FRAME_BITS",
    "HARDWARE",
    "INTERVAL_CYCLES_MAX",
    "INTERVAL_CYCLES_MIN",
    "INTERVAL_S_MAX",
    "INTERVAL_S_MIN",
    "IOU",
    "LATENCY_CYCLES_MAX",
    "LATENCY_CYCLES_MIN",
    "LATENCY_S_MAX",
    "LATENCY_S_MIN",
    "LAYERS_OUTSIDE",
    "LAYERS_UNCOUNTED",
    "LUT",
    "LUTRAM",
    "MULTIPLIERS",
    "NETLIST_CELLS",
    "NETLIST_VALUES",
    "PIXEL_ACCURACY",
    "POWER_W",
    "RESOURCES",
    "SIGMOID_ERROR_MAX",
    "TITLES",
    "UNITS",
    "URAM",
    "WNS_NS",
]

LUT = "lut"
FF = "ff"
DSP = "dsp"
BRAM_18K = "bram_18k"
URAM = "uram"
LUTRAM = "lutram"
CARRY = "carry"
FIFO_BITS = "fifo_bits"
MULTIPLIERS = "multipliers"
#: Of the mapped netlist the cells that were simulated, and of all values that its modules put out those compared.
NETLIST_CELLS = "netlist_cells"
NETLIST_VALUES = "netlist_values"
FRAME_BITS = "frame_bits"
#: What the same streams would take if each held its whole feature map, as hls4ml's do by default.
FIFO_BITS_WHOLE_MAPS = "fifo_bits_whole_maps"
#: Layers whose estimate goes beyond what it was fitted to, and layers that no estimate contains.
LAYERS_OUTSIDE = "layers_outside_fit"
LAYERS_UNCOUNTED = "layers_not_estimated"
LATENCY_CYCLES_MIN = "latency_cycles_min"
LATENCY_CYCLES_MAX = "latency_cycles_max"
LATENCY_S_MIN = "latency_s_min"
LATENCY_S_MAX = "latency_s_max"
INTERVAL_CYCLES_MIN = "interval_cycles_min"
INTERVAL_CYCLES_MAX = "interval_cycles_max"
INTERVAL_S_MIN = "interval_s_min"
INTERVAL_S_MAX = "interval_s_max"
CLOCK_TARGET_NS = "clock_target_ns"
CLOCK_ESTIMATE_NS = "clock_estimate_ns"
CLOCK_ACHIEVED_NS = "clock_achieved_ns"
WNS_NS = "wns_ns"
FRAMES_PER_S = "frames_per_s"
COMPILE_SECONDS = "compile_seconds"
CSIM_SECONDS_PER_IMAGE = "csim_seconds_per_image"
POWER_W = "power_w"
DICE = "dice"
IOU = "iou"
PIXEL_ACCURACY = "pixel_accuracy"
SIGMOID_ERROR_MAX = "sigmoid_error_max"
AVERAGE_WEIGHT_BITS = "average_weight_bits"
AVERAGE_ACTIVATION_BITS = "average_activation_bits"

#: What the hardware is called where it stands beside the networks that it was made from.
HARDWARE = "hardware (emulated)"

#: What a part has a count of; the rest of the names are of time, power and accuracy.
RESOURCES = (LUT, FF, DSP, BRAM_18K, URAM, LUTRAM)

_ALL = {
    LUT: ("LUTs", "LUT"),
    FF: ("flip-flops", "FF"),
    DSP: ("DSP blocks", "DSP"),
    BRAM_18K: ("blocks of 18 kbit", "BRAM"),
    URAM: ("blocks of 288 kbit", "URAM"),
    LUTRAM: ("LUTs", "LUT as memory"),
    CARRY: ("cells", "Carry chains"),
    MULTIPLIERS: ("multipliers", "Multipliers"),
    FIFO_BITS: ("bits", "FIFOs"),
    FIFO_BITS_WHOLE_MAPS: ("bits", "FIFOs, whole maps"),
    NETLIST_CELLS: ("cells", "Netlist, simulated"),
    NETLIST_VALUES: ("values", "Netlist, compared"),
    FRAME_BITS: ("bits", "Image in and result out"),
    LAYERS_OUTSIDE: ("layers", "Outside of the fit"),
    LAYERS_UNCOUNTED: ("layers", "Not estimated"),
    LATENCY_CYCLES_MIN: ("cycles", "Latency, least"),
    LATENCY_CYCLES_MAX: ("cycles", "Latency, most"),
    LATENCY_S_MIN: ("s", "Latency, least"),
    LATENCY_S_MAX: ("s", "Latency, most"),
    INTERVAL_CYCLES_MIN: ("cycles", "Interval, least"),
    INTERVAL_CYCLES_MAX: ("cycles", "Interval, most"),
    INTERVAL_S_MIN: ("s", "Interval, least"),
    INTERVAL_S_MAX: ("s", "Interval, most"),
    CLOCK_TARGET_NS: ("ns", "Clock, target"),
    CLOCK_ESTIMATE_NS: ("ns", "Clock, estimate"),
    CLOCK_ACHIEVED_NS: ("ns", "Clock, achieved"),
    WNS_NS: ("ns", "Worst negative slack"),
    FRAMES_PER_S: ("frames/s", "Frame rate"),
    COMPILE_SECONDS: ("s", "C++ compilation"),
    CSIM_SECONDS_PER_IMAGE: ("s", "C-simulation, an image"),
    POWER_W: ("W", "Power"),
    DICE: ("1", "Dice"),
    IOU: ("1", "IoU"),
    PIXEL_ACCURACY: ("1", "Pixel accuracy"),
    SIGMOID_ERROR_MAX: ("1", "Sigmoid table, largest error"),
    AVERAGE_WEIGHT_BITS: ("bits", "Weights, average width"),
    AVERAGE_ACTIVATION_BITS: ("bits", "Activations, average width"),
}

#: The unit of each figure; "1" is a ratio.
UNITS = {name: unit for name, (unit, _) in _ALL.items()}

#: What people call each figure.
TITLES = {name: title for name, (_, title) in _ALL.items()}
