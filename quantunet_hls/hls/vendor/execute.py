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
from quantunet_hls.hls.vendor.plan import BuildPlan, Phase, ToolCall

__all__ = ["LIMITS_S", "Outcome", "execute"]

_log = logging.getLogger(__name__)

_HOUR = 3600.0

#: How long each phase may take, in seconds, unless told otherwise.
LIMITS_S: Mapping[Phase, float] = {
    Phase.CSIM: 2 * _HOUR,
    Phase.CSYNTH: 12 * _HOUR,
    Phase.COSIM: 24 * _HOUR,
    Phase.EXPORT: 2 * _HOUR,
    Phase.VSYNTH: 12 * _HOUR,
    Phase.IMPLEMENT: 24 * _HOUR,
}

_LEDGER = ".quantunet_build.json"
_LOGS = "quantunet_logs"


@dataclass(frozen=True)
class Outcome:
    """A phase that has ended well.

    Attributes:
        phase: which.
        log: all that the tool printed.
        seconds: that it took, when it ran.
        reused: whether it ran in an earlier build.
    """

    phase: Phase
    log: Path
    seconds: float
    reused: bool


def execute(plan: BuildPlan, limits_s: Mapping[Phase, float] = LIMITS_S) -> tuple[Outcome, ...]:
    """Carry a plan out.

    A call is passed over where an earlier build made it with the same key and
    its outputs are as they were (:mod:`quantunet_hls.core.store`).

    Args:
        plan: of the build.
        limits_s: seconds that each phase may take.

    Raises:
        ToolFailedError: a tool that ended with an error, ran past its limit, or left no result; names its log.
        QuantUNetError: where the file system refuses.
    """
    folder = plan.project.folder
    store = Store(folder / _LEDGER)
    return tuple(_execute(call, folder, store, limits_s[call.phase]) for call in plan.calls)


def _execute(call: ToolCall, folder: Path, store: Store, limit_s: float) -> Outcome:
    log = folder / _LOGS / f"{call.phase}.log"
    entry = store.find(call.phase, call.key)
    if entry is not None:
        _log.info("%s: nothing has changed since it ran", call.phase)
        return Outcome(call.phase, log, entry.seconds, reused=True)
    _log.info(
        "%s: %s %s runs, at most %g s; its log is %s", call.phase, call.tool.name, call.tool.version, limit_s, log
    )
    store.forget(call.phase)
    try:
        for path in call.clears:
            _remove(folder / path)
    except OSError as error:
        raise QuantUNetError(
            f"{folder} can't be prepared for {call.phase} ({error}); check its permissions."
        ) from error
    for path, text in call.files.items():
        write_text(folder / path, text)
    finished = run([call.tool.path, *call.arguments], log=log, cwd=folder, limit_s=limit_s)
    _verify(call, folder, log)
    store.put(call.phase, call.key, [folder / path for path in call.outputs], seconds=finished.seconds)
    _log.info("%s: ended after %.1f s", call.phase, finished.seconds)
    return Outcome(call.phase, log, finished.seconds, reused=False)


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
        f"{call.tool.name} ended {call.phase} with exit code 0 but {what}; its log is {log}, and mending what it "
        "complains of and building again starts with this phase."
    )
