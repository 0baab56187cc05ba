"""A stream graph's folding as it is written down, and a graph that is folded so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.folding.written import StreamFolding
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.rtl.fold.requantizers import of_fewest_luts
from quantunet_hls.rtl.fold.storage import widths_for
from quantunet_hls.targets import Family

__all__ = ["folded_as", "folding_of"]


def folding_of(graph: StreamGraph) -> StreamFolding:
    """Lanes and other choices of every layer, and the depth of every FIFO that has one of its own."""
    return StreamFolding({layer.name: layer.folding() for layer in graph.inner}, dict(graph.fifo_depths),
                         cycles_per_frame=graph.cycles)


def folded_as(graph: StreamGraph, folding: StreamFolding, family: Family) -> StreamGraph:
    """The graph with the folding of a file.

    Args:
        graph: lowered, not folded.
        folding: as :func:`folding_of` gives it.
        family: of the part.

    Raises:
        ConfigurationError: the folding is of another network.
        IllegalGraphError: a number that a layer can't have, or a stream that is not there.
    """
    wanted = {layer.name for layer in graph.inner}
    for name in sorted(wanted ^ set(folding.layers)):
        raise ConfigurationError(f"The folding {'lacks' if name in wanted else 'names'} layer {name!r}, which this "
                                 f"network {'has' if name in wanted else 'lacks'}; take the folding.json of this "
                                 "network.")
    (port,) = graph.input.foldings()
    changed = {layer.name: _changed(layer, folding.layers[layer.name], family, leaves=layer is graph.output)
               for layer in graph.inner}
    folded = graph.with_layers({port.name: port, **changed})
    return replace(folded, fifo_depths=dict(folding.fifo_depths))


def _changed(layer: StreamLayer, values: Mapping[str, int | str], family: Family, *, leaves: bool) -> StreamLayer:
    if isinstance(layer, Weighted):
        # A file of before weights could be loaded does not say where they are.
        values = {"weights": "rom", **values}
        if values["weights"] in ("loaded", "streamed"):
            form = widths_for(layer, leaves=leaves)
            if values["weights"] == "streamed":
                form = replace(form, rows=layer.shape.height)
            elif "rows" in values:
                raise ConfigurationError(f"In the folding the weights of layer {layer.name!r} are loaded, so it has no "
                                         "rows for which they are streamed; leave these out.")
            layer = layer.loaded_as(form.changed(values, layer.name))
            values = {**layer.folding(), **values}
        elif values["weights"] != "rom":
            raise ConfigurationError(f"In the folding the weights of layer {layer.name!r} are {values['weights']!r}; "
                                     "they can be rom, loaded or streamed.")
    takes = layer.folding()
    # A file of before requantizers had a choice does not say what they are.
    given = {**({"requantizer": takes["requantizer"]} if "requantizer" in takes else {}), **values}
    for key in sorted(set(given) ^ set(takes)):
        raise ConfigurationError(f"In the folding layer {layer.name!r} {'lacks' if key in takes else 'has'} {key!r}; "
                                 f"it takes {', '.join(takes)}.")
    folded = layer.folded_as(given, family.multiplier.operands)
    if given == values or folded.shape.channels % folded.lanes:
        return folded
    return of_fewest_luts(folded, family)
