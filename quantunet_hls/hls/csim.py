"""C-simulation with g++: the project's own sources and test bench, as Vitis HLS C-simulates them."""

from __future__ import annotations

import os
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantunet_hls.core.errors import OverTimeError, ToolFailedError
from quantunet_hls.core.process import require_tool, run
from quantunet_hls.core.workshop import workshop
from quantunet_hls.hls.testbench import EXPECTED, INPUTS, RESULTS, read_values, write_values

__all__ = ["CSimulation", "compile_bench", "leave_values", "require_compiler", "simulate"]

#: Multiplications from which on optimizing takes less time than it saves. Measured on a depth-3, base-8 U-Net
#: (g++ 12.2): -O0 compiles 13 s faster, and then does 2.6 million a second where -O2 does 80 million.
_WORTH_OPTIMIZING = 30_000_000

#: What a C string of a path has as it is.
_PLAIN = frozenset((string.ascii_letters + string.digits + "/_.-+").encode())

_REMEDY = "install it (Debian and Ubuntu: apt-get install g++)"


@dataclass(frozen=True)
class CSimulation:
    """What the C-simulation of a batch of images gave.

    Attributes:
        output: float64 (images, values of one result), in hls4ml's order: height, width, channels.
        layers: hls4ml's layer name to float64 (images, values).
        compile_s: seconds that g++ took; 0 where nothing had to be compiled.
        run_s: seconds that the images took, all together.
    """

    output: np.ndarray
    layers: Mapping[str, np.ndarray]
    compile_s: float
    run_s: float


def require_compiler() -> Path:
    """The path of g++.

    Raises:
        ToolNotFoundError: there is none.
    """
    return require_tool("g++", "C-simulation", _REMEDY)


def compile_bench(project: Path, name: str, *, macs: int, limit_s: float = 3600) -> float:
    """Compile a project's firmware and bench to ``<project>/build/csim``; returns the seconds it took.

    Args:
        project: that hls4ml wrote, with our bench.
        name: of its top function.
        macs: multiplications that the images to come will take together.
        limit_s: time limit in seconds.

    Raises:
        ToolNotFoundError: there is no g++.
        ToolFailedError: it fails or takes longer than the limit.
    """
    compiler = require_compiler()
    build = project / "build"
    build.mkdir(exist_ok=True)
    weights = (project / "firmware" / "weights").resolve()
    # A name of this run's own: the compiler of a run that was killed may still be writing its program.
    part = build / f"csim.{os.getpid()}.part"
    started = time.monotonic()
    optimize = "-O0" if macs < _WORTH_OPTIMIZING else "-O2"
    flags = ["-std=c++11", optimize, "-w", "-Ifirmware/ap_types", f'-DWEIGHTS_DIR="{_c_string(str(weights))}"']
    # Both sources as one: the templates of the fixed-point types, most of the work at -O0, are instantiated once.
    sources = ["-include", f"firmware/{name}.cpp", f"{name}_test.cpp"]
    command: list[str | Path] = [compiler, *flags, *sources, "-o", f"build/{part.name}"]
    run(command, cwd=project, log=build / "compile.log", limit_s=limit_s)
    part.replace(build / "csim")
    return time.monotonic() - started


def _c_string(text: str) -> str:
    """A path as C reads it back, whatever is in it: trigraphs, newlines and other encodings included."""
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in os.fsencode(text))


def simulate(project: Path, images: np.ndarray, expected: np.ndarray, layers: Mapping[str, int], *,
             compile_s: float = 0.0, limit_s: float = 3600) -> CSimulation:
    """Run the compiled bench on images, with a trace of every layer.

    The image and expectation files stay in the project, for the vendor's tools to read.

    Args:
        project: where :func:`compile_bench` was.
        images: float (images, height, width, channels), as the input port takes them.
        expected: float (images, height, width, classes).
        layers: traced layers and their sizes, as the bench knows them.
        compile_s: seconds to note in the result.
        limit_s: time limit in seconds, for each image.

    Raises:
        ToolFailedError: the simulation crashes, or leaves results of the wrong size.
        OverTimeError: it ran past its limit.
    """
    write_values(project / INPUTS, images)
    write_values(project / EXPECTED, expected)
    (project / RESULTS).unlink(missing_ok=True)
    with workshop(project / "build") as folder:
        started = time.monotonic()
        log = project / "build" / "csim.log"
        try:
            run([(project / "build" / "csim").resolve(), "--trace", folder], cwd=project, log=log,
                limit_s=limit_s * len(images))
        except OverTimeError as error:
            raise OverTimeError(f"The C-simulation of {len(images)} images did not end within {limit_s:g} s each and "
                                "was stopped; allow more minutes an image.") from error
        except ToolFailedError:
            # Exit code 1 says that values differ: the comparison below tells which.
            if "values compared" not in log.read_text(errors="replace"):
                raise
        seconds = time.monotonic() - started
        traces = {name: _read_trace(folder / f"{name}.f64", len(images), size) for name, size in layers.items()}
    output = read_values(project / RESULTS)
    if output.shape != (len(images), int(np.prod(expected.shape[1:]))):
        raise ToolFailedError(f"The C-simulation left {output.shape} values in {project / RESULTS}; its log is {log}.")
    return CSimulation(output, traces, compile_s, seconds)


def leave_values(project: Path, images: np.ndarray, expected: np.ndarray, output: np.ndarray) -> None:
    """The files of a simulation in which all of these images were run at once, where they were run in groups."""
    for name, values in ((INPUTS, images), (EXPECTED, expected), (RESULTS, output)):
        write_values(project / name, values)


def _read_trace(path: Path, images: int, size: int) -> np.ndarray:
    values = np.fromfile(path, dtype=np.float64)
    if values.size != images * size:
        raise ToolFailedError(f"The C-simulation left {values.size} values of {path.stem}, not {images * size}.")
    return values.reshape(images, size)
