"""What is left of an error that nobody expected: one sentence on the screen, the whole of it in a log."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_state_path

__all__ = ["DEBUG", "is_shortage", "keep_log", "one_line"]

#: Set in the environment to 1, it lets such an error through with its traceback.
DEBUG = "QUANTUNET_HLS_DEBUG"

_LONGEST_REASON = 200


def one_line(error: BaseException) -> str:
    """What kind of error it is, and the beginning of what it says."""
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_shortage(error: Exception) -> bool:
    """Whether memory has run out, in numpy's and Python's words or in PyTorch's."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error))
    )


def keep_log(error: BaseException) -> Path | None:
    """Write an error's traceback, with the command and the versions, to a file of the user's; None where none can be.

    It goes to ``$XDG_STATE_HOME/quantunet-hls``, by default ``~/.local/state/quantunet-hls``, or to the folder for
    temporary files.
    """
    text = "\n".join((
        f"quantunet-hls {version('quantunet-hls')}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {sys.argv!r}",
        "".join(traceback.format_exception(error)),
    ))
    name = f"fault-{datetime.now(UTC):%Y%m%d-%H%M%S}-"
    for folder in (user_state_path("quantunet-hls", appauthor=False), Path(tempfile.gettempdir())):
        with suppress(OSError, ValueError, RuntimeError):
            folder.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(dir=folder, prefix=name, suffix=".log")
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
            return Path(path)
    return None
