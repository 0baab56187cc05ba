"""Fewer passes over memory: layers that only forward or only assign join the layer that computes."""

from __future__ import annotations

from dataclasses import replace

from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.shape import Sides

__all__ = ["fuse"]


def fuse(network: TypedNetwork) -> TypedNetwork:
    """The same output from fewer layers; a fused layer bears the name of the last one in it."""
    return _fuse_stages(_fuse_padding(network))


def _fuse_padding(network: TypedNetwork) -> TypedNetwork:
    """Zeros in front of layers that can put them there themselves become theirs; the padding's own stages stay."""
    layers: list[Layer] = []
    moved: dict[str, Sides] = {}
    for layer in network.layers:
        rest = layer.without_zeros(network.by_name[layer.sources[0]]) if layer.sources else None
        if rest is not None and layer.name != network.output and all(
                reader.with_zeros(rest[1]) is not None for reader in network.readers(layer.name)):
            layer, moved[layer.name] = rest
        elif layer.sources and layer.sources[0] in moved:
            padded = layer.with_zeros(moved[layer.sources[0]])
            assert padded is not None
            layer = padded
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def _fuse_stages(network: TypedNetwork) -> TypedNetwork:
    layers: dict[str, Layer] = {}
    renamed: dict[str, str] = {}
    for layer in network.layers:
        sources = tuple(renamed.get(source, source) for source in layer.sources)
        layer = replace(layer, sources=sources)
        if layer.only_stages:
            # Its source may have been fused already; who read that under its old name counts just the same.
            source = layers[sources[0]]
            original = network.by_name[layer.name].sources[0]
            if len(network.readers(original)) == 1 and original != network.output and source.takes_stages:
                del layers[source.name]
                renamed[source.name] = layer.name
                renamed.update({old: layer.name for old, new in renamed.items() if new == source.name})
                layers[layer.name] = replace(source, name=layer.name, stages=(*source.stages, *layer.stages))
                continue
        layers[layer.name] = layer
    return replace(network, layers=tuple(layers.values()))
