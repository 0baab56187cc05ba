"""``generate_accelerator``: from a model and a board to a proven project and a report."""

# The annotations are values, as in quantunet_hls.flow.spec.
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.folders import claim, exclusively, refuse_foreign_file
from quantunet_hls.core.steps import Outcome, Step, earlier_ledger, run_steps
from quantunet_hls.core.workshop import clear
from quantunet_hls.flow.flow import steps_of
from quantunet_hls.flow.options import Option, taking
from quantunet_hls.flow.preflight import check_first
from quantunet_hls.flow.resolve import resolve
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.flow.steps.report import known
from quantunet_hls.reports.schema import Check, Report

__all__ = ["Accelerator", "Asked", "generate_accelerator"]


@dataclass(frozen=True, kw_only=True)
class Asked(DesignSpec):
    """A design that is asked for, and who is told how it comes along."""

    started: Annotated[Callable[[Step], None], Option("called before a step runs")] = lambda step: None
    finished: Annotated[Callable[[Outcome], None], Option("called after each step")] = lambda outcome: None
    progress: Annotated[
        Callable[[str], None],
        Option("called with a line for each part of a step that takes long, such as the mapping of a layer"),
    ] = lambda line: None


@dataclass(frozen=True)
class Accelerator:
    """What :func:`generate_accelerator` leaves behind.

    Attributes:
        name: of the design.
        folder: all files of the flow.
        project: the hls4ml project in it.
        report: what is known of the design; None where the flow was stopped before its project was written.
        report_path: where the whole flow leaves it.
        outcomes: of each step, in order.
    """

    name: str
    folder: Path
    project: Path
    report: Report | None
    report_path: Path
    outcomes: tuple[Outcome, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every comparison of two executors that was made."""
        return self.report.checks if self.report else ()

    @property
    def differing(self) -> int:
        """How many values differ between any two executors; anything but 0 is a fault."""
        return sum(check.differing for check in self.checks)


@taking(Asked)
def generate_accelerator(asked: Asked) -> Accelerator:
    """Turn a quantized network into an hls4ml project that is proven to compute the same integers.

    What was done before for the same input is not done again; a killed run resumes.

    Args:
        {options}

    Raises:
        QuantUNetError: one of its subclasses, with one sentence that says what, where and the remedy;
            :class:`MismatchError` if one value differs between two executors.
    """
    try:
        run = resolve(asked, asked.progress)
        files, outcomes = run.files, []
        check_first(run)
        if asked.reaches("report"):
            refuse_foreign_file(files.report, "report", Report.load)
        claim(files.folder, "design", earlier=lambda folder: earlier_ledger(folder, files.ledger, STEPS))
        with exclusively(files.folder) as still_ours:
            clear(files.report.parent, f".{files.report.name}.*.part")
            for outcome in run_steps(steps_of(run), files.ledger, first=asked.first, last=asked.last,
                                     started=asked.started):
                still_ours()
                outcomes.append(outcome)
                asked.finished(outcome)
            report = known(run, outcomes[-1].step.name)
    except OSError as error:
        raise QuantUNetError(
            f"{error.filename or 'A file'} can't be read or written ({error.strerror or error}); "
            "check the path, free some space or name another folder."
        ) from error
    return Accelerator(run.name, files.folder, files.project.folder, report, files.report, tuple(outcomes))
