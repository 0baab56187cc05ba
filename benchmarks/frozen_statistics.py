"""What it costs to freeze instance normalization to the statistics of calibration images, in Dice points.

Trains a small U-Net (base 4, depth 2) with instance normalization, and one with batch normalization, for as many steps
on the same images, box-downsampled to 64x64, of all folds but one. Both are quantized to 8 bits with images of the same
folds and scored on the other one, with which nothing is chosen. Takes two CPU minutes, and writes
``reports/reference/frozen_statistics.json``::

    python benchmarks/frozen_statistics.py --data DIR/nuclei_dsb2018
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quantunet_hls.core.files import write_json
from quantunet_hls.data.image_folders import Samples, names_in, read_pairs, to_input
from quantunet_hls.ingest import export_module
from quantunet_hls.ingest.source import open_network
from quantunet_hls.quantize.quantize import quantize
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.training.losses import segmentation_loss

REFERENCES = Path(__file__).parents[1] / "reports" / "reference"

SIZE, BASE, BATCH = 64, 4, 16

NORMALIZATIONS: dict[str, type[nn.Module]] = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}


class SmallUNet(nn.Module):
    """A U-Net of depth 2 whose convolutions have a normalization behind them."""

    def __init__(self, normalization: str):
        super().__init__()

        def block(given: int, made: int) -> nn.Sequential:
            return nn.Sequential(*(part for channels in (given, made) for part in (
                nn.Conv2d(channels, made, 3, padding=1, bias=False),
                NORMALIZATIONS[normalization](made, affine=True), nn.ReLU())))

        self.first, self.second, self.low = block(1, BASE), block(BASE, 2 * BASE), block(2 * BASE, 4 * BASE)
        self.up_second, self.up_first = block(6 * BASE, 2 * BASE), block(3 * BASE, BASE)
        self.pool, self.grow = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
        self.head = nn.Conv2d(BASE, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 1, H, W)."""
        first = self.first(images)
        second = self.second(self.pool(first))
        low = self.low(self.pool(second))
        second = self.up_second(torch.cat([self.grow(low), second], 1))
        return self.head(self.up_first(torch.cat([self.grow(second), first], 1)))


def small(samples: Samples) -> Samples:
    """The images and masks by the means of blocks of pixels, masks rounded."""
    block = samples.images.shape[-1] // SIZE

    def means(pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), SIZE, block, SIZE, block).mean((2, 4))

    return Samples(means(samples.images[:, 0]).round().astype(np.uint8)[:, None],
                   (means(samples.masks) >= 0.5).astype(np.uint8), samples.names)


def trained(normalization: str, samples: Samples, steps: int) -> nn.Module:
    """A network after so many steps with Adam, the rate going down to 0."""
    torch.manual_seed(0)
    net, loss = SmallUNet(normalization), segmentation_loss(1)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    images, masks = to_input(samples.images), torch.from_numpy(samples.masks)
    for step in range(steps):
        chosen = torch.randint(len(images), (BATCH,))
        dice, entropy = loss(net(images[chosen]), masks[chosen])
        optimizer.zero_grad()
        (dice + entropy).backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            logging.info("%s normalization, step %d: loss %.3f", normalization, step, float(dice + entropy))
    return net.eval()


def measure(normalization: str, given: Samples, scored: Samples, steps: int, folder: Path) -> dict[str, Any]:
    """Dice of the network as it was trained, frozen, and quantized, in percent."""
    path = folder / f"{normalization}.onnx"
    export_module(trained(normalization, given, steps), (1, SIZE, SIZE)).save(str(path))
    freeze = normalization == "instance"
    made = quantize(open_network(path), lambda _: given, folder / normalization, Settings(freeze_statistics=freeze),
                    score=lambda _: scored, labelled=True, name="net", progress=logging.info)
    accuracy = made.report["accuracy"]
    row = {"normalization": normalization, "steps": steps, "trained_images": len(given), "scored_images": len(scored),
           "calibration_images": made.report["calibration_images"],
           **{stage: {key: 100 * accuracy[stage][key] for key in ("dice", "dice_per_image")}
              for stage in ("float", "frozen", "hardware") if stage in accuracy}}
    logging.info("%s", row)
    return row


def main() -> None:
    """Train, freeze, quantize, score and write."""
    parser = argparse.ArgumentParser(description="The cost of frozen statistics.")
    parser.add_argument("--data", type=Path, required=True, help="A data folder with an index of folds.")
    parser.add_argument("--score-fold", type=int, default=5)
    parser.add_argument("--fold", type=int, nargs="+", default=[1, 2, 3, 4], help="To train and to calibrate with.")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=REFERENCES / "frozen_statistics.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given, scored = (small(read_pairs(arguments.data, names_in(arguments.data, folds)))
                     for folds in (arguments.fold, [arguments.score_fold]))
    with TemporaryDirectory() as name:
        rows = [measure(kind, given, scored, arguments.steps, Path(name)) for kind in NORMALIZATIONS]
    write_json(arguments.out, {"data": arguments.data.name, "folds": arguments.fold, "scored_fold":
                               arguments.score_fold, "size": SIZE, "networks": rows})


if __name__ == "__main__":
    main()
