"""Reports and designs for the comparison's tests."""

from quantunet_hls.compare import Design
from quantunet_hls.reports import Check, Figure, LayerReport, Network, Report, Source, Subject, Target, names


def figure(name, value, source=Source.MAPPED, tool="yosys", version="0.70", available=None, subject=Subject.RTL):
    return Figure(name, value, source, tool, version, available, subject=subject)


def report(name="a", figures=(), layers=None, *, board="zcu104", macs=1_000_000, tools=None):
    layers = {} if layers is None else layers
    return Report(
        name=name,
        created="2026-01-31T12:00:00+00:00",
        network=Network("unet", "ab" * 32, (8, 12, 1), macs, 185, 4.0, 6.0),
        target=Target(board, "xczu7ev-ffvc1156-2-e", 5.0),
        checks=(Check("QONNX", "C-simulation", None, 1_000, 0),),
        layers=tuple(LayerReport(layer, "Conv", tuple(of_layer)) for layer, of_layer in layers.items()),
        figures=tuple(figures),
        tools=tools or {"yosys": "0.70"},
    )


def design(label, figures=(), layers=None, **more):
    return Design(label, report(label, figures, layers, **more), f"{label}.json")


def full(label, *, lut=10_000, dice=0.725, cycles=5_000):
    """A report with a figure of every kind that the plots draw."""
    return design(
        label,
        [
            figure(names.LUT, lut, available=230_400), figure(names.DSP, 100, available=1_728),
            figure(names.INTERVAL_CYCLES_MAX, cycles, Source.RTL_SIM, "verilator", "5.48.0"),
            figure(names.FRAMES_PER_S, 2e8 / cycles, Source.ESTIMATE, "verilator", "5.48.0"),
            figure(names.FRAME_BITS, 2_000, Source.ESTIMATE, "quantunet-hls", "0.1.0"),
            figure(names.DICE, dice, Source.MEASURED, names.HARDWARE, "0.1.0", subject=Subject.NETWORK),
            figure(names.DICE, 0.9, Source.MEASURED, "float", "0.1.0", subject=Subject.NETWORK),
        ],
        {layer: [figure(names.LUT, lut // 10 + i), figure(names.DSP, 4 + i), figure(names.BRAM_18K, 2),
                 figure(names.INTERVAL_CYCLES_MAX, cycles - i, Source.ESTIMATE, "quantunet-hls", "0.1.0")]
         for i, layer in enumerate(("enc0a", "enc0b", "head"))},
    )
