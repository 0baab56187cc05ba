"""The whole way: find the tools, plan, carry out, read the reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from quantunet_hls.core.errors import ToolNotFoundError
from quantunet_hls.hls.vendor.discover import Tool, hls_tool, vivado
from quantunet_hls.hls.vendor.execute import LIMITS_S, execute
from quantunet_hls.hls.vendor.plan import Phase, make_plan, phases_needed
from quantunet_hls.hls.vendor.project import HlsProject
from quantunet_hls.hls.vendor.results import VendorResult, collect
from quantunet_hls.reports.parsers.layers import layers_in_source

__all__ = ["build", "versions"]

_IN_VIVADO = frozenset((Phase.VSYNTH, Phase.IMPLEMENT))


def versions(backend: str, phases: Iterable[str]) -> dict[str, str]:
    """Titles and versions of the tools that phases of a project take, as far as they are installed.

    Args:
        backend: hls4ml's, of the project.
        phases: names of :class:`Phase`.

    Raises:
        UnknownNameError: a phase that does not exist.
    """
    wanted = frozenset(phases_needed(phases))
    finders: list[Callable[[], Tool]] = [*([partial(hls_tool, backend)] if wanted - _IN_VIVADO else []),
                                         *([vivado] if wanted & _IN_VIVADO else [])]
    found = {}
    for find in finders:
        with suppress(ToolNotFoundError):
            tool = find()
            found[tool.title] = tool.version
    return found


def build(
    project: HlsProject,
    phases: Iterable[str] = (Phase.CSIM, Phase.CSYNTH),
    *,
    limit_s: float | Mapping[Phase, float] | None = None,
    layers: Mapping[str, int | None] | None = None,
) -> VendorResult:
    """Build an hls4ml project with the vendor's tools, as far as asked.

    Phases that the ones asked for need are done too; what was done before and
    has not changed is not done again.

    Args:
        project: that hls4ml wrote.
        phases: names of :class:`Phase`.
        limit_s: seconds that each phase may take, or a mapping for some of the phases.
        layers: number of each layer in hls4ml's graph, in the network's order; read from the source by default.

    Raises:
        UnknownNameError: a phase that does not exist.
        StepError: a project that has not been written, or a damaged report.
        ToolNotFoundError: a tool that is not installed.
        ToolFailedError: a tool that failed, ran past its limit or left no result; names its log.
    """
    wanted = phases_needed(phases)
    project.require()
    hls = hls_tool(project.backend) if set(wanted) - _IN_VIVADO else None
    plan = make_plan(project, wanted, hls, vivado() if _IN_VIVADO.intersection(wanted) else None)
    limits = dict(LIMITS_S)
    if isinstance(limit_s, Mapping):
        limits.update(limit_s)
    elif limit_s is not None:
        limits = dict.fromkeys(Phase, limit_s)
    outcomes = execute(plan, limits)
    if layers is None:
        source = (project.folder / project.source).read_text(errors="replace")
        layers = layers_in_source(source.splitlines())
    return collect(plan, outcomes, layers)
