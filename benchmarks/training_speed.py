"""Images per second of training steps: float networks and quantized ones, with and without what makes them faster.

    python benchmarks/training_speed.py [--depth 3] [--base 16] [--turns 3] [--json FILE]

Every way takes one step (forward, loss, backward, clipping, AdamW) in turns on the same 16 images of 128x128 pixels, on
one thread. The fastest turn counts, in CPU seconds, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from brevitas.core.quant.int_base import IntQuant
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from quantunet_hls.core.files import write_json
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate
from quantunet_hls.nets.fake_quantize import BlockwiseIntQuant

_IMAGES, _SIDE = 16, 128
_OURS = BlockwiseIntQuant.forward


def _float(depth: int, base: int) -> QuantUNet:
    return QuantUNet(UNetConfig(depth=depth, base_channels=base, quantized=False, batch_norm=True))


def _quantized(depth: int, base: int) -> QuantUNet:
    net = QuantUNet(UNetConfig(depth=depth, base_channels=base, widths=LayerWidths(4, 6)))
    calibrate(net, torch.rand(1, 1, _SIDE, _SIDE))
    return net


def _ways(depth: int, base: int) -> dict[str, Callable[[], None]]:
    """One step of each way to train, by its name."""
    last = torch.channels_last
    return {
        "float, contiguous": _stepper(_float(depth, base), torch.contiguous_format),
        "float": _stepper(_float(depth, base), last),
        "float, compiled": _stepper(_float(depth, base), last, compiled=True),
        "quantized, Brevitas's quantizers": _stepper(_quantized(depth, base), last, forward=IntQuant.forward),
        "quantized": _stepper(_quantized(depth, base), last),
    }


def _stepper(net: QuantUNet, memory: torch.memory_format, *, compiled: bool = False,
             forward: Callable[..., torch.Tensor] = _OURS) -> Callable[[], None]:
    net.train().to(memory_format=memory)
    run = torch.compile(net, dynamic=False) if compiled else net
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    images = torch.rand(_IMAGES, 1, _SIDE, _SIDE).to(memory_format=memory)
    masks = (torch.rand(_IMAGES, 1, _SIDE, _SIDE) > 0.9).float()

    def step() -> None:
        BlockwiseIntQuant.forward = forward
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(run(images), masks).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return step


def _seconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Measure, print a line for each way, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--base", type=int, default=16)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    steps = _ways(options.depth, options.base)
    for step in steps.values():
        step()
    turns = [{name: _seconds(step) for name, step in steps.items()} for _ in range(options.turns)]
    fastest = {name: min(turn[name] for turn in turns) for name in steps}
    for name, seconds in fastest.items():
        print(f"{name:34s} {seconds:6.2f} s a step  {_IMAGES / seconds:6.2f} images/s  "
              f"{fastest['float'] / seconds:5.2f} of float")
    if options.json:
        write_json(options.json, {
            "depth": options.depth, "base_channels": options.base, "images": _IMAGES, "side": _SIDE, "threads": 1,
            "torch": version("torch"), "brevitas": version("brevitas"),
            "cpu_seconds_a_step": {name: [round(turn[name], 3) for turn in turns] for name in steps},
        })


if __name__ == "__main__":
    main()
