"""Which of the vendor's tools are installed, which version, and how each is called."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import ToolFailedError, ToolNotFoundError
from quantunet_hls.core.process import find_tool, output_of, require_tool

__all__ = ["Tool", "hls_tool", "version_in", "vivado"]

_log = logging.getLogger(__name__)

_VERSION = re.compile(r"\bv\.?(20\d\d\.\d+(?:\.\d+)?)")

# vitis-run took over from vitis_hls, which ended with 2024.1; where both are, the newer way is used.
_HLS_TOOLS = {"Vitis": ("vitis-run", "vitis_hls"), "Vivado": ("vivado_hls",)}
_TITLES = {"vitis-run": "Vitis HLS", "vitis_hls": "Vitis HLS", "vivado_hls": "Vivado HLS", "vivado": "Vivado"}
_ARGUMENTS = {
    "vitis-run": ("--mode", "hls", "--tcl"),
    "vitis_hls": ("-f",),
    "vivado_hls": ("-f",),
    "vivado": ("-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source"),
}
_VERSION_ARGUMENT = {"vitis-run": "--version"}


@dataclass(frozen=True)
class Tool:
    """A tool that is installed.

    Attributes:
        name: of the program.
        path: of the program.
        version: as "2024.2", "" where the tool did not say.
    """

    name: str
    path: Path
    version: str

    @property
    def title(self) -> str:
        """What the tool is called in reports."""
        return _TITLES[self.name]

    def arguments(self, script: str) -> tuple[str, ...]:
        """What to call the program with so that it runs a Tcl script and ends."""
        return (*_ARGUMENTS[self.name], script)


def hls_tool(backend: str) -> Tool:
    """The HLS tool for projects of that hls4ml backend.

    Raises:
        ToolNotFoundError: where there is none.
    """
    for name in _HLS_TOOLS[backend]:
        path = find_tool(name)
        if path is not None:
            return _tool(name, path)
    raise ToolNotFoundError(
        " or ".join(_HLS_TOOLS[backend]),
        f"synthesis of a project of hls4ml's {backend} backend",
        "install the vendor's tools and source their settings64.sh, or use the open tool chain, which needs neither",
    )


def vivado() -> Tool:
    """Vivado.

    Raises:
        ToolNotFoundError: where it is not installed.
    """
    needed_for = "RTL synthesis and implementation with the vendor's tools"
    return _tool("vivado", require_tool("vivado", needed_for, "install it and source its settings64.sh"))


def _tool(name: str, path: Path) -> Tool:
    try:
        version = version_in(output_of([path, _VERSION_ARGUMENT.get(name, "-version")], limit_s=60))
    except ToolFailedError as error:
        # The version is for the report; a tool that can't tell it may still work.
        _log.warning("the version of %s is not known: %s", name, error)
        version = ""
    return Tool(name, path, version)


def version_in(text: str) -> str:
    """The version in what a tool of the vendor's prints about itself, "" where there is none."""
    found = _VERSION.search(text)
    return found.group(1) if found else ""
