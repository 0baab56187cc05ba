"""Carrying a plan out: every call once, afresh after a kill, and not again while nothing has changed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import QuantUNetError, ToolFailedError
from quantunet_hls.core.files import write_text
from quantunet_hls.core.process import run
from quantunet_hls.core.store import Store
from quantunet_hls.hls.vendor.plan import BuildPlan, Stage, ToolCall

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

_LEDGER = ".quantunet_build.json"
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


def execute(plan: BuildPlan, limits_s: Mapping[Stage, float] = LIMITS_S) -> tuple[Outcome, ...]:
    """Carry a plan out.

    A call is passed over where an earlier build made it with the same key and
    its outputs are as they were (:mod:`quantunet_hls.core.store`).

    Args:
        plan: of the build.
        limits_s: seconds that each stage may take.

    Raises:
        ToolFailedError: a tool that ended with an error, ran past its limit, or left no result; names its log.
        QuantUNetError: where the file system refuses.
    """
    folder = plan.project.folder
    store = Store(folder / _LEDGER)
    return tuple(_execute(call, folder, store, limits_s[call.stage]) for call in plan.calls)


def _execute(call: ToolCall, folder: Path, store: Store, limit_s: float) -> Outcome:
    log = folder / _LOGS / f"{call.stage}.log"
    entry = store.find(call.stage, call.key)
    if entry is not None:
        _log.info("%s: nothing has changed since it ran", call.stage)
        return Outcome(call.stage, log, entry.seconds, reused=True)
    _log.info(
        "%s: %s %s runs, at most %g s; its log is %s", call.stage, call.tool.name, call.tool.version, limit_s, log
    )
    store.forget(call.stage)
    try:
        for path in call.clears:
            _remove(folder / path)
    except OSError as error:
        raise QuantUNetError(
            f"{folder} can't be prepared for {call.stage} ({error}); check its permissions."
        ) from error
    for path, text in call.files.items():
        write_text(folder / path, text)
    finished = run([call.tool.path, *call.arguments], log=log, cwd=folder, limit_s=limit_s)
    _verify(call, folder, log)
    store.put(call.stage, call.key, [folder / path for path in call.outputs], seconds=finished.seconds)
    _log.info("%s: ended after %.1f s", call.stage, finished.seconds)
    return Outcome(call.stage, log, finished.seconds, reused=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _verify(call: ToolCall, folder: Path, log: Path) -> None:
    lines = log.read_text(errors="replace").splitlines()
    absent = [path for path in call.outputs if not (folder / path).exists()]
    if call.done_line in (line.strip() for line in lines) and not absent:
        return
    complaint = next((line.strip() for line in lines if line.lstrip().startswith("ERROR")), "")
    what = f"said {complaint[:300]!r}" if complaint else f"left no {', '.join(absent) or 'sign of its end'}"
    raise ToolFailedError(
        f"{call.tool.name} ended {call.stage} with exit code 0 but {what}; its log is {log}, and mending what it "
        "complains of and building again starts with this stage."
    )
