"""A small U-Net all the way to a ULX3S bitstream, and the report of it.

Depth 2, base 4, 32x32, 4-bit weights and 6-bit activations; the weights are
random and the activations calibrated on phantoms, for place and route look at
neither. Writes ``reports/reference/ulx3s_d2_b4.json`` and keeps all files of the
flow in ``hls_projects/``. Takes some minutes, most of them in nextpnr.

    python benchmarks/ulx3s.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.nets import QuantUNet, calibrate

_SIZE = 32


def demonstration() -> QuantUNet:
    """The network, always the same one."""
    torch.manual_seed(1)
    net = QuantUNet(depth=2, base_channels=4)
    images = draw_phantoms(4, _SIZE, _SIZE).images / 256
    calibrate(net, torch.as_tensor(images, dtype=torch.float32))
    return net.eval()


def main(reports: str = "reports/reference") -> None:
    """Run the flow and say where the report went."""
    made = generate_accelerator(demonstration(), "ulx3s-85f", name="ulx3s_d2_b4", input_shape=(1, _SIZE, _SIZE),
                                images=2, toolchain="open", reports=Path(reports),
                                progress=lambda line: print(line, file=sys.stderr))
    print(f"{made.report_path}: {made.differing} values differ")


if __name__ == "__main__":
    main(*sys.argv[1:])
