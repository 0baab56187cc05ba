from dataclasses import replace
from itertools import combinations

from quantunet_hls import boards
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.estimate import estimate, shares
from quantunet_hls.rtl.fold.parallelism import parallel
from quantunet_hls.rtl.fold.storage import all_loaded
from quantunet_hls.rtl.fold.ultraram import layers_in_ultraram, spared_by_ultraram
from quantunet_hls.targets.memories import Memory, layout, ultra_of_buffer
from tests.rtl.graphs import CODE, PIXEL, convolution

BOARD = boards.load("zcu104")
FAMILY = BOARD.part_family
HALVING = Window((3, 3), (2, 2), (1, 1, 1, 1))


def network():
    """Weights of 288 to 4,608 words."""
    return all_loaded(parallel(StreamGraph("mixed", (
        Input("image", (), Shape(8, 8, 32), PIXEL),
        convolution("shallow", "image", 32, 64, (8, 8), PIXEL, seed=1),
        convolution("deep", "shallow", 64, 64, (8, 8), CODE, window=HALVING, seed=2),
        convolution("deepest", "deep", 64, 128, (4, 4), CODE, window=HALVING, seed=3),
    )), 18_432))


def with_memory(bram, uram):
    return replace(BOARD, resources=replace(BOARD.resources, bram_18k=bram, uram=uram))


def test_the_fewest_blocks_of_ultraram_are_taken_that_let_the_rest_fit():
    graph = network()
    items = {layer.name: (layout(layer.weight_memory, FAMILY).blocks,
                          layout(replace(layer.weight_memory, ultra=True), FAMILY).ultra) for layer in weighted(graph)}
    assert len({blocks / ultra for blocks, ultra in items.values()}) == 3
    whole = estimate(graph, FAMILY).bram_18k
    choices = [names for count in range(4) for names in combinations(items, count)]
    tried = set()
    for bram in range(whole - sum(blocks for blocks, _ in items.values()), whole + 2):
        fitting = [names for names in choices if 1.01 * (whole - sum(items[name][0] for name in names)) <= bram]
        if fitting:
            found = layers_in_ultraram(graph, with_memory(bram, 64))
            assert tuple(found) in fitting
            least = min(sum(items[name][1] for name in names) for names in fitting)
            assert sum(items[name][1] for name in found) == least
            tried.add(tuple(found))
    assert () in tried
    assert len(tried) > 2


def test_without_ultraram_nothing_moves_and_with_too_little_what_leaves_most():
    graph = network()
    assert layers_in_ultraram(graph, with_memory(0, 0)) == []
    assert layers_in_ultraram(graph, with_memory(0, 1000)) == ["shallow", "deep", "deepest"]
    only = layout(replace(graph["deepest"].weight_memory, ultra=True), FAMILY).ultra
    assert layers_in_ultraram(graph, with_memory(0, only)) == ["deepest"]


def test_ultraram_is_a_share_of_the_board_too():
    graph = network()
    assert set(shares(graph, BOARD)) == {"lut", "dsp", "bram_18k"}
    form = replace(graph["deepest"].loaded, ultra=True)
    moved = graph.with_layers({"deepest": graph["deepest"].loaded_as(form)})
    assert shares(moved, with_memory(100, 20))["uram"] == 2 / 20


def test_long_fifos_leave_block_ram_for_as_many_blocks_as_they_take():
    graph = replace(network(), fifo_depths={"image->shallow": 20_001})
    fifo = Memory(20_000, graph["image"].lanes * PIXEL.width)
    blocks, ultra = layout(fifo, FAMILY).blocks, ultra_of_buffer(fifo)
    assert blocks >= 8
    assert spared_by_ultraram(graph, FAMILY, ultra - 1) == 0
    assert spared_by_ultraram(graph, FAMILY, ultra) == blocks
