"""Subprocesses at the edge of the package: argument lists, a log file, a time limit, no orphans.

Every command runs under :mod:`quantunet_hls.core.supervise`, which ends it, with all that it has started, when this
process ends: by a signal that can be caught, by one that can't, or because the command ran past its limit.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import OverTimeError, QuantUNetError, ToolFailedError, ToolNotFoundError
from quantunet_hls.core.workshop import workshop

__all__ = ["Finished", "find_tool", "output_of", "require_tool", "run", "side_by_side"]

_log = logging.getLogger(__name__)

_SUPERVISOR = Path(__file__).with_name("supervise.py").absolute()

#: Seconds that a supervisor gets to end all that it watches over.
_PATIENCE_S = 15.0


class _Beside(threading.local):
    """In a thread of :func:`side_by_side`, what it shares with the others."""

    group: _Group | None = None


class _Group:
    """Commands that run side by side; none may go on once they are stopped."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False


_beside = _Beside()


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

    The command and all that it starts end with this process, however that ends, when the time limit passes, and
    when this process is interrupted; nor does anything that it started outlive it. Its folder for temporary files is
    fresh, has a name that any tool can take, and is gone afterwards.

    Args:
        command: program and arguments; never passed to a shell.
        log: file for its output, overwritten.
        cwd: folder it runs in.
        limit_s: wall-clock limit in seconds.
        environment: variables set on top of this process's own.

    Raises:
        ToolNotFoundError: the program does not exist.
        ToolFailedError: it ended with an error.
        OverTimeError: it ran past its limit.
        QuantUNetError: it can't be started, or the log can't be written.
    """
    program = Path(command[0]).name
    _log.debug("running %s in %s", " ".join(map(str, command)), cwd or Path.cwd())
    started = time.monotonic()
    with workshop() as temporary:
        process = _start(command, log, cwd, {"TMPDIR": str(temporary), **(environment or {})}, temporary)
        group = _beside.group or _Group()
        group.running.add(process)
        try:
            if group.stopped:
                process.terminate()
            status = process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            _stop(process)
            raise OverTimeError(
                f"{program} did not end within its limit of {limit_s:g} s and was stopped; its log is {log}."
            ) from error
        except BaseException:
            _stop(process)
            raise
        finally:
            group.running.discard(process)
    if status != 0:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
        raise ToolFailedError(f"{program} {how}; its log is {log}, which ends: {_last_line(log)}")
    return Finished(seconds=time.monotonic() - started, log=log)


def _start(command: Sequence[str | Path], log: Path, cwd: Path | None, environment: Mapping[str, str],
           temporary: Path) -> subprocess.Popen[bytes]:
    """Start a command under its supervisor, and wait until it runs."""
    program = Path(command[0]).name
    reader, writer = os.pipe()
    try:
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            # What lies under the log's name may be a link to somebody else's file.
            log.unlink(missing_ok=True)
            with log.open("xb") as stream:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", _SUPERVISOR, str(os.getpid()), str(writer), str(temporary),
                     *map(str, command)],
                    cwd=cwd,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(writer,),
                )
        except OSError as error:
            raise QuantUNetError(f"{program} could not be started ({error.strerror or error}"
                                 f"{f': {error.filename}' if error.filename else ''}).") from error
        finally:
            os.close(writer)
        try:
            # Closed when the command has taken the supervisor's child over.
            with open(reader, "rb", closefd=False) as channel:
                refusal = channel.read()
        except BaseException:
            _stop(process)
            raise
    finally:
        os.close(reader)
    if refusal:
        process.wait()
        number = int(refusal)
        if number == errno.ENOENT:
            raise ToolNotFoundError(program, "this step", "install it or put it on PATH")
        raise QuantUNetError(f"{program} could not be started ({os.strerror(number)}).")
    return process


@contextlib.contextmanager
def side_by_side(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that run commands; where this one is interrupted, theirs are stopped and no more are started.

    An error is no interruption: commands that are running then end on their own, for their results may be kept.
    Within such a thread, the new ones are stopped with it.
    """
    group = _beside.group or _Group()
    with ThreadPoolExecutor(workers, initializer=setattr, initargs=(_beside, "group", group)) as pool:
        try:
            yield pool
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):
                group.stopped = True
                for process in tuple(group.running):
                    process.terminate()
            raise


def output_of(command: Sequence[str | Path], *, limit_s: float = 20) -> str:
    """All that a command prints, for questions like ``--version``.

    Raises:
        ToolNotFoundError: the program does not exist.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    with workshop() as folder:
        finished = run(command, log=folder / "output.txt", cwd=folder, limit_s=limit_s)
        return finished.log.read_text(errors="replace")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the supervisor end all that it watches over; without it, its own command still dies."""
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "(nothing was printed)"
