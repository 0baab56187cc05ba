from dataclasses import replace
from functools import partial

import pytest

from quantunet_hls import boards
from quantunet_hls.boards import Memory
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.bandwidth import MEMORY_SHARE, PORT_SHARE, available, check_traffic, traffic
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.fold.storage import Storage, placed
from tests.rtl.graphs import CODE, PIXEL, convolution


def board(bytes_per_s, bram=600, uram=0):
    known = boards.load("zcu104")
    return replace(known, resources=replace(known.resources, bram_18k=bram, uram=uram),
                   memory=(Memory("DDR4", 1024, "fabric", bytes_per_s),))


def folded():
    graph = StreamGraph("large", (
        Input("image", (), Shape(8, 8, 16), PIXEL),
        convolution("first", "image", 16, 64, (8, 8), PIXEL, seed=1),
        convolution("second", "first", 64, 16, (8, 8), CODE, seed=2),
    ))
    return fold(graph, 64 * 9216 // 4)


def streamed_for(target):
    return placed(folded(), Storage("streamed"), target, partial(choose_multipliers, board=target))


def test_blocks_have_as_few_rows_as_memory_allows_and_each_is_counted():
    plenty = streamed_for(board(20 * 10**9))
    assert [layer.loaded.rows for layer in plenty.feeding] == [1, 1]
    found = traffic(plenty, board(20 * 10**9))
    for layer in plenty.feeding:
        assert found.of_layers[layer.name] == 16 * layer.feed.beats * 8
    assert found.needed == pytest.approx(found.of_frame * 1e9 / (plenty.cycles * 5))
    scarce = board(round(found.needed / MEMORY_SHARE / 3))
    fewer = streamed_for(scarce)
    assert sorted(layer.loaded.rows for layer in fewer.feeding) != [1, 1]
    check_traffic(fewer, scarce)
    assert available(board(10**12)) == PORT_SHARE * 16 * 200e6


def test_a_design_that_would_wait_is_refused_with_a_rate_that_it_reaches():
    whole = sum(16 * layer.feed.beats for layer in streamed_for(board(10**10)).feeding)
    rate = 1e9 / (folded().cycles * 5)
    slow = board(round(whole * rate / MEMORY_SHARE / 2))
    with pytest.raises(BoardError, match=r"would come too late: .* It reaches [\d.]+ frames/s") as refusal:
        streamed_for(slow)
    reached = float(str(refusal.value).split("(--fps ")[1].split(")")[0])
    assert rate / 2 * 0.98 < reached <= rate / 2
    with pytest.raises(BoardError, match="moves is not known"):
        streamed_for(board(None))


def test_only_the_largest_weights_leave_where_memory_blocks_are_short():
    def chosen(target):
        return placed(folded(), Storage("auto"), target, partial(choose_multipliers, board=target))

    assert not chosen(board(10**10)).feeding
    for blocks in range(30, 0, -1):
        found = chosen(board(10**10, blocks))
        if found.feeding:
            break
    assert 0 < len(found.feeding) <= 2
    assert not chosen(board(None, blocks)).feeding
    assert not chosen(board(1000, blocks)).feeding
