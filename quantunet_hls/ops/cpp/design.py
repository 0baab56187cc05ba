"""hls4ml's C++ as data: which functions its top function calls, and the streams between them.

Behind each function stands a layer of the typed network. What the network does not
say, because it changes no value, is here: streams with their depths and the types
that are declared for them, forks, how many cycles share a multiplier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.shape import Shape
from quantunet_hls.types.fixed import FixedType

__all__ = ["CppDesign", "CppLayer", "CppStream"]


@dataclass(frozen=True)
class CppStream:
    """A stream from one function to another, a pixel a word.

    Attributes:
        writer, reader: names of the functions.
        tensor: hls4ml's name of what it carries.
        shape: of a frame.
        type: of a pixel's channels.
        depth: words that it holds.
    """

    writer: str
    reader: str
    tensor: str
    shape: Shape
    type: FixedType
    depth: int

    @property
    def word_bits(self) -> int:
        """Bits of a word."""
        return self.shape.channels * self.type.width

    @property
    def bits(self) -> int:
        """Bits that it holds."""
        return self.depth * self.word_bits

    @property
    def frame_bits(self) -> int:
        """Bits of a whole frame, which hls4ml lets a stream hold by itself."""
        return self.shape.pixels * self.word_bits


@dataclass(frozen=True, eq=False)
class CppLayer:
    """A function that the top function calls.

    Attributes:
        name: hls4ml's name of the layer.
        kind: hls4ml's class of the layer, which decides the function's template.
        layer: what it computes; None where it only hands on what it reads: a fork, or another order of axes.
        tensor: hls4ml's name of its result, of the first of several.
        inputs: the streams that it reads; none where images enter.
        reuse: cycles that a pixel takes on its multipliers.
        weight: type of its weights; None where it has none.
        accumulator: type of the sums of its products; None where it has no weights.
    """

    name: str
    kind: str
    layer: Layer | None
    tensor: str
    inputs: tuple[CppStream, ...]
    reuse: int = 1
    weight: FixedType | None = None
    accumulator: FixedType | None = None


@dataclass(frozen=True, eq=False)
class CppDesign:
    """All functions, each behind those that it reads."""

    layers: tuple[CppLayer, ...]

    @cached_property
    def by_tensor(self) -> Mapping[str, CppLayer]:
        """Functions by the tensors that they give."""
        return {layer.tensor: layer for layer in self.layers}

    @property
    def streams(self) -> tuple[CppStream, ...]:
        """All streams between functions, in their readers' order."""
        return tuple(stream for layer in self.layers for stream in layer.inputs)

    def with_depths(self, depths: Mapping[tuple[str, str], int]) -> CppDesign:
        """The same with the streams as deep as it is told, by writer and reader."""
        return CppDesign(tuple(
            replace(layer, inputs=tuple(replace(stream, depth=depths[stream.writer, stream.reader])
                                        for stream in layer.inputs))
            for layer in self.layers))
