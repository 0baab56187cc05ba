"""Images per second of the emulator beside hls4ml's compiled `predict`, and their differences.

    python benchmarks/emulator.py [MODEL] [--size 128] [--images 16] [--json FILE]
    python benchmarks/emulator.py --networks 50 [--json FILE]

The first form takes a zoo entry or a random U-Net of base 8 and depth 3, converts it once, and lets both
answer the same batch in the same run. The second C-simulates random networks of every layer kind, with random
shapes, widths, signs, rounding and overflow modes, for images at the ends of the port's type and beyond them, and
counts the values in which the emulator differs, layer by layer; its file also counts the types by mode, and a killed
run goes on from it. Either ends with 1 where a value differs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hls4ml.model.graph import ModelGraph

from quantunet_hls.core.files import read_json, sha256_file, write_json
from quantunet_hls.core.store import key_of
from quantunet_hls.core.versions import versions_of
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.emulate import Emulator
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.hls.mends import mended
from quantunet_hls.ingest import export_module, ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.pooling.layer import Pooling
from quantunet_hls.types import FixedType, parse_type
from quantunet_hls.zoo import checkpoints as zoo

_REPEATS = 5


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _convert(model: str | None, size: int, images: np.ndarray, folder: Path) -> ModelGraph:
    if model is None:
        torch.manual_seed(0)
        net = QuantUNet(depth=3, base_channels=8)
        calibrate(net, torch.from_numpy(images[:4]).permute(0, 3, 1, 2).float())
    else:
        net, _ = zoo.load(model)
    graph = ingest(export_module(net.eval(), (1, size, size)))
    settings = HlsSettings("benchmark", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {})
    return convert(graph.model, infer_types(graph.model), settings, folder)


def compare_speed(model: str | None, size: int, count: int, result: Path | None) -> int:
    """Print both speeds and their ratio, and write them to a file; returns the number of differing values."""
    load = os.getloadavg()[0]
    images = draw_phantoms(count, size, size).images.transpose(0, 2, 3, 1) / 256
    with tempfile.TemporaryDirectory() as folder:
        graph = _convert(model, size, images, Path(folder) / "project")
        started = time.perf_counter()
        emulator = Emulator(graph)
        emulator.predict(images[:1])
        ready = time.perf_counter() - started
        print(f"emulator ready in {ready:.2f} s, on {torch.get_num_threads()} threads", flush=True)
        with mended("Vitis"), contextlib.redirect_stdout(io.StringIO()):
            compiled = _seconds(graph.compile)
        print(f"hls4ml compiled in {compiled:.1f} s", flush=True)
        # The emulator before, between and after, so that a busy machine is busy for both.
        ours = [_seconds(lambda: emulator.predict(images)) for _ in range(_REPEATS)]
        started = time.perf_counter()
        theirs = np.asarray(graph.predict(np.ascontiguousarray(images))).reshape(count, -1)
        hls4ml_s = time.perf_counter() - started
        ours += [_seconds(lambda: emulator.predict(images)) for _ in range(_REPEATS)]
        differing = int(np.count_nonzero(emulator.predict(images).reshape(count, -1) != theirs))
    emulator_s = statistics.median(ours)
    print(f"batch of {count} images of {size}x{size}, {theirs.size} values, {differing} differ")
    print(f"hls4ml predict  {hls4ml_s / count * 1e3:10.2f} ms an image {count / hls4ml_s:10.2f} images/s")
    print(f"emulator        {emulator_s / count * 1e3:10.2f} ms an image {count / emulator_s:10.2f} images/s "
          f"(median of {len(ours)}; best {min(ours) / count * 1e3:.2f} ms)")
    print(f"ratio           {hls4ml_s / emulator_s:10.1f}")
    if result is not None:
        write_json(result, {
            "network": model or "random U-Net of base 8 and depth 3", "height": size, "width": size, "images": count,
            "values": theirs.size, "differing": differing, "threads": torch.get_num_threads(),
            "hls4ml_s_per_image": hls4ml_s / count, "emulator_s_per_image": emulator_s / count,
            "emulator_best_s_per_image": min(ours) / count, "ratio": hls4ml_s / emulator_s,
            "load_average_before": load, "cores": os.cpu_count(),
            "versions": {name: version(name) for name in ("hls4ml", "torch", "numpy", "quantunet-hls")},
        })
    return differing


def compare_networks(count: int, first: int, result: Path | None) -> int:
    """C-simulate random networks, print a line for each; returns the number of differing values."""
    # The networks are those of the test suite, which lies beside this folder.
    root = Path(__file__).resolve().parent.parent
    sys.path.insert(0, str(root))
    from tests.emulate.networks import csimulate, edge_images, random_network

    # Other code or other networks would be another measurement.
    made_with = key_of({"networks": sha256_file(root / "tests" / "emulate" / "networks.py")},
                       ("quantunet_hls.emulate.emulator", "quantunet_hls.hls.csim", "quantunet_hls.hls.convert"),
                       versions_of("hls4ml", "numpy", "torch")).digest
    known = read_json(result) if result is not None and result.is_file() else {}
    known = known["networks"] if known.get("made_with") == made_with else {}
    rows: dict[str, Any] = {}
    for seed in range(first, first + count):
        if str(seed) in known:
            rows[str(seed)] = known[str(seed)]
            continue
        network = random_network(seed)
        images = edge_images(network, 8)
        with tempfile.TemporaryDirectory() as folder:
            graph = network.build(Path(folder))
            simulated = csimulate(graph, network.name, images)
        emulator = Emulator(graph)
        traced = emulator.trace(images)
        layers = {name: int(np.count_nonzero(traced[name].reshape(values.shape) != values))
                  for name, values in simulated.layers.items()}
        output = int(np.count_nonzero(emulator.predict(images).reshape(simulated.output.shape) != simulated.output))
        port = parse_type(network.type_of_input)
        types = _types_of(emulator)
        rows[str(seed)] = {
            "backend": network.backend, "layers": len(layers),
            "values": sum(values.size for values in simulated.layers.values()) + simulated.output.size,
            "differing": sum(layers.values()) + output, "differing_layers": [name for name in layers if layers[name]],
            "inputs": images.size,
            "inputs_beyond_the_port": int(np.count_nonzero((images < port.low * port.step)
                                                           | (images > port.high * port.step))),
            "types": len(types), "widths": [min(kind.width for kind in types), max(kind.width for kind in types)],
            "unsigned": sum(not kind.signed for kind in types),
            "roundings": Counter(kind.rounding for kind in types),
            "overflows": Counter(kind.saturation for kind in types),
        }
        print(f"network {seed}: {rows[str(seed)]}", flush=True)
        if result is not None:
            write_json(result, {"made_with": made_with, **_summary(rows)})
    summary = {"made_with": made_with, **_summary(rows)}
    if result is not None:
        write_json(result, summary)
    print({key: value for key, value in summary.items() if key != "networks"})
    return int(summary["differing"])


def _types_of(emulator: Emulator) -> list[FixedType]:
    """Results and accumulators of all layers."""
    layers = emulator.network.layers
    return [*(stage.type for layer in layers for stage in layer.stages),
            *(layer.accumulator for layer in layers if isinstance(layer, Convolution | Pooling))]


def _summary(rows: dict[str, Any]) -> dict[str, Any]:
    """All networks together: sums, widest reach, and each network by itself."""
    def total(key: str) -> int:
        return sum(row[key] for row in rows.values())

    def modes(key: str) -> dict[str, int]:
        return dict(sorted(sum((Counter(row[key]) for row in rows.values()), Counter()).items()))

    return {
        **{key: total(key) for key in ("values", "differing", "inputs", "inputs_beyond_the_port", "types", "unsigned")},
        "widths": [min(row["widths"][0] for row in rows.values()), max(row["widths"][1] for row in rows.values())],
        "roundings": modes("roundings"), "overflows": modes("overflows"),
        "versions": {name: version(name) for name in ("hls4ml", "torch", "numpy", "quantunet-hls")},
        "networks": rows,
    }


def main() -> None:
    """Read the command line and do what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="zoo entry; a random U-Net where absent")
    parser.add_argument("--size", type=int, default=128, help="height and width")
    parser.add_argument("--images", type=int, default=16, help="images in the batch")
    parser.add_argument("--networks", type=int, default=0, help="random networks to C-simulate instead")
    parser.add_argument("--first", type=int, default=0, help="seed of the first of them")
    parser.add_argument("--json", type=Path, help="file for what was found")
    arguments = parser.parse_args()
    if arguments.networks:
        sys.exit(compare_networks(arguments.networks, arguments.first, arguments.json) > 0)
    sys.exit(compare_speed(arguments.model, arguments.size, arguments.images, arguments.json) > 0)


if __name__ == "__main__":
    main()
