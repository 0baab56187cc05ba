"""Step ``report``: the parts that the other steps have left, as one report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from quantunet_hls.core.steps import Step
from quantunet_hls.flow.inputs import contents, packages
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.reports.merge import PARTS, merge
from quantunet_hls.reports.schema import Report

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

__all__ = ["known", "step"]


def step(run: Run) -> Step:
    """The step of a run."""
    files = run.files
    parts = [files.part(name) for name in PARTS]
    return Step("report", "Write the report", lambda: {**contents(parts), "asked": run.spec.asked()}, (files.report,),
                lambda: _merged(run, parts).save(files.report), (__name__,), packages)


def _merged(run: Run, parts: Iterable[Path]) -> Report:
    return replace(merge([Report.load(part) for part in parts]), asked=run.spec.asked())


def known(run: Run, last: str) -> Report | None:
    """What is known of a design when ``last`` was the last step that was done; None where nothing is."""
    if last == STEPS[-1]:
        return Report.load(run.files.report)
    done = STEPS[: STEPS.index(last) + 1]
    parts = [run.files.part(name) for name in PARTS if name in done]
    return _merged(run, parts) if parts else None
