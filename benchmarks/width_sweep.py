"""One training that learns bit widths, beside a sweep of uniform widths: where does it lie between accuracy and size?

A small U-Net (4 channels at full size, halved twice) on every third image of
``brain_tumor_mri``'s training folds. All quantized networks start from the same
float one and train for as long, with the same seed, rate and data.

    python benchmarks/width_sweep.py --data DIR/brain_tumor_mri [--runs FOLDER]

leaves ``reports/reference/width_sweep.json`` and ``.png``; a killed run resumes.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from rich.console import Console

from quantunet_hls.core.files import write_json
from quantunet_hls.data.image_folders import names_in, read_pairs
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, settled
from quantunet_hls.training import Settings, WidthLearning, evaluate, quantize, train
from quantunet_hls.zoo.footprint import footprint

UNIFORM = (2, 3, 4, 5, 6, 8)
TARGETS = (3.0, 4.0, 5.0)
FLOAT = Settings(epochs=24, learning_rate=3e-3)
QUANTIZED = Settings(epochs=8, learning_rate=1e-3)


def main() -> None:
    """Train all of them, or find them trained, and write table and plot."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--runs", type=Path, default=Path("runs") / "width_sweep")
    arguments.add_argument("--out", type=Path, default=Path("reports") / "reference")
    options = arguments.parse_args()
    console = Console()
    training = read_pairs(options.data, names_in(options.data, (1, 2, 3))[::3])
    validation = read_pairs(options.data, names_in(options.data, (4,)))
    height, width = training.images.shape[2:]
    shape = UNetConfig(depth=2, base_channels=4)

    def trained(name: str, net: QuantUNet, settings: Settings) -> QuantUNet:
        for result in train(net, training, validation, settings, options.runs / name):
            console.print(f"{name} {result.epoch}/{result.epochs} Dice {result.scores.dice:.4f}", highlight=False)
        return settled(net)

    def point(name: str, net: QuantUNet) -> dict[str, object]:
        size = footprint(net, height, width)
        return {
            "name": name, "dice": evaluate(net, validation).dice, "weight_bits": size.weight_bits,
            "activation_bits": size.activation_bits, "weight_bits_by_layer": size.weight_bits_by_layer,
            "activation_bits_by_layer": size.activation_bits_by_layer, "bytes": size.size_bytes,
            "bit_operations": size.bit_operations,
        }

    torch.manual_seed(FLOAT.seed)
    start = trained("float", QuantUNet(replace(shape, quantized=False, batch_norm=True)), FLOAT)
    points = [point("float", start)]
    for bits in UNIFORM:
        net = quantize(start, replace(shape, widths=LayerWidths(bits, bits)), training)
        points.append(point(f"uniform {bits}", trained(f"uniform_{bits}", net, QUANTIZED)))
    for target in TARGETS:
        how = replace(QUANTIZED, widths=WidthLearning(target=target, pace=2.0, settled=0.5))
        config = replace(shape, widths=LayerWidths(8, 8))
        net = quantize(start, config, training, learned_widths=True)
        points.append(point(f"learned {target:g}", trained(f"learned_{target:g}", net, how)))
    write_json(options.out / "width_sweep.json", {
        "data": options.data.resolve().name, "training_images": len(training), "validation_images": len(validation),
        "architecture": shape.to_dict(), "float": FLOAT.to_dict(), "quantized": QUANTIZED.to_dict(), "points": points,
    })
    plot(points).savefig(options.out / "width_sweep.png", dpi=110, bbox_inches="tight")


def plot(points: list[dict[str, object]]) -> Figure:
    """Dice against size and against bit operations; the float network as a line."""
    figure = Figure(figsize=(10, 4))
    for axes, key, label in zip(figure.subplots(1, 2), ("bytes", "bit_operations"),
                                ("size, bytes", "bit operations an image"), strict=True):
        for kind, mark in (("uniform", "o-"), ("learned", "s")):
            chosen = [entry for entry in points if str(entry["name"]).startswith(kind)]
            axes.plot([entry[key] for entry in chosen], [100 * float(str(entry["dice"])) for entry in chosen], mark,
                      label=kind)
            for entry in chosen:
                axes.annotate(str(entry["name"]).split()[1], (entry[key], 100 * float(str(entry["dice"]))),
                              textcoords="offset points", xytext=(5, 5), fontsize=8)
        axes.axhline(100 * float(str(points[0]["dice"])), color="gray", linestyle=":", label="float")
        axes.set(xlabel=label, ylabel="validation Dice, %")
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


if __name__ == "__main__":
    main()
