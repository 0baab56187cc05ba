"""Resources of hls4ml's C++ before synthesis, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from quantunet_hls.boards import Board, Resources
from quantunet_hls.core.versions import version_of
from quantunet_hls.ops.cpp.design import CppDesign, CppLayer
from quantunet_hls.ops.cpp.facet import layer_cpp
from quantunet_hls.ops.cpp.modules import Estimate, Fifo, Module, estimate
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Figure, Source, Subject

__all__ = ["STREAMS", "CppEstimate", "estimate_design", "estimated_figures", "layer_figures"]

#: What the FIFOs between the layers are called among the layers.
STREAMS = "streams"

#: Who says so in reports; the streaming RTL's estimates are another design's.
_TOOL = "C-synthesis model"


@dataclass(frozen=True)
class CppEstimate:
    """What is estimated of a C++ design.

    Attributes:
        layers: by hls4ml's layer names, and :data:`STREAMS`.
        uncounted: layers of kinds that nobody has published a report of, which no figure contains.
    """

    layers: Mapping[str, Estimate]
    uncounted: tuple[str, ...]

    @property
    def outside(self) -> dict[str, tuple[str, ...]]:
        """Layers of which there are no reports of that size or type, and what of them lies outside."""
        return {name: layer.outside for name, layer in self.layers.items() if layer.outside}

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"layers": {name: {**asdict(layer), "outside": list(layer.outside)}
                           for name, layer in self.layers.items()},
                "not_estimated": list(self.uncounted)}

    @property
    def total(self) -> Estimate:
        """Of all layers that are estimated."""
        return _together(self.layers.values(), tuple(self.outside))


def estimate_design(design: CppDesign) -> CppEstimate:
    """Resources of each layer of a design, streams at the depths that they have included."""
    layers, uncounted = {}, []
    for cpp in design.layers:
        if cpp.layer is not None and layer_cpp(cpp.layer).free:
            continue
        module = _module(cpp)
        if module is None:
            uncounted.append(cpp.name)
        else:
            layers[cpp.name] = estimate(module)
    fifos = [estimate(Fifo(stream.depth, stream.word_bits)) for stream in design.streams]
    layers[STREAMS] = _together(fifos, tuple(sorted({reason for fifo in fifos for reason in fifo.outside})))
    return CppEstimate(layers, tuple(uncounted))


def _module(cpp: CppLayer) -> Module | None:
    """What is estimated of a function; nobody has published a report of a fork or of another order of axes."""
    return None if cpp.layer is None else layer_cpp(cpp.layer).module(cpp.layer, cpp)


def estimated_figures(found: CppEstimate, board: Board) -> tuple[Figure, ...]:
    """Resources of the whole model beside what the board has, and how many layers they do not hold for."""
    whole = found.total
    return (*_figures(whole, board.resources),
            _figure(names.LAYERS_OUTSIDE, len(whole.outside)), _figure(names.LAYERS_UNCOUNTED, len(found.uncounted)))


def layer_figures(layer: Estimate) -> tuple[Figure, ...]:
    """Resources of a layer, and whether it is outside of what they are fitted to."""
    return (*_figures(layer), *([_figure(names.LAYERS_OUTSIDE, 1)] if layer.outside else []))


def _figures(found: Estimate, available: Resources | None = None) -> list[Figure]:
    return [_figure(name, getattr(found, name), getattr(available, name) if available else None)
            for name in (names.LUT, names.DSP, names.BRAM_18K)]


def _figure(name: str, value: int, available: int | None = None) -> Figure:
    return Figure(name, value, Source.ESTIMATE, _TOOL, _release(), available, subject=Subject.CPP)


@cache
def _release() -> str:
    """Of this package; looked up once, not for every figure of every layer."""
    return version_of("quantunet-hls")


def _together(parts: Collection[Estimate], outside: tuple[str, ...]) -> Estimate:
    return Estimate(sum(part.lut for part in parts), sum(part.dsp for part in parts),
                    sum(part.bram_18k for part in parts), outside)
