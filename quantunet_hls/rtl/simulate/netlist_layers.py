"""Layers by themselves, netlists or RTL, simulated a batch at a time: what is compiled at once shares what the
compiler reads.

Every result is kept by content, of each layer for itself; which others were in its batch has no part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.files import sha256_file
from quantunet_hls.core.store import Key, Store, key_of
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.rtl.simulate.layer_simulation import BenchProgram, LayerBench, build_benches
from quantunet_hls.rtl.simulate.program import simulator_versions
from quantunet_hls.rtl.weights_file import layer_words
from quantunet_hls.types.fixed import Stored

__all__ = ["Compared", "LayerCheck", "batches", "check_layers", "inputs_of", "kept"]

#: Cells of a batch, but of one with a single larger module: some 4 CPU seconds of compilation.
_BATCH_CELLS = 5_000

#: Comparisons that are kept of a module: what its netlist was before may come again.
_KEPT = 4

#: Numbers that take eight bytes for a while.
_AT_A_TIME = 1 << 22


@dataclass(frozen=True)
class Compared:
    """A module that was simulated by itself: how many values came out, how many differ from what was expected.

    Attributes:
        layer: None for the top's netlist, compared at the network's output.
        values: that were compared.
        differing: of these.
        all_values: that were expected for the same frames.
    """

    layer: str | None
    values: int
    differing: int
    all_values: int


@dataclass(frozen=True)
class LayerCheck:
    """A layer's module that is to be compared.

    Attributes:
        bench: the module and its surroundings.
        inputs: codes of each source (frames, height, width, channels).
        expected: codes that must come out of them.
        folder: in which its result is kept.
        stalls: random pauses before and behind it.
        cycle_limit: clocks after which it ends, whether all beats are out or not.
        limit_s: seconds after which it is stopped, which is an error.
    """

    bench: LayerBench
    inputs: tuple[Stored, ...]
    expected: Stored
    folder: Path
    stalls: Stalls
    cycle_limit: int
    limit_s: float | None = None

    @property
    def name(self) -> str:
        """The layer's."""
        return self.bench.layer.name

    @property
    def contents(self) -> dict[str, Any]:
        """All that the result depends on."""
        bench = self.bench
        texts = {"module": bench.module, "header": bench.header, "cycle_limit": self.cycle_limit}
        loaded = [layer_words(bench.layer)] if bench.layer.memories else []
        fed = [bench.layer.fed] if bench.layer.feed else []
        return inputs_of(bench.files, texts, [*self.inputs, self.expected, *loaded, *fed], self.stalls)

    def compared(self, program: BenchProgram) -> Compared:
        """What a program of it gives."""
        seen = self.bench.run(program, self.inputs, cycle_limit=self.cycle_limit, stalls=self.stalls,
                              limit_s=self.limit_s)
        wanted = self.expected.reshape(-1, self.bench.layer.lanes)[: len(seen)]
        return Compared(self.name, wanted.size, int(np.count_nonzero(wanted != seen)), self.expected.size)


def batches(checks: Iterable[LayerCheck], sizes: Mapping[str, int], least: int) -> list[list[LayerCheck]]:
    """What is compiled together, the largest first: ``least`` batches, or more of at most so many cells.

    Args:
        sizes: cells by layer.
    """
    ordered = sorted(checks, key=lambda check: -sizes[check.name])
    made: list[list[LayerCheck]] = [[] for _ in range(min(least, len(ordered)))]

    def cells(batch: list[LayerCheck]) -> int:
        return sum(sizes[check.name] for check in batch)

    for check in ordered:
        batch = min(made, key=cells)
        if batch and cells(batch) + sizes[check.name] > _BATCH_CELLS:
            made.append(batch := [])
        batch.append(check)
    return made


def check_layers(checks: Sequence[LayerCheck], progress: Callable[[str, Compared], None], *, optimize: bool = False
                 ) -> dict[str, Compared]:
    """Compare some layers, those together that were not compared before; by layer.

    One that fails takes no other's result with it.

    Args:
        progress: called with each layer's name and result as it is there.
        optimize: spend compile time for faster programs.

    Raises:
        DeadlockError: the first that stands still.
        OverTimeError: the first that ran past its limit.
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    stores = {check.name: Store(check.folder / "compared.json", keep=_KEPT) for check in checks}
    keys = {check.name: _key(check.contents) for check in checks}
    entries = {check.name: stores[check.name].find("compared", keys[check.name]) for check in checks}
    found = {name: Compared(**entry.value) for name, entry in entries.items() if entry is not None}
    for name, compared in found.items():
        progress(name, compared)
    missing = [check for check in checks if check.name not in found]
    if not missing:
        return found
    place, failed = missing[0].folder / "program", []
    rmtree(place, ignore_errors=True)
    programs = build_benches([check.bench for check in missing], place, optimize=optimize)
    for check, program in zip(missing, programs, strict=True):
        try:
            found[check.name] = compared = check.compared(program)
        except QuantUNetError as error:
            failed.append(error)
            continue
        stores[check.name].put("compared", keys[check.name], value=asdict(compared))
        progress(check.name, compared)
    # It takes megabytes, and is of no use once it has run.
    rmtree(place, ignore_errors=True)
    if failed:
        raise failed[0]
    return found


def _key(inputs: Mapping[str, Any]) -> Key:
    return key_of(inputs, (__name__,), simulator_versions())


def inputs_of(files: Iterable[Path], texts: Mapping[str, Any], codes: Iterable[Stored],
            stalls: Stalls) -> dict[str, Any]:
    """All that a comparison depends on: Verilog and what it includes, and beats."""
    included = {part for path in files for part in (path, *path.parent.glob("*.vh"))}
    return {"verilog": sorted(sha256_file(path) for path in included), **texts, "stalls": asdict(stalls),
            "codes": [[list(values.shape), _digest(values)] for values in codes]}


def _digest(values: Stored) -> str:
    """Of the numbers, in whatever type they are held."""
    found = hashlib.sha256()
    rows = max(1, _AT_A_TIME * len(values) // max(values.size, 1))
    for first in range(0, len(values), rows):
        found.update(values[first: first + rows].astype("<i8").tobytes())
    return found.hexdigest()


def kept(folder: Path, inputs: Mapping[str, Any], simulated: Callable[[], Compared]) -> Compared:
    """A comparison that was made before, or made now; of what was built only the result is kept."""
    def simulate() -> dict[str, Any]:
        found = asdict(simulated())
        # Its program takes megabytes, and is of no use once it has run.
        rmtree(folder / "program", ignore_errors=True)
        return found

    store = Store(folder / "compared.json", keep=_KEPT)
    return Compared(**store.made("compared", _key(inputs), simulate).value)
