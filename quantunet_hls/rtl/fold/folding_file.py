"""A folding as plain values: written for a person to read and edit, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ops.streaming import Convolution, Input, Layer, Multipliers, StreamGraph, Weighted
from quantunet_hls.rtl.fold.multipliers import candidates
from quantunet_hls.targets import Family

__all__ = ["folded_as", "folding_of"]


def folding_of(graph: StreamGraph) -> dict[str, Any]:
    """Lanes, SIMD and multipliers of every layer, and the depth of every FIFO that has one of its own."""
    return {"layers": {layer.name: _parallelism(layer) for layer in graph.layers if not isinstance(layer, Input)},
            "fifo_depths": dict(graph.fifo_depths)}


def _parallelism(layer: Layer) -> dict[str, Any]:
    values: dict[str, Any] = {"lanes": layer.lanes}
    if isinstance(layer, Convolution):
        values["simd"] = layer.simd
    if isinstance(layer, Weighted):
        values["multipliers"] = str(layer.multipliers)
    return values


def folded_as(graph: StreamGraph, folding: Mapping[str, Any], family: Family) -> StreamGraph:
    """The graph with the folding of a file.

    Args:
        graph: lowered, not folded.
        folding: as :func:`folding_of` gives it.
        family: of the part.

    Raises:
        ConfigurationError: the file is of another form, or of another network.
        IllegalGraphError: a number that a layer can't have, or a stream that is not there.
    """
    try:
        layers = {name: dict(values) for name, values in folding["layers"].items()}
        depths = {str(edge): _whole(depth, edge) for edge, depth in folding["fifo_depths"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"The folding can't be read ({error}); start from a design's folding.json.") from error
    wanted = {layer.name for layer in graph.layers if not isinstance(layer, Input)}
    for name in sorted(wanted ^ set(layers)):
        raise ConfigurationError(f"The folding {'lacks' if name in wanted else 'names'} layer {name!r}, which this "
                                 f"network {'has' if name in wanted else 'lacks'}; take the folding.json of this "
                                 "network.")
    changed = {layer.name: replace(layer, lanes=layer.shape.channels) if isinstance(layer, Input)
               else _changed(layer, layers[layer.name], family) for layer in graph.layers}
    return replace(graph.with_layers(changed), fifo_depths=depths)


def _changed(layer: Layer, values: dict[str, Any], family: Family) -> Layer:
    unknown = set(values) - set(_parallelism(layer))
    missing = set(_parallelism(layer)) - set(values)
    for key in sorted(unknown | missing):
        raise ConfigurationError(f"In the folding layer {layer.name!r} {'has' if key in unknown else 'lacks'} {key!r}; "
                                 f"it takes {', '.join(_parallelism(layer))}.")
    folded = replace(layer, lanes=_whole(values["lanes"], layer.name))
    if isinstance(folded, Convolution):
        folded = replace(folded, simd=_whole(values["simd"], layer.name))
    if isinstance(folded, Weighted):
        folded = replace(folded, multipliers=_multipliers(folded, values["multipliers"], family))
    return folded


def _multipliers(layer: Weighted, text: Any, family: Family) -> Multipliers:
    if layer.shape.channels % layer.lanes:
        # The graph's own check says so better.
        return Multipliers()
    possible = {str(choice): choice for choice in (Multipliers("dsp"), *candidates(layer, family))}
    if not isinstance(text, str) or text not in possible:
        raise ConfigurationError(f"Layer {layer.name!r} can't multiply with {text!r} at this folding; "
                                 f"it can with {', '.join(possible)}.")
    return possible[text]


def _whole(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"In the folding {where!r} has {value!r} where a whole number from 1 on belongs.")
    return value
