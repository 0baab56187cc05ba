"""Names of a package that are imported when they are asked for: torch, ONNX and hls4ml take seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazily"]


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package, for names that live in modules of it.

    Args:
        package: its ``__name__``.
        homes: the module, within the package, that each name is imported from.
    """

    def attribute(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return attribute
