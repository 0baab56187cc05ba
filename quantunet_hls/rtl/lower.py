"""From the typed network to the stream graph.

Layers that only rearrange (a fork, zeros in front of a convolution whose windows have room for them) disappear; casts
and activations join the layer before them where nothing else reads it. What becomes of each layer by itself stands in
its operator's room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantunet_hls.core.names import Names
from quantunet_hls.ops.lowering import LayerLowering, Source, layer_lowering
from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.padding.stream import padded
from quantunet_hls.ops.pointwise.stream import Pointwise
from quantunet_hls.ops.shape import Sides
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.types.fixed import FixedType

__all__ = ["Lowered", "lower"]

#: What is in a design besides its layers.
_RESERVED = ("top", "board", "axi", "probed")


@dataclass(frozen=True)
class Lowered:
    """A stream graph and how it relates to the typed network.

    Attributes:
        graph: every lane count is 1; see :mod:`quantunet_hls.rtl.fold.parallelism`.
        tensors: for each layer of ``graph`` the layer of the network whose result it equals.
        channels_first: the network's output has the channels first; the stream still has them last.
    """

    graph: StreamGraph
    tensors: Mapping[str, str]
    channels_first: bool


def lower(network: TypedNetwork, name: str) -> Lowered:
    """Lower a network.

    Args:
        name: of the design.

    Raises:
        IllegalGraphError: a layer that has no RTL, or arithmetic that can't be exact; one sentence, naming the layer.
    """
    lowering = _Lowering(network)
    for layer in network.layers:
        lowering.take(layer)
    return lowering.finished(name)


@dataclass(frozen=True)
class _Stream:
    """Where a result comes from.

    Attributes:
        layer: name in the stream graph.
        padding: zeros around it that its reader has to take in.
        alone: whether the stream has one reader at most.
    """

    layer: str
    padding: Sides
    alone: bool


class _Lowering:
    """A stream graph under construction; the network's layers are taken in order."""

    def __init__(self, network: TypedNetwork):
        self._network = network
        self._names = Names(reserved=_RESERVED)
        self._named = {layer.name: self._names.take(layer.name, "layer") for layer in network.layers}
        self._streams: dict[str, _Stream] = {}
        self._layers: dict[str, StreamLayer] = {}
        self._tensors: dict[str, str] = {}

    def take(self, layer: Layer) -> None:
        """Lower one layer whose sources have been taken."""
        facet = layer_lowering(layer)
        sources = [self._source(layer, source, facet) for source in layer.sources]
        if layer.only_stages and self._streams[layer.sources[0]].alone:
            joined = sources[0].layer.joined(layer.stages)
            if joined is not None:
                self._add(layer, joined)
                return
        made = facet.lowered(layer, self._named[layer.name], sources)
        if isinstance(made, Source):
            self._streams[layer.name] = _Stream(
                made.layer.name, made.padding, self._read_once(layer) and self._streams[layer.sources[0]].alone)
        else:
            self._add(layer, made)

    def finished(self, name: str) -> Lowered:
        """What has been taken, under this name."""
        result = self._streams[self._network.output]
        if any(result.padding):
            result = self._with_zeros(self._network.output)
        # The output comes last; nothing that reads it can come after it, but side branches may.
        layers = sorted(self._layers.values(), key=lambda layer: layer.name == result.layer)
        return Lowered(StreamGraph(name, tuple(layers)), dict(self._tensors), self._network.channels_first)

    def _add(self, layer: Layer, made: StreamLayer) -> None:
        self._layers[made.name] = made
        self._tensors[made.name] = layer.name
        self._streams[layer.name] = _Stream(made.name, (0, 0, 0, 0), self._read_once(layer))

    def _read_once(self, layer: Layer) -> bool:
        return len(self._network.readers(layer.name)) == 1 and layer.name != self._network.output

    def _source(self, layer: Layer, name: str, facet: LayerLowering[Layer]) -> Source:
        stream, room = self._streams[name], facet.room(layer)
        kept = stream.padding if room is None else _least(stream.padding, room)
        if any(stream.padding) and not any(kept):
            stream = self._with_zeros(name)
        source = self._layers[stream.layer]
        top, bottom, left, right = (wanted - own for wanted, own in zip(stream.padding, kept, strict=True))
        if top or bottom or left or right:
            made = padded(self._names.take(f"{self._named[layer.name]}_zeros"), source, (top, bottom, left, right))
            source = self._layers[made.name] = made
        if facet.one_type:
            source = self._as_type(layer, source, layer.type, assigned=facet.assigns)
        return Source(source, kept)

    def _with_zeros(self, name: str) -> _Stream:
        """The stream of a layer that pads, its zeros in it."""
        stream = self._streams[name]
        made = padded(self._named[name], self._layers[stream.layer], stream.padding)
        self._add(self._network.by_name[name], made)
        return self._streams[name]

    def _as_type(self, layer: Layer, source: StreamLayer, wanted: FixedType, *, assigned: bool) -> StreamLayer:
        """The source, behind a cast of its own where its type is another."""
        same = (source.type.width, source.type.fraction, source.type.signed) == (
            wanted.width, wanted.fraction, wanted.signed)
        if same and not (assigned and source.type.lowest < wanted.lowest):
            return source
        name = self._names.take(f"{self._named[layer.name]}_cast_{source.name}")
        self._layers[name] = Pointwise(name, (source.name,), source.shape, wanted, source.type, (Cast(wanted),))
        return self._layers[name]


def _least(one: Sides, other: Sides) -> Sides:
    """Side by side the smaller number."""
    top, bottom, left, right = (min(pair) for pair in zip(one, other, strict=True))
    return top, bottom, left, right
