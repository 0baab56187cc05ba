"""A folding as plain values: written for a person to read and edit, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer, whole_number
from quantunet_hls.targets import Family

__all__ = ["folded_as", "folding_of"]


def folding_of(graph: StreamGraph) -> dict[str, Any]:
    """Lanes, SIMD and multipliers of every layer, and the depth of every FIFO that has one of its own."""
    return {"layers": {layer.name: layer.folding() for layer in graph.inner},
            "fifo_depths": dict(graph.fifo_depths)}


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
        depths = {str(edge): whole_number(depth, edge) for edge, depth in folding["fifo_depths"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"The folding can't be read ({error}); start from a design's folding.json.") from error
    wanted = {layer.name for layer in graph.inner}
    for name in sorted(wanted ^ set(layers)):
        raise ConfigurationError(f"The folding {'lacks' if name in wanted else 'names'} layer {name!r}, which this "
                                 f"network {'has' if name in wanted else 'lacks'}; take the folding.json of this "
                                 "network.")
    (port,) = graph.input.foldings()
    changed = {layer.name: _changed(layer, layers[layer.name], family) for layer in graph.inner}
    return replace(graph.with_layers({port.name: port, **changed}), fifo_depths=depths)


def _changed(layer: StreamLayer, values: dict[str, object], family: Family) -> StreamLayer:
    takes = layer.folding()
    for key in sorted(set(values) ^ set(takes)):
        raise ConfigurationError(f"In the folding layer {layer.name!r} {'lacks' if key in takes else 'has'} {key!r}; "
                                 f"it takes {', '.join(takes)}.")
    return layer.folded_as(values, family.multiplier.operands)
