"""Carrying a plan out: every step once, afresh after a kill, and not again while nothing has changed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, ToolFailedError
from quantunet_hls.core.files import read_json, write_json, write_text
from quantunet_hls.core.process import run
from quantunet_hls.hls.vendor.plan import Plan, Stage, Step

__all__ = ["LIMITS_S", "Outcome", "execute"]

_log = logging.getLogger(__name__)

_HOUR = 3600.0

#: How long each stage may take, in seconds, unless told otherwise.
LIMITS_S: Mapping[Stage, float] = {
    Stage.CSIM: 2 * _HOUR,
    Stage.CSYNTH: 12 * _HOUR,
    Stage.COSIM: 24 * _HOUR,
    Stage.EXPORT: 2 * _HOUR,
    Stage.VSYNTH: 12 * _HOUR,
    Stage.IMPLEMENT: 24 * _HOUR,
}

_RECORDS = ".quantunet_build"
_LOGS = "quantunet_logs"


@dataclass(frozen=True)
class Outcome:
    """A stage that has ended well.

    Attributes:
        stage: which.
        log: all that the tool printed.
        seconds: that it took, when it ran.
        reused: whether it ran in an earlier build.
    """

    stage: Stage
    log: Path
    seconds: float
    reused: bool


def execute(plan: Plan, limits_s: Mapping[Stage, float] = LIMITS_S) -> tuple[Outcome, ...]:
    """Carry a plan out.

    A step is passed over where an earlier build ended it with the same digest
    and its outputs are still there. A step's record is removed before the step
    starts and written after it has ended well, so a kill leaves none.

    Args:
        plan: of the build.
        limits_s: seconds that each stage may take.

    Raises:
        ToolFailedError: a tool that ended with an error, ran past its limit, or left no result; names its log.
        QuantUNetError: where the file system refuses.
    """
    return tuple(_execute(step, plan.project.folder, limits_s[step.stage]) for step in plan.steps)


def _execute(step: Step, folder: Path, limit_s: float) -> Outcome:
    record = folder / _RECORDS / f"{step.stage}.json"
    log = folder / _LOGS / f"{step.stage}.log"
    seconds = _seconds_on_record(record, step, folder)
    if seconds is not None:
        _log.info("%s: nothing has changed since it ran", step.stage)
        return Outcome(step.stage, log, seconds, reused=True)
    _log.info(
        "%s: %s %s runs, at most %g s; its log is %s", step.stage, step.tool.name, step.tool.version, limit_s, log
    )
    try:
        record.unlink(missing_ok=True)
        for path in step.clears:
            _remove(folder / path)
    except OSError as error:
        raise QuantUNetError(
            f"{folder} can't be prepared for {step.stage} ({error}); check its permissions."
        ) from error
    for path, text in step.files.items():
        write_text(folder / path, text)
    finished = run([step.tool.path, *step.arguments], log=log, cwd=folder, limit_s=limit_s)
    _verify(step, folder, log)
    write_json(record, {"digest": step.digest, "seconds": finished.seconds})
    _log.info("%s: ended after %.1f s", step.stage, finished.seconds)
    return Outcome(step.stage, log, finished.seconds, reused=False)


def _seconds_on_record(record: Path, step: Step, folder: Path) -> float | None:
    """How long the step took when it ended with the same digest, None where it has to run."""
    try:
        value = read_json(record)
    except ConfigurationError:
        return None
    if not isinstance(value, dict) or value.get("digest") != step.digest:
        return None
    if not all((folder / path).exists() for path in step.outputs):
        return None
    seconds = value.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _verify(step: Step, folder: Path, log: Path) -> None:
    lines = log.read_text(errors="replace").splitlines()
    absent = [path for path in step.outputs if not (folder / path).exists()]
    if step.done_line in (line.strip() for line in lines) and not absent:
        return
    complaint = next((line.strip() for line in lines if line.lstrip().startswith("ERROR")), "")
    what = f"said {complaint[:300]!r}" if complaint else f"left no {', '.join(absent) or 'sign of its end'}"
    raise ToolFailedError(
        f"{step.tool.name} ended {step.stage} with exit code 0 but {what}; its log is {log}, and mending what it "
        "complains of and building again starts with this stage."
    )
