"""Lines between lines, on Amaranth's own simulator."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.interpolation.layer import Places
from quantunet_hls.ops.interpolation.onnx import places_of_mode
from quantunet_hls.ops.interpolation.stream import units
from quantunet_hls.ops.interpolation.unit import LinePairs
from tests.ops.hardware.test_window import BITS, stream_through, words

MODES = ("half_pixel", "asymmetric", "align_corners")


@pytest.mark.parametrize("parts", range(1, 70))
def test_units_make_every_smaller_number_in_the_way_that_they_are_chosen(parts):
    made = units(parts)
    assert sum(made) == parts
    assert all(unit & (unit - 1) == 0 for unit in made)
    reached = {0}
    for unit in made:
        reached |= {number + unit for number in reached}
    assert reached == set(range(parts + 1))


@st.composite
def places(draw) -> Places:
    pixels = draw(st.integers(1, 5))
    return places_of_mode(draw(st.sampled_from(MODES)), pixels, pixels + draw(st.integers(1, 9)))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(places(), st.integers(1, 3), st.integers(1, 2), st.integers(0, 99))
def test_line_pairs_of_random_places(places, line, kept, seed):
    lines = np.random.default_rng(seed).integers(0, 1 << BITS, (3, places.pixels, line))
    made = units(places.parts)
    expected = []
    for frame in lines:
        for before, behind, weight in zip(*places.between(), strict=True):
            expected += list((places.parts - weight) * frame[before] + weight * frame[behind])
    seen = stream_through(LinePairs(BITS, line, places, kept), words(lines, 1), len(expected), seed)
    mask = (1 << BITS) - 1
    one, other = (np.array([beat >> shift & mask for beat in seen]) for shift in (0, BITS))
    sums = sum(unit * np.where([beat >> (2 * BITS + index) & 1 for beat in seen], one, other)
               for index, unit in enumerate(made))
    assert list(sums) == expected
