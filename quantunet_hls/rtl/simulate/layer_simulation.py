"""One layer's module alone, between recorded streams: beats that came from its sources in, its own beats out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantunet_hls.core.errors import OverTimeError
from quantunet_hls.core.workshop import workshop
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.rtl.generate.contents import written_apart
from quantunet_hls.rtl.simulate.harness import (
    NOTHING,
    DeadlockError,
    LoadPort,
    Round,
    Stalls,
    drive,
    harness_header,
    harness_text,
    marked,
    pack,
    read_beats,
    unpack,
)
from quantunet_hls.rtl.simulate.program import Part, verilate_together
from quantunet_hls.rtl.weights_file import layer_words
from quantunet_hls.types.fixed import Stored

__all__ = ["BenchProgram", "LayerBench", "build_benches"]

#: Clocks from a layer's last word of weights until it is in its memory, and some more.
_SETTLE = 8


@dataclass(frozen=True)
class BenchProgram:
    """What simulates a layer.

    Attributes:
        path: of the program.
        contents: files that it reads when it starts: what is in the memories.
    """

    path: Path
    contents: tuple[Path, ...] = ()


@dataclass(frozen=True)
class LayerBench:
    """A layer and its surroundings.

    Attributes:
        module: name of its Verilog module.
        files: the module, and what it is made of.
        layer: whose beats go out.
        sources: the layers whose beats come in, by port.
    """

    module: str
    files: tuple[Path, ...]
    layer: StreamLayer
    sources: tuple[StreamLayer, ...]

    @property
    def header(self) -> str:
        """What the harness must know of it."""
        return harness_header({f"i{port}": source for port, source in enumerate(self.sources)}, self.layer,
                              load=LoadPort("load", _SETTLE, whole=False) if self.layer.memories else None,
                              feeds=self.layer.feed is not None)

    def run(self, program: BenchProgram, inputs: Sequence[Stored], *, cycle_limit: int, stalls: Stalls,
            limit_s: float | None = None) -> Stored:
        """Simulate it.

        Args:
            program: of :func:`build_benches`.
            inputs: of each source the codes (frames, height, width, channels).
            cycle_limit: clocks after which it ends, whether all beats are out or not.
            stalls: random pauses at each input and at the output.
            limit_s: seconds after which it is stopped.

        Returns:
            Codes (beats, lanes) that came out, from the first on: of all frames, or of as many clocks.

        Raises:
            DeadlockError: nothing moves any more.
            ToolFailedError: a model stopped the simulation.
            OverTimeError: it ran past ``limit_s``.
        """
        total = self.layer.beats * len(inputs[0])
        beats = [pack(codes, source.lanes, source.type.width)
                 for codes, source in zip(inputs, self.sources, strict=True)]
        if self.layer.feed:
            beats.append(np.tile(self.layer.fed, (self.layer.feedings * len(inputs[0]), 1)))
        with workshop() as place:
            for content in program.contents:
                (place / content.name).symlink_to(content)
            load = marked(layer_words(self.layer), 0) if self.layer.memories else NOTHING
            try:
                report = drive(program.path, beats, self.layer.beats, [Round(load, total)], place, stalls=stalls,
                               cycle_limit=cycle_limit, limit_s=limit_s)
            except OverTimeError as error:
                raise OverTimeError(f"The simulation of layer {self.layer.name!r} alone did not end within "
                                    f"{limit_s:g} s and was stopped; allow more minutes an image.") from error
            if report["end"] == "stuck":
                raise DeadlockError(f"Layer {self.layer.name!r} alone is stuck after {report['cycles']} cycles and "
                                    f"{report['received']} of {total} output beats.")
            seen: np.ndarray = read_beats(place / "out.bin", self.layer)
        return unpack(seen, self.layer.lanes, self.layer.type)


def build_benches(benches: Sequence[LayerBench], folder: Path, *, optimize: bool = False) -> list[BenchProgram]:
    """A simulation program for each, compiled together in an empty folder.

    Args:
        optimize: spend compile time for faster programs.

    Raises:
        ToolNotFoundError, ToolFailedError: a tool is absent or failed.
    """
    parts, contents = [], []
    for bench in benches:
        sources, apart = written_apart({path.stem: path for path in bench.files}, folder / "contents" / bench.module)
        parts.append(Part(bench.module, tuple(sources), bench.header))
        contents.append(apart)
    programs = verilate_together(parts, folder, harness_text(), optimize=optimize)
    return [BenchProgram(path, apart) for path, apart in zip(programs, contents, strict=True)]
