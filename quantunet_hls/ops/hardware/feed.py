"""Weights that come from external memory: checked, put together to words, and held for as long as they are used.

The buffer behind them holds two groups' weights: one is used, pixel after pixel of a block, while the next one's come.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from quantunet_hls.ops.feed import MEMORY_BITS, Feed
from quantunet_hls.ops.hardware.crc import CRC_START, crc_step
from quantunet_hls.ops.hardware.streams import WidthAdapter, connect, stream_in, stream_out
from quantunet_hls.ops.hardware.window import LoopLevel, StridedBuffer

__all__ = ["BlockOrder", "WeightFeed"]

_CRC_BITS = 32


class WeightFeed(wiring.Component):
    """In: a layer's weights from memory, again and again. Out: words, those of each group ``turns`` times.

    The last beat is held back until the checksum of all is known: so no group is ever whole with other weights than
    those that belong to what was loaded at start-up, and nothing that was computed with others leaves the layer.

    Args:
        feed: how they lie in memory.
        group: words of a group.
        turns: times that each group is given.

    Attributes:
        expected: the checksum of the right weights.
        wrong: others have come; nothing moves any more.
    """

    def __init__(self, feed: Feed, group: int, turns: int):
        self.feed, self.group, self.turns = feed, group, turns
        super().__init__({"i": stream_in(MEMORY_BITS), "o": stream_out(feed.width), "expected": In(_CRC_BITS),
                          "wrong": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """The logic; Amaranth calls this."""
        m = Module()
        feed = self.feed
        source = stream_out(MEMORY_BITS).signature.create(path=("checked",))
        self._check(m, source)
        payload: Value = source.payload
        stream: Any = source
        if feed.in_beat > 1 or feed.of_word > 1:
            bits = feed.width if feed.in_beat > 1 else MEMORY_BITS
            m.submodules.words = adapter = WidthAdapter(bits, feed.in_beat, feed.of_word)
            m.d.comb += [adapter.i.payload.eq(payload[: feed.in_beat * bits]), adapter.i.valid.eq(source.valid),
                         source.ready.eq(adapter.i.ready)]
            stream, payload = adapter.o, adapter.o.payload
        m.submodules.held = held = StridedBuffer(
            feed.width, [LoopLevel(self.group, offset=1), LoopLevel(self.turns)], frame=self.group,
            image=(1, 1, self.group), padding=None, slack=self.group)
        m.d.comb += [held.i.payload.eq(payload[: feed.width]), held.i.valid.eq(stream.valid),
                     stream.ready.eq(held.i.ready)]
        connect(m, held.o, self.o)
        return m

    def _check(self, m: Module, out: Any) -> None:
        """A register for a beat, the last one of which leaves only where the checksum is right."""
        beat, full, at_end = Signal(MEMORY_BITS, reset_less=True), Signal(), Signal()
        crc, count = Signal(_CRC_BITS), Signal(range(self.feed.beats))
        right, taken, last = Signal(), Signal(), Signal()
        m.d.comb += [
            right.eq(~crc == self.expected), last.eq(count == self.feed.beats - 1),
            out.payload.eq(beat), out.valid.eq(full & (~at_end | right)), self.wrong.eq(full & at_end & ~right),
            self.i.ready.eq(~full | (out.valid & out.ready)), taken.eq(self.i.valid & self.i.ready),
        ]
        words = [self.i.payload[at: at + _CRC_BITS] for at in range(0, MEMORY_BITS, _CRC_BITS)]
        turned: Value = C(0, _CRC_BITS)
        for place, word in enumerate(words):
            turned = turned ^ word.rotate_left(8 * place)
        with m.If(out.valid & out.ready):
            m.d.sync += full.eq(0)
        with m.If(taken):
            m.d.sync += [beat.eq(self.i.payload), full.eq(1), at_end.eq(last), count.eq(Mux(last, 0, count + 1)),
                         crc.eq(crc_step(Mux(count == 0, C(CRC_START, _CRC_BITS), crc), turned))]


class BlockOrder(StridedBuffer):
    """Puts results of a block back in order.

    In: for each group of channels all pixels of the block. Out: for each pixel all groups. It holds two blocks.
    """

    def __init__(self, width: int, groups: int, pixels: int):
        block = groups * pixels
        super().__init__(width, [LoopLevel(groups, offset=pixels), LoopLevel(pixels, offset=1)], frame=block,
                         image=(1, 1, block), padding=None, slack=block)
