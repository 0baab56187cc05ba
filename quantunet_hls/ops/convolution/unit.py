"""The matrix-vector unit: PE x SIMD multipliers, weights in ROM or loaded, exact-width registered adder trees.

A convolution of groups is one in which not all processing elements have the same inputs.

Folding
    A beat brings ``simd`` input channels of one tap. ``synapse_fold`` beats make
    one dot product for each of the ``pe`` outputs that are computed side by
    side; the window generator sends the window ``neuron_fold`` times, once for
    every group of ``pe`` output channels. So a window takes
    ``synapse_fold * neuron_fold`` clocks, which is MACs divided by multipliers:
    no clock is lost, and streams stay ``simd`` and ``pe`` channels wide.

Flow control by credits
    The datapath runs free, without clock enables. A small FIFO behind it takes
    the results; a dot product starts only while that FIFO has room for its
    result and for all that are still under way.

Multipliers
    What the products are made of is the layer's choice:
    :mod:`~quantunet_hls.ops.hardware.multipliers` has multiplier blocks, several products in a block,
    and look-up tables; :mod:`~quantunet_hls.ops.hardware.adders` has shifts and additions for weights
    that never change.

Exactness
    Products, tree levels and accumulators have the width that holds every
    possible sum of these very weights, so nothing wraps before the requantization. Where weights are
    loaded the widths are those of :class:`~quantunet_hls.ops.loaded.Loaded`, and who writes the weights proves
    that no sum of theirs is wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Out

from quantunet_hls.ops.feed import MEMORY_BITS, Feed
from quantunet_hls.ops.hardware.adders import constant_sums
from quantunet_hls.ops.hardware.beats import code_of, count_beats
from quantunet_hls.ops.hardware.channels import turn_of
from quantunet_hls.ops.hardware.feed import BlockOrder, WeightFeed
from quantunet_hls.ops.hardware.loader import LOAD_BITS, Loader, loaded_table, loaded_words
from quantunet_hls.ops.hardware.multipliers import (
    Addend,
    add,
    block_products,
    join_parts,
    lut_parts,
    packed_products,
    tree,
)
from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import requantize, shape_of
from quantunet_hls.ops.hardware.rom import packed_words, rom
from quantunet_hls.ops.hardware.streams import Fifo, connect, stream_in, stream_out
from quantunet_hls.ops.hardware.window import line_buffers
from quantunet_hls.ops.loaded import Loaded, LoadedMemory
from quantunet_hls.ops.multipliers import BLOCKS, Multipliers
from quantunet_hls.ops.packing import lut_stages, product_bits, stored_codes
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.unit import Components, LayerUnit
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["FACET", "DotProducts"]

T = TypeVar("T")


def _components(layer: Weighted) -> Components:
    """The line buffer and the unit behind it; and where pixels come in blocks, what puts them back in order."""
    unit = DotProducts(
        layer.words, layer.bias.reshape(-1, layer.lanes), layer.input_type, layer.accumulator, layer.stages,
        sharing=layer.sharing, multipliers=layer.multipliers, loaded=layer.loaded, memories=layer.memories,
        feed=layer.feed, in_row=layer.block_pixels)
    if layer.block_rows is None:
        return {**line_buffers(layer), "products": unit}
    order = BlockOrder(layer.lanes * layer.type.width, layer.repeats, layer.block_pixels)
    return {**line_buffers(layer), "products": unit, "order": order}


FACET = LayerUnit(_components)


class DotProducts(wiring.Component):
    """Dot products of ``synapse_fold`` beats each, requantized.

    In: beats of activations. Out: beats of ``pe`` results. Where weights are loaded, they come by ``load``, and
    those of the layers behind leave by ``passed``.

    Args:
        words: weight codes (synapse_fold * neuron_fold, pe, simd), used one word a beat, over and over.
        bias: codes (neuron_fold, pe).
        source: type of the activations.
        accumulator: type of the exact sums.
        stages: what happens to the sums; the last one's type goes out.
        sharing: processing elements, side by side, that multiply the same ``simd`` channels of a beat, as those of
            one group do; the next have the next ``simd`` channels. None where all share them.
        multipliers: what the products are made of.
        loaded: widths of what is loaded; of ``words`` and ``bias`` then only the shapes matter.
        memories: that are loaded.
    """

    def __init__(self, words: Integers, bias: Integers, source: FixedType, accumulator: FixedType,
                 stages: Sequence[Stage], *, sharing: int | None = None, multipliers: Multipliers = BLOCKS,
                 loaded: Loaded | None = None, memories: Sequence[LoadedMemory] = (),
                 feed: Feed | None = None, in_row: int = 1):
        self.feed_layout, self.in_row = feed, in_row
        self.multipliers, self.loaded = multipliers, loaded
        self.ends = np.array([loaded.low, loaded.high]) if loaded else np.array([words.min(), words.max()])
        self.words, self.bias, self.source, self.accumulator = words, bias, source, accumulator
        self.stages = tuple(stages)
        self.neuron_fold, self.pe = bias.shape
        self.sharing = sharing or self.pe
        self.synapse_fold, self.simd = len(words) // self.neuron_fold, words.shape[2]
        self.result = self.stages[-1].type if self.stages else accumulator
        inputs = self.simd * (self.pe // self.sharing)
        ports = {"i": stream_in(inputs * source.width), "o": stream_out(self.pe * self.result.width)}
        if loaded:
            self.loader = Loader(memories)
            ports |= {"load": stream_in(LOAD_BITS), "passed": stream_out(LOAD_BITS)}
        if feed:
            self.weights = WeightFeed(feed, self.synapse_fold, in_row)
            ports |= {"feed": stream_in(MEMORY_BITS), "wrong": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        if self.loaded:
            m.submodules.loader = self.loader
            connect(m, self.load, self.loader.i)
            connect(m, self.loader.o, self.passed)
        first, last, start = Signal(), Signal(), Signal()
        fire = Signal()
        may_start: Value = ~first | start
        if self.feed_layout:
            m.submodules.held_weights = self.weights
            connect(m, self.feed, self.weights.i)
            m.d.comb += [self.weights.o.ready.eq(fire), self.wrong.eq(self.weights.wrong),
                         self.weights.expected.eq(loaded_table(m, "image", self.loader.writes["image"], C(0, 0)))]
            may_start = may_start & self.weights.o.valid
        m.d.comb += [self.i.ready.eq(may_start), fire.eq(self.i.valid & self.i.ready)]
        count_beats(m, fire, self.synapse_fold, first, last)

        pipeline = Pipeline(m, self.loader.writes if self.loaded else None, self.in_row, valid=fire, first=first,
                            last=last)
        bits = self.source.width
        activations: list[Value] = [
            pipeline.register(code_of(self.i.payload[index * bits: (index + 1) * bits], self.source))
            for index in range(len(self.i.payload) // bits)
        ]
        if self.multipliers.kind == "adders":
            pipeline.advance()
            sums = constant_sums(pipeline, activations, self.words[0], self.source)
        else:
            weights = self._weights(m, pipeline, fire)
            pipeline.advance()
            sums = tree(pipeline, self._products(pipeline, activations, weights))
        accumulators = self._accumulate(m, pipeline, sums)
        results = requantize(pipeline, accumulators, self.accumulator, self.stages)

        depth = -(-(pipeline.stages + 1) // self.synapse_fold) + 2
        m.submodules.results = fifo = Fifo(self.pe * self.result.width, depth)
        done = pipeline.flags["valid"] & pipeline.flags["last"]
        m.d.comb += [fifo.i.payload.eq(Cat(*results)), fifo.i.valid.eq(done)]
        connect(m, fifo.o, self.o)
        credits = Signal(range(depth + 1), init=depth)
        m.d.comb += start.eq(credits != 0)
        m.d.sync += credits.eq(credits - (fire & first) + (self.o.valid & self.o.ready))
        return m

    def _weights(self, m: Module, pipeline: Pipeline, fire: Signal) -> list[list[Value]]:
        """One clock after ``fire``: the word's weights, one row a PE."""
        if self.feed_layout:
            return self._rows(pipeline.register(self.weights.o.payload))
        if self.loaded:
            data, at = loaded_words(m, "weights", self.loader.writes["weights"], ultra=self.loaded.ultra)
        else:
            words = stored_codes(self.words, self.multipliers)
            width = bits_for(int(words.min()), int(words.max()))
            if len(words) == 1:
                return [[C(int(code), signed(width)) for code in row] for row in words[0]]
            data, at = rom(m, "weights", words.reshape(len(words), -1), width)
        with m.If(fire):
            m.d.sync += at.eq(Mux(at == len(self.words) - 1, 0, at + 1))
        return self._rows(data)

    def _rows(self, data: Value) -> list[list[Value]]:
        """A word's weights, one row a PE."""
        width = len(data) // (self.pe * self.simd)
        codes = [data[index * width: (index + 1) * width].as_signed() for index in range(self.pe * self.simd)]
        return [codes[pe * self.simd: (pe + 1) * self.simd] for pe in range(self.pe)]

    def _products(self, pipeline: Pipeline, arrived: Sequence[Value], weights: Sequence[Sequence[Value]]
                  ) -> list[list[Addend]]:
        """For each PE its products.

        ROM words come a clock after their address, and are registered once more, as the activations
        are: multipliers between two registers reach about twice the clock.
        """
        rows = [[value if isinstance(value, C) else pipeline.register(value) for value in row] for row in weights]
        activations = [pipeline.register(value) for value in arrived]
        in_luts = self._in_luts()
        triples = [pipeline.register(value + (value << 1)) for value in arrived] if any(in_luts) else []
        pipeline.advance()
        bits = bits_for(*map(int, self.ends))
        parts = {pe: lut_parts(self._inputs(list(zip(activations, triples, strict=True)), pe),
                               [code[:bits].as_signed() for code in rows[pe]])
                 for pe in range(self.pe) if in_luts[pe]}
        products: dict[int, list[Addend]] = {}
        group = self.multipliers.products
        for first in range(0, self.pe, group):
            members = [pe for pe in range(first, min(first + group, self.pe)) if pe not in parts]
            if len(members) > 1:
                field = product_bits(self.ends, self.source)
                products |= zip(members, packed_products(
                    pipeline, activations, [rows[pe] for pe in members], self.multipliers.spacing, field), strict=True)
            elif members:
                products[first] = block_products(pipeline, self._inputs(activations, first), rows[first])
        for stage in range(lut_stages(bits) if parts else 1):
            parts = {pe: join_parts(pipeline, row, stage) for pe, row in parts.items()}
            pipeline.advance()
        products |= {pe: [product for (product,) in row] for pe, row in parts.items()}
        return [products[pe] for pe in range(self.pe)]

    def _in_luts(self) -> list[bool]:
        """For each PE whether its products are made of look-up tables."""
        if self.multipliers.kind == "lut":
            return [True] * self.pe
        whole = self.pe - self.pe % self.multipliers.products
        return [self.multipliers.rest_in_luts and pe >= whole for pe in range(self.pe)]

    def _inputs(self, inputs: Sequence[T], pe: int) -> Sequence[T]:
        """What a PE multiplies with."""
        group = pe // self.sharing
        return inputs[group * self.simd: (group + 1) * self.simd]

    def _accumulate(self, m: Module, pipeline: Pipeline, sums: Sequence[Addend]) -> list[Value]:
        valid, first = pipeline.flags["valid"], pipeline.flags["first"]
        biases = self._biases(m, pipeline)
        shape = shape_of(self.accumulator)
        accumulators: list[Value] = []
        for index, (addend, bias) in enumerate(zip(sums, biases, strict=True)):
            accumulator = Signal(shape, name=f"accumulator_{index}", reset_less=True)
            if self.synapse_fold == 1:
                total = bias - addend.value if addend.negative else add(bias, addend.value, addend.carry)
                m.d.sync += accumulator.eq(total)
            else:
                so_far = Mux(first, bias, accumulator)
                with m.If(valid):
                    m.d.sync += accumulator.eq(add(so_far, addend.value, addend.carry))
            accumulators.append(accumulator)
        pipeline.advance()
        return accumulators

    def _biases(self, m: Module, pipeline: Pipeline) -> list[Value]:
        """The biases that belong to the sums that stand before the accumulators now."""
        width = self.accumulator.width if self.loaded else bits_for(int(self.bias.min()), int(self.bias.max()))
        if self.neuron_fold == 1 and not self.loaded:
            return [C(int(code), signed(width)) for code in self.bias[0]]
        at = turn_of(pipeline, self.neuron_fold * self.pe, self.pe, "bias_at")
        data = self._bias_words(m, width, at)
        return [data[index * width: (index + 1) * width].as_signed() for index in range(self.pe)]

    def _bias_words(self, m: Module, width: int, at: Value) -> Value:
        """The biases of a group of outputs."""
        if self.loaded:
            return loaded_table(m, "bias", self.loader.writes["biases"], at)
        memory = Memory(shape=unsigned(width * self.pe), depth=self.neuron_fold,
                        init=packed_words(self.bias, width))
        m.submodules.bias = memory
        port = memory.read_port(domain="comb")
        m.d.comb += port.addr.eq(at)
        return port.data
