"""Fewer passes over memory: layers that only forward or only assign join the layer that computes."""

from __future__ import annotations

from dataclasses import replace

from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.padding.layer import Padding
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.pooling.layer import Pooling

__all__ = ["fuse"]


def fuse(program: TypedNetwork) -> TypedNetwork:
    """The same output from fewer layers; a fused layer bears the name of the last one in it."""
    return _fuse_stages(_fuse_padding(program))


def _fuse_padding(program: TypedNetwork) -> TypedNetwork:
    """Zeros in front of convolutions become theirs; the padding's own assignment stays, and 0 is 0 in every type."""
    layers: list[Layer] = []
    moved: dict[str, Padding] = {}
    for layer in program.layers:
        readers = program.readers(layer.name)
        if isinstance(layer, Padding) and layer.name != program.output and all(
                isinstance(reader, Convolution) for reader in readers):
            moved[layer.name] = layer
            layers.append(Pointwise(layer.name, layer.sources, program.by_name[layer.sources[0]].shape, layer.stages))
        elif isinstance(layer, Convolution) and layer.sources[0] in moved:
            sides = moved[layer.sources[0]].padding
            top, bottom, left, right = (a + b for a, b in zip(layer.padding, sides, strict=True))
            layers.append(replace(layer, padding=(top, bottom, left, right)))
        else:
            layers.append(layer)
    return TypedNetwork(tuple(layers), program.output)


def _fuse_stages(program: TypedNetwork) -> TypedNetwork:
    layers: dict[str, Layer] = {}
    renamed: dict[str, str] = {}
    for layer in program.layers:
        sources = tuple(renamed.get(source, source) for source in layer.sources)
        layer = replace(layer, sources=sources)
        if isinstance(layer, Pointwise):
            # Its source may have been fused already; who read that under its old name counts just the same.
            source = layers[sources[0]]
            original = program.by_name[layer.name].sources[0]
            if (len(program.readers(original)) == 1 and original != program.output
                    and isinstance(source, Convolution | Pooling | Pointwise)):
                del layers[source.name]
                renamed[source.name] = layer.name
                renamed.update({old: layer.name for old, new in renamed.items() if new == source.name})
                layers[layer.name] = replace(source, name=layer.name, stages=(*source.stages, *layer.stages))
                continue
        layers[layer.name] = layer
    return TypedNetwork(tuple(layers.values()), program.output)
