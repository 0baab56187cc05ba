from dataclasses import replace
from functools import partial

import pytest

from quantunet_hls import boards
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.fold.storage import Storage, all_loaded, check_loadable, placed
from tests.rtl.graphs import CODE, PIXEL, convolution


def small(bram, uram):
    """A board with as few memory blocks, and no memory beside its part."""
    board = boards.load("zcu104")
    return replace(board, memory=(), resources=replace(board.resources, bram_18k=bram, uram=uram))


def test_a_whole_design_with_a_serial_line_has_its_weights_in_its_bitstream():
    graph = StreamGraph("small", (
        Input("image", (), Shape(4, 4, 1), PIXEL), convolution("only", "image", 1, 2, (4, 4), PIXEL)))
    board = boards.load("ulx3s-85f")
    check_loadable(graph, board)
    with pytest.raises(BoardError, match="'only' are to be loaded, but by the serial line of Radiona ULX3S"):
        check_loadable(all_loaded(graph), board)


def test_weights_leave_the_netlist_only_where_block_ram_is_short_and_there_is_ultraram():
    graph = StreamGraph("large", (
        Input("image", (), Shape(8, 8, 16), PIXEL),
        convolution("first", "image", 16, 32, (8, 8), PIXEL, seed=1),
        convolution("second", "first", 32, 16, (8, 8), CODE, seed=2),
    ))
    folded, roomy = fold(graph, 64 * 4608 // 4), small(100, 10)
    rom = placed(folded, Storage("rom"), roomy, partial(choose_multipliers, board=roomy))
    taken = estimate(rom, roomy.part_family).bram_18k
    for board, moved in ((roomy, 0), (small(taken - 1, 10), 1), (small(0, 1), 1), (small(0, 10), 2), (small(0, 0), 0)):
        found = placed(folded, Storage("auto"), board, partial(choose_multipliers, board=board))
        assert len(found.loading) == moved
        assert all(layer.loaded.ultra for layer in found.loading)
        if not moved:
            assert found.digest() == placed(folded, Storage("rom"), board,
                                            partial(choose_multipliers, board=board)).digest()
    everything = placed(folded, Storage("loaded"), roomy, partial(choose_multipliers, board=roomy))
    assert [layer.name for layer in everything.loading] == ["first", "second"]
