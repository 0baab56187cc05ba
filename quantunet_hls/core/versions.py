"""Versions of the packages that results come from."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

__all__ = ["DISTRIBUTION", "PACKAGES", "bounds", "maker_versions", "version_of", "versions_of"]

#: What this package is called where packages are installed.
DISTRIBUTION = "quantunet-hls"

#: Extras that are for working with the package, not on it.
_EXTRAS = ("", "train", "rtl", "sweep")

#: Packages whose version may change what comes out of a step.
PACKAGES = ("hls4ml", "qonnx", "brevitas", "torch", "onnx", "numpy")

#: Packages behind these; no report names them, but with another version a step is another step.
_BEHIND = ("onnxruntime", "onnxoptimizer", "onnxscript", "onnx-ir")


def version_of(package: str) -> str:
    """Version of an installed package, "" where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def versions_of(*packages: str) -> dict[str, str]:
    """Versions of some packages by name, "" where one is not installed."""
    return {package: version_of(package) for package in packages}


def maker_versions() -> dict[str, str]:
    """Versions of all packages that may have a part in what comes out of a step."""
    return versions_of(*PACKAGES, *_BEHIND)


def bounds() -> Mapping[str, SpecifierSet]:
    """The versions that this package asks for, by package, those of its extras included.

    Empty where it runs from its source without having been installed.
    """
    try:
        stated = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {}
    needed = map(Requirement, stated)
    return {
        canonicalize_name(each.name): each.specifier
        for each in needed
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in _EXTRAS)
    }
