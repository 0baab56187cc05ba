"""What quantizing a float network of the zoo without training costs, in Dice points.

It is calibrated, and its widths are chosen, with images of some folds, and scored on those of another, with which
nothing is chosen. Writes ``reports/reference/float_networks.json``; a killed run goes on where it was if it is given a
``--folder``::

    python benchmarks/float_networks.py --data DIR/brain_tumor_mri
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from quantunet_hls.core.files import write_json
from quantunet_hls.data.image_folders import Samples, names_in, read_pairs
from quantunet_hls.ingest.source import open_network
from quantunet_hls.quantize.quantize import quantize
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.tuning.grids import Scales

REFERENCES = Path(__file__).parents[1] / "reports" / "reference"


def measure(model: str, settings: Settings, data: Path, folds: tuple[int, ...], scored: int,
            folder: Path) -> dict[str, Any]:
    """Dice of both networks on the fold that is scored, in percent, and what the one has lost."""
    def reader(chosen: tuple[int, ...]) -> Any:
        def read(channels: int) -> Samples:
            return read_pairs(data, names_in(data, chosen), channels=channels)
        return read

    name = f"{settings.scales}-{settings.weight_bits}-{settings.activation_bits}-{settings.tolerance}"
    made = quantize(open_network(model), reader(folds), folder / name, settings,
                    score=reader((scored,)), labelled=True, name="net", progress=logging.info)
    accuracy = made.report["accuracy"]
    before, after = (100 * accuracy[stage]["dice"] for stage in ("float", "hardware"))
    row = {"model": model, **settings.to_dict(), "calibration_folds": list(folds), "scored_fold": scored,
           "calibration_images": made.report["calibration_images"], "scored_images": accuracy["images"],
           "mean_weight_bits": made.report["mean_weight_bits"],
           "mean_activation_bits": made.report["mean_activation_bits"], "dice_float": before, "dice_hardware": after,
           "lost": before - after, "equal_pixels": accuracy["equal_pixels"],
           "signal_to_noise_db": accuracy["signal_to_noise_db"]}
    logging.info("%s", row)
    return row


def main() -> None:
    """Quantize, score and write."""
    parser = argparse.ArgumentParser(description="Float networks quantized without training.")
    parser.add_argument("--data", type=Path, required=True, help="A data folder with an index of folds.")
    parser.add_argument("--model", default="brain_tumor_float_b8d3")
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6], help="Widths of weights and activations.")
    parser.add_argument("--tolerance", type=float, nargs="*", default=[],
                        help="Besides, widths for these many Dice points, from the last of --bits down.")
    parser.add_argument("--scales", nargs="+", default=list(Scales), choices=list(Scales))
    parser.add_argument("--fold", type=int, nargs="+", default=[1, 2, 3], help="To calibrate with.")
    parser.add_argument("--score-fold", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=None, help="Keep the networks here.")
    parser.add_argument("--out", type=Path, default=REFERENCES / "float_networks.json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wanted = [Settings(bits, bits, Scales(scales)) for scales in arguments.scales for bits in arguments.bits]
    wanted += [Settings(arguments.bits[-1], arguments.bits[-1], Scales(scales), tolerance=tolerance)
               for scales in arguments.scales for tolerance in arguments.tolerance]
    with TemporaryDirectory() as name:
        rows = [measure(arguments.model, settings, arguments.data, tuple(arguments.fold), arguments.score_fold,
                        arguments.folder or Path(name)) for settings in wanted]
    write_json(arguments.out, {"networks": rows})


if __name__ == "__main__":
    main()
