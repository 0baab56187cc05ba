"""Stands between this package and a tool, so that the tool and all that it starts end when we end, however that is.

:func:`quantunet_hls.core.process.run` starts this file as a script with the arguments

    PARENT CHANNEL SCRATCH PROGRAM [ARGUMENT...]

the process that it works for, a descriptor for the error number of a program that can't be started, a folder to be
removed where the parent no longer can, and the command. It ends as the command does, by the same exit code or signal.

A killed process can't clean up behind itself, and the kernel's own signal at a parent's death reaches children, not
what those have started (Verilator starts make, which starts g++, which starts the compiler). So this process, in a
session of its own, gets that signal, kills the command's session and whatever else was left to it. It imports nothing
of the package, for it starts with every tool.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36

_STOP = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})

#: Seconds between two looks whether the parent lives, should its signal have been lost.
_LOOK_S = 1.0
#: Seconds that killed processes get to disappear; one that waits for a dead disk never does.
_PATIENCE_S = 10.0


def main(arguments: list[str]) -> None:
    """Run the command and end as it does."""
    parent, channel, scratch, command = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    prctl = ctypes.CDLL(None).prctl
    before = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, {*_STOP, signal.SIGCHLD})}
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # What loses its own parent becomes our child, in whatever session it is.
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(channel, False)
    own = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, channel, own, before, prctl)
    os.close(channel)
    status = _watch(child, parent)
    if status is None:
        _kill(os.killpg, child)
    _end_children()
    if status is None:
        if os.getppid() != parent:
            import shutil

            shutil.rmtree(scratch, ignore_errors=True)
        os._exit(128 + signal.SIGTERM)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(own, number)
    os._exit(os.WEXITSTATUS(status))


def _become(command: list[str], channel: int, supervisor: int, mask: set[int], prctl: Callable[..., int]) -> None:
    """Turn into the command, which dies with its supervisor."""
    try:
        os.setsid()
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:
            os._exit(1)
        # Python ignores these two; a tool that writes to a closed pipe should end.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvp(command[0], command)  # noqa: S606 - that there is no shell is what we want
    except OSError as error:
        os.write(channel, str(error.errno).encode())
    finally:
        os._exit(127)


def _watch(child: int, parent: int) -> int | None:
    """How the command ended; None where it is to be stopped."""
    while True:
        found = signal.sigtimedwait({*_STOP, signal.SIGCHLD}, _LOOK_S)
        ended = _reap(child)
        if ended is not None:
            return ended
        if (found is not None and found.si_signo in _STOP) or os.getppid() != parent:
            return None


def _reap(child: int) -> int | None:
    """Collect what has ended; the status of the child, if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = status


def _end_children() -> None:
    """Kill the command, if it still runs, and everything that is left to us of what it started, until nothing is."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                for pid in _children():
                    _kill(os.kill, pid)
                time.sleep(0.01)
        except ChildProcessError:
            return


def _kill(how: Callable[[int, int], None], pid: int) -> None:
    # It may be gone, or belong to somebody else.
    with contextlib.suppress(OSError):
        how(pid, signal.SIGKILL)


def _children() -> list[int]:
    own, found = str(os.getpid()), []
    # pathlib would take as long to import as all the rest.
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stream:  # noqa: PTH123
                    # The name in parentheses may hold anything.
                    parent = stream.read().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if parent == own:
                found.append(int(name))
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
