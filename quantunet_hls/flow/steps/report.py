"""Step ``report``: the parts that the other steps have left, as one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantunet_hls.core.steps import Step
from quantunet_hls.flow.inputs import contents, packages
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.reports.merge import PARTS, merge
from quantunet_hls.reports.schema import Report

if TYPE_CHECKING:
    from quantunet_hls.flow.artefacts import Artefacts
    from quantunet_hls.flow.run import Run

__all__ = ["known", "step"]


def step(run: Run) -> Step:
    """The step of a run."""
    files = run.files
    parts = [files.part(name) for name in PARTS]
    return Step("report", "Write the report", lambda: contents(parts), (files.report,),
                lambda: merge([Report.load(part) for part in parts]).save(files.report), (__name__,), packages)


def known(files: Artefacts, last: str) -> Report | None:
    """What is known of a design when ``last`` was the last step that was done; None where nothing is."""
    if last == STEPS[-1]:
        return Report.load(files.report)
    done = STEPS[: STEPS.index(last) + 1]
    parts = [Report.load(files.part(name)) for name in PARTS if name in done]
    return merge(parts) if parts else None
