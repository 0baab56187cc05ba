"""hls4ml's streams at the depths that they need, instead of a whole feature map each.

hls4ml 1.3.0 gives every ``io_stream`` channel as many entries as its image has
pixels; its own sizing needs the vendor's co-simulation. Here each layer's C++ is
described pixel by pixel (what it reads, when it writes) in its operator's room, and
:mod:`quantunet_hls.folding.schedule` finds the depths. What a pixel costs beyond
its reuse factor only the vendor's tool knows, so the depths are an estimate, with
a row of the image to spare wherever beats have to wait.
"""

from __future__ import annotations

from functools import partial

from hls4ml.model.graph import ModelGraph

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.folding.actors import Actor, Actors
from quantunet_hls.folding.schedule import LEAST_DEPTH, fifo_depths
from quantunet_hls.ops.cpp.design import CppDesign, CppLayer
from quantunet_hls.ops.cpp.facet import layer_cpp
from quantunet_hls.ops.cpp.loops import handed_on

__all__ = ["actors", "check_widths", "set_stream_depths", "stream_bits", "with_least_depths"]

#: Bits of a stream's word, a pixel's channels side by side, beyond which Vitis HLS ends with its error HLS 214-256.
_MOST_WORD_BITS = 4096


def actors(design: CppDesign) -> Actors:
    """Every function of a design as an actor whose beats are pixels, in the design's order."""
    return Actors(tuple(partial(_actor, cpp) for cpp in design.layers))


def _actor(cpp: CppLayer) -> Actor:
    return handed_on(cpp) if cpp.layer is None else layer_cpp(cpp.layer).actor(cpp.layer, cpp)


def with_least_depths(design: CppDesign) -> CppDesign:
    """The same design with every stream as deep as it needs to be."""
    needed = fifo_depths(actors(design))
    depths = {}
    for stream in design.streams:
        depth = needed[f"{stream.writer}->{stream.reader}"]
        # In a small image a skip may have to hold more than a frame, which hls4ml's own depth can't.
        depths[stream.writer, stream.reader] = depth + (stream.shape.width if depth > LEAST_DEPTH else 0)
    return design.with_depths(depths)


def set_stream_depths(model: ModelGraph, design: CppDesign) -> None:
    """Give every stream of the model that a design was read from the depth that it has in the design."""
    for stream in design.streams:
        variable = model.graph[stream.writer].get_output_variable(stream.tensor)
        variable.pragma = (variable.pragma[0], stream.depth)


def stream_bits(design: CppDesign) -> tuple[int, int]:
    """Bits of all streams between layers: at the depths that they have, and at hls4ml's own, a feature map each."""
    return sum(stream.bits for stream in design.streams), sum(stream.frame_bits for stream in design.streams)


def check_widths(design: CppDesign) -> None:
    """Refuse streams that Vitis HLS does not build.

    Raises:
        IllegalGraphError: the widest stream is wider than it takes; says which, and what is left.
    """
    widest = max(design.streams, key=lambda stream: stream.word_bits)
    if widest.word_bits > _MOST_WORD_BITS:
        raise IllegalGraphError(
            widest.writer, f"a pixel of its {widest.shape.channels} channels has {widest.word_bits:,} bits, and Vitis "
            f"HLS takes streams of {_MOST_WORD_BITS:,} (HLS 214-256)",
            "quantize to fewer bits, use fewer channels, or build the streaming RTL (toolchain open), which sends "
            "channels in turn")
