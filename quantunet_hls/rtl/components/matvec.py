"""The matrix-vector unit: PE x SIMD multipliers, weights in ROM, exact-width registered adder trees.

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

Packed multipliers
    Two outputs that share their inputs can share a DSP block:
    ``a * (w1 * 2**k + w0)`` holds ``a * w0`` in its lower k bits and ``a * w1``
    above, less the borrow of a negative lower part (Xilinx WP486 describes the
    idea). With k wide enough for the whole sum of ``simd`` products, the adder
    tree adds both fields at once, and the borrow is given back once, behind it.

Exactness
    Products, tree levels and accumulators have the width that holds every
    possible sum of these very weights, so nothing wraps before the requantization.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from quantunet_hls.rtl.components.pipeline import Pipeline
from quantunet_hls.rtl.components.requantize import requantize, shape_of
from quantunet_hls.rtl.components.streams import Fifo, connect, stream_in, stream_out
from quantunet_hls.rtl.graph import Step
from quantunet_hls.types.fixed import FixedType, Integers

__all__ = ["DotProducts", "MatrixVectorUnit", "depthwise_words", "matrix_words", "packed_operand"]

#: ROMs of at least this many words and bits go to block RAM; smaller ones are cheaper in LUTs.
BLOCK_ROM_WORDS = 128
BLOCK_ROM_BITS = 4096


def matrix_words(weights: Integers, pe: int, simd: int) -> Integers:
    """Weights (kernel height, kernel width, inputs, outputs) in the order they are used: (words, pe, simd)."""
    inputs, outputs = weights.shape[-2:]
    taps = weights.reshape(-1, inputs // simd, simd, outputs // pe, pe)
    return taps.transpose(3, 0, 1, 4, 2).reshape(-1, pe, simd)


def depthwise_words(weights: Integers, lanes: int) -> Integers:
    """Weights (kernel height, kernel width, channels) in the order they are used: (words, lanes, 1)."""
    channels = weights.shape[-1]
    return weights.reshape(-1, channels // lanes, lanes).transpose(1, 0, 2).reshape(-1, lanes, 1)


def packed_operand(weights: Integers, source: FixedType, simd: int) -> tuple[int, int]:
    """Where the upper weight of a packed pair starts, and the bits of the whole pair as a signed operand."""
    bits = _bits(weights)
    product = bits + source.width + (1 if source.signed else 0)
    field = product + max(simd - 1, 0).bit_length()
    return field, field + bits + 1


class DotProducts(wiring.Component):
    """Dot products of ``synapse_fold`` beats each, requantized.

    In: beats of activations. Out: beats of ``pe`` results.

    Args:
        words: weight codes (synapse_fold * neuron_fold, pe, simd), used one word a beat, over and over.
        bias: codes (neuron_fold, pe).
        source: type of the activations.
        accumulator: type of the exact sums.
        steps: what happens to the sums; the last one's type goes out.
        private_inputs: every processing element has ``simd`` inputs of its own
            (a beat has ``pe * simd`` channels), as a depthwise convolution needs;
            otherwise all share the beat's ``simd`` channels.
        packed: pairs of processing elements share their multipliers.
    """

    def __init__(self, words: Integers, bias: Integers, source: FixedType, accumulator: FixedType,
                 steps: Sequence[Step], *, private_inputs: bool = False, packed: bool = False):
        self.packed = packed and not private_inputs
        self.words, self.bias, self.source, self.accumulator = words, bias, source, accumulator
        self.steps, self.private_inputs = tuple(steps), private_inputs
        self.neuron_fold, self.pe = bias.shape
        self.synapse_fold, self.simd = len(words) // self.neuron_fold, words.shape[2]
        self.result = self.steps[-1].type if self.steps else accumulator
        inputs = self.simd * (self.pe if private_inputs else 1)
        super().__init__({"i": stream_in(inputs * source.width), "o": stream_out(self.pe * self.result.width)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        first, last, start = Signal(), Signal(), Signal()
        fire = Signal()
        m.d.comb += [self.i.ready.eq(~first | start), fire.eq(self.i.valid & self.i.ready)]
        _count_beats(m, fire, self.synapse_fold, first, last)

        pipeline = Pipeline(m, valid=fire, first=first, last=last)
        weights = self._weights(m, fire)
        bits = self.source.width
        activations: list[Value] = [
            pipeline.register(_code(self.i.payload[index * bits: (index + 1) * bits], self.source))
            for index in range(len(self.i.payload) // bits)
        ]
        pipeline.advance()
        # ROM words come a clock after their address, and once more registered: multipliers
        # between two registers reach about twice the clock.
        operands = self._operands(pipeline, weights)
        activations = [pipeline.register(value) for value in activations]
        pipeline.advance()

        sums = self._sums(pipeline, activations, operands)
        accumulators = self._accumulate(m, pipeline, sums)
        results = requantize(pipeline, accumulators, self.accumulator, self.steps)

        depth = -(-(pipeline.stages + 1) // self.synapse_fold) + 2
        m.submodules.results = fifo = Fifo(self.pe * self.result.width, depth)
        done = pipeline.flags["valid"] & pipeline.flags["last"]
        m.d.comb += [fifo.i.payload.eq(Cat(*results)), fifo.i.valid.eq(done)]
        connect(m, fifo.o, self.o)
        credits = Signal(range(depth + 1), init=depth)
        m.d.comb += start.eq(credits != 0)
        m.d.sync += credits.eq(credits - (fire & first) + (self.o.valid & self.o.ready))
        return m

    def _weights(self, m: Module, fire: Signal) -> list[Value]:
        """One clock after ``fire``: the word's weights, PE by PE."""
        width = _bits(self.words)
        if len(self.words) == 1:
            return [C(int(code), signed(width)) for code in self.words.reshape(-1)]
        rom, at = _rom(m, "weights", self.words.reshape(len(self.words), -1), width)
        with m.If(fire):
            m.d.sync += at.eq(Mux(at == len(self.words) - 1, 0, at + 1))
        return [rom[index * width: (index + 1) * width].as_signed() for index in range(self.pe * self.simd)]

    def _operands(self, pipeline: Pipeline, weights: Sequence[Value]) -> list[list[Value]]:
        """For each multiplier row its registered weights: one row a PE, or one for two of them."""
        rows = [list(weights[pe * self.simd: (pe + 1) * self.simd]) for pe in range(self.pe)]
        if self.packed:
            field, _ = packed_operand(self.words, self.source, self.simd)
            pairs = [[(upper << field) + lower for lower, upper in zip(rows[pe], rows[pe + 1], strict=True)]
                     for pe in range(0, self.pe - 1, 2)]
            rows = pairs + rows[self.pe - self.pe % 2:]
        return [[value if isinstance(value, C) else pipeline.register(value) for value in row] for row in rows]

    def _sums(self, pipeline: Pipeline, activations: Sequence[Value], operands: Sequence[Sequence[Value]]
              ) -> list[Value]:
        """For each PE the sum of its products, through registered levels of two-input adders."""
        rows: list[list[Value]] = []
        for index, mine in enumerate(operands):
            first = index * self.simd if self.private_inputs else 0
            rows.append([pipeline.register(value * weight) for value, weight in
                         zip(activations[first: first + self.simd], mine, strict=True)])
        pipeline.advance()
        while len(rows[0]) > 1:
            rows = [[pipeline.register(row[i] + row[i + 1] if i + 1 < len(row) else row[i])
                     for i in range(0, len(row), 2)] for row in rows]
            pipeline.advance()
        if not self.packed:
            return [row[0] for row in rows]
        field, _ = packed_operand(self.words, self.source, self.simd)
        sums: list[Value] = []
        for index, (total,) in enumerate(rows):
            if 2 * index + 1 < self.pe:
                sums += [pipeline.register(total[:field].as_signed()),
                         pipeline.register(total[field:].as_signed() + total[field - 1])]
            else:
                sums.append(pipeline.register(total))
        pipeline.advance()
        return sums

    def _accumulate(self, m: Module, pipeline: Pipeline, sums: Sequence[Value]) -> list[Value]:
        valid, first = pipeline.flags["valid"], pipeline.flags["first"]
        biases = self._biases(m, pipeline)
        shape = shape_of(self.accumulator)
        accumulators: list[Value] = []
        for index, (value, bias) in enumerate(zip(sums, biases, strict=True)):
            accumulator = Signal(shape, name=f"accumulator_{index}", reset_less=True)
            if self.synapse_fold == 1:
                m.d.sync += accumulator.eq(bias + value)
            else:
                with m.If(valid):
                    m.d.sync += accumulator.eq(Mux(first, bias, accumulator) + value)
            accumulators.append(accumulator)
        pipeline.advance()
        return accumulators

    def _biases(self, m: Module, pipeline: Pipeline) -> list[Value]:
        """The biases that belong to the sums that stand before the accumulators now."""
        width = _bits(self.bias)
        if self.neuron_fold == 1:
            return [C(int(code), signed(width)) for code in self.bias[0]]
        at = Signal(range(self.neuron_fold), name="bias_at")
        with m.If(pipeline.flags["valid"] & pipeline.flags["last"]):
            m.d.sync += at.eq(Mux(at == self.neuron_fold - 1, 0, at + 1))
        memory = Memory(shape=unsigned(width * self.pe), depth=self.neuron_fold,
                        init=_packed(self.bias, width))
        m.submodules.bias = memory
        port = memory.read_port(domain="comb")
        m.d.comb += port.addr.eq(at)
        return [port.data[index * width: (index + 1) * width].as_signed() for index in range(self.pe)]


class MatrixVectorUnit(DotProducts):
    """A matrix-vector unit for weights (kernel height, kernel width, inputs, outputs) and biases (outputs)."""

    def __init__(self, weights: Integers, bias: Integers, source: FixedType, accumulator: FixedType,
                 steps: Sequence[Step], pe: int, simd: int, *, packed: bool = False):
        super().__init__(matrix_words(weights, pe, simd), bias.reshape(-1, pe), source, accumulator, steps,
                         packed=packed)


def _count_beats(m: Module, fire: Signal, fold: int, first: Signal, last: Signal) -> None:
    if fold == 1:
        m.d.comb += [first.eq(1), last.eq(1)]
        return
    beat = Signal(range(fold))
    m.d.comb += [first.eq(beat == 0), last.eq(beat == fold - 1)]
    with m.If(fire):
        m.d.sync += beat.eq(Mux(last, 0, beat + 1))


def _rom(m: Module, name: str, words: Integers, width: int) -> tuple[Value, Signal]:
    total = width * words.shape[1]
    block = len(words) >= BLOCK_ROM_WORDS and total * len(words) >= BLOCK_ROM_BITS
    memory = Memory(shape=unsigned(total), depth=len(words), init=_packed(words, width),
                    attrs={"rom_style": "block"} if block else None)
    m.submodules[name] = memory
    at = Signal(range(len(words)), name=f"{name}_at")
    port = memory.read_port(domain="sync")
    m.d.comb += [port.addr.eq(at), port.en.eq(1)]
    return port.data, at


def _packed(words: Integers, width: int) -> list[int]:
    """Codes (words, n) as one number a word, code 0 in the lowest bits."""
    mask = (1 << width) - 1
    return [sum((int(code) & mask) << (index * width) for index, code in enumerate(word)) for word in words]


def _bits(codes: Integers) -> int:
    low, high = int(np.min(codes)), int(np.max(codes))
    return max((-low - 1).bit_length() if low < 0 else 0, high.bit_length()) + 1


def _code(bits: Value, type_: FixedType) -> Value:
    return bits.as_signed() if type_.signed else bits
