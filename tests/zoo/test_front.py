"""The picture of the zoo: names that can be read, and the costs that its script says."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.zoo_front import energy_uj, luts, mapped_luts, picture, spread
from quantunet_hls.zoo import checkpoints as zoo

_MAPPED = {"brain_tumor_pynq_b8d3": 20_000}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_labels_keep_their_order_and_a_gap(wanted):
    placed = spread(wanted, 0.1)
    order = sorted(range(len(wanted)), key=lambda place: (wanted[place], place))
    heights = [placed[place] for place in order]
    assert all(after - before >= 0.1 - 1e-9 for before, after in pairwise(heights))
    if all(after - before >= 0.1 for before, after in pairwise(sorted(wanted))):
        assert placed == pytest.approx(wanted)


def test_costs_are_what_the_cards_and_the_reference_say():
    card = zoo.card_of("brain_tumor_w4a6_b8d3")
    # 4 x 6 bits in most layers, by the footprint; a sum each.
    assert energy_uj(card) == pytest.approx((4_683_988_992 * 0.2 / 64 + 194_772_992 * 0.1) / 1e6)
    assert energy_uj(zoo.card_of("brain_tumor_float_b8d3")) == pytest.approx(194_772_992 * 4.6 / 1e6)
    assert luts(card, mapped_luts()) == (22_483, True)
    assert luts(zoo.card_of("brain_tumor_float_b8d3"), {}) == (None, False)


@pytest.mark.slow
def test_no_two_names_overlap():
    cards = [zoo.card_of(name) for name in zoo.names()]
    figure = picture(cards, mapped_luts() | _MAPPED)
    figure.canvas.draw()
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert boxes
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
        # Names stand in the gap before the next panel.
        others = [panel.bbox for panel in figure.axes if panel is not axes]
        assert not any(box.x1 > figure.bbox.x1 or box.overlaps(other) for box in boxes for other in others)
