"""Subprocesses at the edge of the package: argument lists, a log file, a time limit, no orphans."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.errors import QuantUNetError, ToolFailedError, ToolNotFoundError

__all__ = ["Finished", "find_tool", "output_of", "require_tool", "run"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished:
    """What is known of a command that ended well."""

    seconds: float
    log: Path


def find_tool(name: str) -> Path | None:
    """Path of an executable: ``QUANTUNET_HLS_<NAME>`` of the environment first, PATH second, else None.

    Raises:
        ToolNotFoundError: where the environment names a program that does not exist.
    """
    variable = "QUANTUNET_HLS_" + name.upper().replace("-", "_").replace("+", "X")
    override = os.environ.get(variable)
    found = shutil.which(override or name)
    if found is None and override:
        raise ToolNotFoundError(override, variable, f"correct {variable} in the environment or unset it")
    return Path(found).absolute() if found else None


def require_tool(name: str, needed_for: str, remedy: str) -> Path:
    """Path of an executable that must be there, found as :func:`find_tool` does.

    Raises:
        ToolNotFoundError: where it is nowhere.
    """
    found = find_tool(name)
    if found is None:
        raise ToolNotFoundError(name, needed_for, remedy)
    return found


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path | None = None,
    limit_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a command to its end; everything it prints goes to ``log``.

    The command gets a process group of its own, which is killed whole when the
    time limit passes or this process is interrupted.

    Args:
        command: program and arguments; never passed to a shell.
        log: file for its output, overwritten.
        cwd: folder it runs in.
        limit_s: wall-clock limit in seconds.
        environment: variables set on top of this process's own.

    Raises:
        ToolNotFoundError: the program does not exist.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    program = Path(command[0]).name
    _log.debug("running %s in %s", " ".join(map(str, command)), cwd or Path.cwd())
    started = time.monotonic()
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except FileNotFoundError as error:
        raise ToolNotFoundError(program, "this step", "install it or put it on PATH") from error
    except OSError as error:
        raise QuantUNetError(f"{program} could not be started ({error.strerror or error}).") from error
    try:
        status = process.wait(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        _kill_group(process)
        raise ToolFailedError(
            f"{program} did not end within its limit of {limit_s:g} s and was stopped; its log is {log}."
        ) from error
    except BaseException:
        _kill_group(process)
        raise
    if status != 0:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
        raise ToolFailedError(f"{program} {how}; its log is {log}, which ends: {_last_line(log)}")
    return Finished(seconds=time.monotonic() - started, log=log)


def output_of(command: Sequence[str | Path], *, limit_s: float = 20) -> str:
    """All that a command prints, for questions like ``--version``.

    Raises:
        ToolNotFoundError: the program does not exist.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    with tempfile.TemporaryDirectory(prefix="quantunet-") as folder:
        finished = run(command, log=Path(folder) / "output.txt", cwd=Path(folder), limit_s=limit_s)
        return finished.log.read_text(errors="replace")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "(nothing was printed)"
