"""What a worker does with a job; it runs in a process, and perhaps on a machine, of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quantunet_hls.core.errors import (
    CheckpointError,
    ConfigurationError,
    DataError,
    IllegalGraphError,
    MismatchError,
    ToolNotFoundError,
)
from quantunet_hls.reports.schema import Report
from quantunet_hls.sweep.grid import Job

__all__ = ["Answer", "attempt", "build"]

# These would come out the same the next time; anything else may have been the machine's fault.
_FINAL = (CheckpointError, ConfigurationError, DataError, IllegalGraphError, MismatchError, ToolNotFoundError)

#: Plain values that travel back: "done" with a report's dictionary, "refused" or "failed" with a sentence; seconds.
Answer = tuple[str, Any, float]


def attempt(make: Callable[[Job], Report | None], job: Job) -> Answer:
    """Make a design; whatever goes wrong is an answer, too."""
    begun = time.monotonic()
    try:
        report = make(job)
    except _FINAL as error:
        return "refused", " ".join(str(error).split()), time.monotonic() - begun
    except Exception as error:
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())}", time.monotonic() - begun
    if report is None:
        return "refused", "The flow was stopped before anything was known; let it run further.", 0.0
    return "done", report.to_dict(), time.monotonic() - begun


def build(job: Job) -> Report | None:
    """Run the flow for a job; what a killed attempt left is taken up where it stopped."""
    import warnings

    # Those of the libraries underneath would only tear the progress bar.
    warnings.simplefilter("ignore")
    from quantunet_hls.flow.accelerator import generate_accelerator

    options = {name: value for name, value in job.options.items() if value is not None}
    model = job.model
    if job.unet is not None:
        from quantunet_hls.sweep.untrained import untrained

        model = str(untrained(job.unet, Path(job.projects) / "networks"))
    made = generate_accelerator(model, job.board, name=job.name, projects=job.projects, reports=job.reports, **options)
    return made.report
