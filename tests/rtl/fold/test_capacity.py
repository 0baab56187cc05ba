"""What a board can't hold is told from the estimate, by as much as estimates have been off."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantunet_hls.boards import Resources, load
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.rtl.fold.capacity import MAPPED_SHARES, beyond, held, in_doubt, needs, told
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.fold.multipliers import multiplying
from quantunet_hls.rtl.fold.nearest import as_fast, holds_chosen, slower, weight_bits_held, with_weight_bits
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.fold.storage import Storage, placed
from quantunet_hls.targets.memories import Memory, layout, ultra_of_buffer
from tests.rtl.graphs import PIXEL, convolution

REFERENCE = Path(__file__).parents[3] / "reports" / "reference" / "estimates.json"
SIZE = (8, 32)


def wide():
    """147 kbit of weights, and line buffers of 6 bits by 64 channels by 16 rows and more."""
    return StreamGraph("wide", (
        Input("image", (), Shape(*SIZE, 64), PIXEL),
        convolution("only", "image", 64, 64, SIZE, PIXEL),
    ))


def board(**resources):
    return replace(load("zcu104"), title="A tiny board", resources=Resources(**resources))


def folded(place=0.5):
    graph = wide()
    choices = cycle_choices(graph)
    return multiplying(fold(graph, choices[int(place * (len(choices) - 1))]), "auto", load("zcu104"))


@pytest.mark.parametrize("name", sorted(MAPPED_SHARES))
def test_no_design_was_mapped_to_less_or_more_than_the_margins_say(name):
    low, high = MAPPED_SHARES[name]
    shares = [row["mapped"][name] / row["estimated"][name] for row in json.loads(REFERENCE.read_text())["designs"]
              if row["estimated"][name]]
    assert len(shares) > 40
    assert low <= min(shares) <= low + 0.03
    assert high - 0.03 <= max(shares) <= high


def test_what_is_not_known_is_not_needed():
    assert needs(folded(), board()) == ()
    (found,) = needs(folded(), board(lut=1000))
    assert found.name == "lut"


def test_between_too_much_and_enough_lies_doubt():
    graph = folded()
    found = estimate(graph, load("zcu104").part_family)
    for have, is_beyond, is_in_doubt in ((found.lut // 2, True, False), (round(found.lut * 0.96), False, True),
                                         (found.lut, False, True), (round(found.lut * 1.2), False, False)):
        needed = needs(graph, board(lut=have))
        assert (bool(beyond(needed)), bool(in_doubt(needed))) == (is_beyond, is_in_doubt)
        assert held(needed) == (found.lut <= have)
    assert told(needs(graph, board(lut=7))) == f"about {found.lut:,} LUTs, of which there are 7"


def test_ultraram_holds_long_buffers_and_no_weights():
    graph = replace(folded(1.0), fifo_depths={"image->only": 40_001})
    found = estimate(graph, load("zcu104").part_family)
    fifo = Memory(40_000, graph["image"].lanes * PIXEL.width)
    blocks, ultra = layout(fifo, load("zcu104").part_family).blocks, ultra_of_buffer(fifo)
    assert found.rom_18k >= 8
    assert blocks > 8

    def short(blocks, uram):
        return beyond(needs(graph, board(bram_18k=blocks, uram=uram)))

    assert not short(found.bram_18k, 0)
    assert short(found.rom_18k * 8 // 10, 1000)
    assert not short(found.bram_18k - blocks, ultra)
    assert short(found.bram_18k - blocks, ultra - 1)
    (need,) = needs(graph, board(bram_18k=1, uram=0))
    assert (need.estimated, need.roms) == (found.bram_18k, found.rom_18k)
    assert f"{found.rom_18k} of them for weights" in str(need)


def test_the_rate_that_is_offered_is_held_and_no_much_faster_one_is():
    graph, design = wide(), folded(0.0)
    least = estimate(multiplying(fold(graph, cycle_choices(graph)[-1]), "auto", load("zcu104")),
                     load("zcu104").part_family)
    small = board(lut=least.lut * 3, dsp=16, bram_18k=100)
    assert not held(needs(design, small))

    def fold_at(rate):
        return multiplying(fold(graph, int(1e9 / (rate * small.clock_ns))), "auto", small)

    def choose(made):
        return multiplying(made, "auto", small)

    rate = slower(graph, design, small, choose, fold_at)
    assert held(needs(fold_at(rate), small))
    assert not held(needs(fold_at(rate * 2.5), small))
    assert slower(graph, design, board(lut=10, dsp=1, bram_18k=1), choose, fold_at) is None


def test_the_bits_that_are_offered_are_held_and_one_more_is_not():
    plain, found = fold(wide(), cycle_choices(wide())[-1]), estimate(folded(1.0), load("zcu104").part_family)

    def offered(small):
        return weight_bits_held(plain, small, lambda graph: multiplying(graph, "auto", small))

    small = board(bram_18k=found.bram_18k - 1)
    bits = offered(small)
    assert bits in (2, 3)
    assert not held(needs(multiplying(with_weight_bits(plain, bits + 1), "auto", small), small))
    assert [layer.weight_bits for layer in weighted(with_weight_bits(plain, 3))] == [3]
    assert offered(board(bram_18k=0)) is None


def test_what_is_offered_has_its_weights_where_the_board_has_room():
    graph, design = wide(), folded(0.0)
    small = board(lut=60_000, dsp=64, bram_18k=estimate(folded(1.0), load("zcu104").part_family).rom_18k - 1, uram=16)

    def choosing(weights):
        return lambda made: placed(made, Storage(weights), small, lambda graph: multiplying(graph, "auto", small))

    slowest = as_fast(graph, folded(1.0))
    assert [holds_chosen(slowest, small, choosing(weights)) for weights in ("rom", "auto")] == [False, True]
    found = []
    for weights in ("rom", "auto"):
        choose = choosing(weights)
        found.append(slower(graph, design, small, choose, lambda rate, choose=choose: choose(
            fold(graph, int(1e9 / (rate * small.clock_ns))))))
    # Without UltraRAM only a folding of few words, which need no memory blocks.
    assert found[0] is None or found[1] >= found[0]
    assert found[1] > 0
    assert weight_bits_held(slowest, small, choosing("auto")) == 3
