"""Mapping to a part's cells with Yosys: every layer on its own, side by side, each only once.

A second run, or a run after a kill, maps only what is missing. The sum of the
layers and of the top (FIFOs and forks) is within about 1 % of mapping everything
at once, and needs a fraction of the memory.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.core.open_tools import yosys_version
from quantunet_hls.core.process import side_by_side
from quantunet_hls.rtl.generate.design import Design, module_name
from quantunet_hls.rtl.synthesize.module import MappedModule, MappingOptions, map_module
from quantunet_hls.targets import FAMILIES, CellCount

__all__ = ["MappedDesign", "MappedModule", "MappingOptions", "map_design"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MappedDesign:
    """A design mapped layer by layer.

    Attributes:
        layers: by layer name, in the order of the graph; ``top`` has the FIFOs and forks, and ``board`` what is
            around it where a whole board's top was mapped.
        tool_version: of Yosys.
    """

    layers: Mapping[str, MappedModule]
    tool_version: str

    @property
    def total(self) -> CellCount:
        """All modules together."""
        return sum((module.count for module in self.layers.values()), CellCount())


def map_design(design: Design, options: MappingOptions, cache: Path, *, workers: int | None = None,
               lut_multipliers: Sequence[str] = (), large_memories: Sequence[str] = (),
               progress: Callable[[str, MappedModule], None] | None = None) -> MappedDesign:
    """Map every layer of a design, and the top with the layers as black boxes.

    Args:
        cache: folder in which results are kept.
        workers: Yosys processes side by side; two at most unless said otherwise, for each may take gigabytes.
        lut_multipliers: layers whose multipliers are to be made of LUTs whatever ``options.dsp`` says.
        large_memories: layers, ``top`` among them, whose large memories may go to UltraRAM.
        progress: called with each layer's name and result as it is there.

    Raises:
        ConfigurationError: a design with probes, whose top is not what would be built.
        BoardError: a family that can't be mapped.
        ToolNotFoundError, ToolFailedError: Yosys is absent, failed or ran past its limit.
    """
    if design.probed:
        raise ConfigurationError("A design with probes is for simulation; generate it without them to map it.")
    if options.family.synthesis is None:
        able = ", ".join(f"{each.vendor} {each.title}" for each in FAMILIES if each.synthesis)
        raise BoardError(f"Yosys can't map to the family {options.family.name!r} here; choose a part of {able}.")
    names = {layer.name: module_name(design.graph, layer) for layer in design.graph.layers[1:]}
    jobs: dict[str, tuple[str, MappingOptions, Sequence[str]]] = {}
    for layer, module in names.items():
        jobs[layer] = (module, replace(options, dsp=options.dsp and layer not in lut_multipliers), ())
    jobs["top"] = (design.top, options, list(names.values()))
    for layer in large_memories:
        module, how, boxes = jobs[layer]
        jobs[layer] = (module, replace(how, uram=True), boxes)

    def work(layer: str) -> MappedModule:
        module, how, boxes = jobs[layer]
        result = map_module(module, design.files, how, boxes, cache)
        _log.info("mapped %s%s", layer, " (kept from before)" if result.reused else "")
        if progress is not None:
            progress(layer, result)
        return result

    version = yosys_version()
    # The largest first, so that no worker is left with one at the end; by powers of two, else in their order.
    order = sorted(jobs, key=lambda layer: -design.files[jobs[layer][0]].stat().st_size.bit_length())
    with side_by_side(workers or min(2, os.cpu_count() or 1)) as pool:
        results = dict(zip(order, pool.map(work, order), strict=True))
    return MappedDesign({layer: results[layer] for layer in jobs}, version)
