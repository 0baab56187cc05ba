"""The hls4ml project on disk, as far as the vendor's tools need to know it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import ConfigurationError, StepError
from quantunet_hls.core.files import check_name
from quantunet_hls.targets import check_part

__all__ = ["BACKENDS", "HlsProject"]

#: hls4ml's backends that write projects for these tools, each with hls4ml's default clock uncertainty.
BACKENDS = {"Vitis": "27%", "Vivado": "12.5%"}

_UNCERTAINTY = re.compile(r"\d{1,3}(\.\d{1,3})?%?")


@dataclass(frozen=True)
class HlsProject:
    """A project that hls4ml wrote.

    Everything in it that gets into a Tcl script is checked when the object is made.

    Attributes:
        folder: that hls4ml wrote into.
        name: of the project and of its top function.
        part: with package and speed grade.
        clock_ns: target period in ns.
        io_type: "io_stream" or "io_parallel".
        backend: "Vitis" or "Vivado".
        uncertainty: of the clock, in percent ("27%") or ns ("1.25"); hls4ml's default where empty.

    Raises:
        ConfigurationError: a name, part, clock, io_type, backend or uncertainty that can't be used.
    """

    folder: Path
    name: str
    part: str
    clock_ns: float
    io_type: str = "io_stream"
    backend: str = "Vitis"
    uncertainty: str = ""

    def __post_init__(self) -> None:
        check_name("project", self.name)
        check_part(self.part)
        if not 0.1 <= self.clock_ns <= 10_000:
            raise ConfigurationError(f"A clock period of {self.clock_ns!r} ns can't be built; give 0.1 to 10000 ns.")
        if self.io_type not in ("io_stream", "io_parallel"):
            raise ConfigurationError(f"There is no io_type {self.io_type!r}; use io_stream or io_parallel.")
        if self.backend not in BACKENDS:
            raise ConfigurationError(f"There is no backend {self.backend!r} here; use {' or '.join(BACKENDS)}.")
        uncertainty = self.uncertainty or BACKENDS[self.backend]
        if not _UNCERTAINTY.fullmatch(uncertainty):
            raise ConfigurationError(f"{uncertainty!r} is no clock uncertainty; write it as 27% or as 1.25 (ns).")
        object.__setattr__(self, "uncertainty", uncertainty)

    @property
    def hls_project(self) -> str:
        """Folder of the HLS project, relative to :attr:`folder`; the name is hls4ml's."""
        return f"{self.name}_prj"

    @property
    def solution(self) -> str:
        """Folder of the solution, relative to :attr:`folder`; the name is hls4ml's."""
        return f"{self.hls_project}/solution1"

    @property
    def source(self) -> str:
        """The top function's source file, relative to :attr:`folder`."""
        return f"firmware/{self.name}.cpp"

    @property
    def test_bench(self) -> str:
        """The test bench, relative to :attr:`folder`."""
        return f"{self.name}_test.cpp"

    def require(self) -> None:
        """Make sure that the project has been written.

        Raises:
            StepError: where its source or test bench is absent.
        """
        for path in (self.source, self.test_bench):
            if not (self.folder / path).is_file():
                raise StepError(f"{self.folder} has no {path}, so it is no hls4ml project; write the project first.")
