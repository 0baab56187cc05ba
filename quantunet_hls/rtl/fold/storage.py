"""Where each layer's weights are: in the netlist, or in memories that are loaded at start-up."""

from __future__ import annotations

from quantunet_hls.ops.hardware.packing import bits_for
from quantunet_hls.ops.loaded import Loaded
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import Weighted, exact_sums, weighted
from quantunet_hls.types.fixed import covering

__all__ = ["all_loaded", "loaded_like", "widths_for"]


def widths_for(layer: Weighted, *, any_weights: bool = False) -> Loaded:
    """The widths that a layer's loaded memories get.

    Weights get the range of their bits, without the least code where they don't have it.

    Args:
        any_weights: sums get the type that holds those of any weights and biases of as many bits, instead of the
            narrowest that holds those of the layer's own.
    """
    least, most = int(layer.weights.min()), int(layer.weights.max())
    high = (1 << (bits_for(least, most) - 1)) - 1
    low = min(-high, least)
    if not any_weights:
        sums = exact_sums(layer.weights, layer.bias, layer.input_type, layer.product_fraction)
        return Loaded(low, high, covering(sums.low, sums.high, sums.fraction, signed=True))
    source, products = layer.input_type, layer.weights.size // layer.weights.shape[-1]
    ends = [weight * code for weight in (low, high) for code in (source.low, source.high)]
    bias = 1 << (bits_for(int(layer.bias.min()), int(layer.bias.max())) - 1)
    return Loaded(low, high, covering(products * min(*ends, 0) - bias, products * max(*ends, 0) + bias - 1,
                                      layer.product_fraction, signed=True))


def loaded_like(graph: StreamGraph, design: StreamGraph) -> StreamGraph:
    """A network's graph with weights that are loaded as those of a design that was made for others.

    Raises:
        ConfigurationError: weights or biases are finer than the design's.
    """
    forms = {layer.name: layer.loaded for layer in weighted(design)}
    return graph.with_layers({layer.name: layer.loaded_as(form) for layer in weighted(graph)
                              if (form := forms.get(layer.name)) is not None})


def all_loaded(graph: StreamGraph, *, any_weights: bool = False) -> StreamGraph:
    """The graph with all weights loaded at start-up."""
    return graph.with_layers({layer.name: layer.loaded_as(widths_for(layer, any_weights=any_weights))
                              for layer in weighted(graph)})
