"""Corners of lattice points against all of them."""

from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.ops.stages.requantize.lattice import Box, corners

_FACTORS = st.tuples(st.integers(-60, 60), st.integers(-60, 60))
_WEIGHTS = st.tuples(st.integers(0, 9), st.integers(0, 9))


@given(_FACTORS, st.integers(-1200, 1200), st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
       st.tuples(st.integers(0, 24), st.integers(0, 24)), st.lists(_WEIGHTS, min_size=1, max_size=6))
def test_no_pair_that_reaches_the_bound_has_less_than_a_corner(factors, bound, low, size, weights):
    box = Box(low, (low[0] + size[0], low[1] + size[1]))
    pairs = [(a, b) for a in range(low[0], box.high[0] + 1) for b in range(low[1], box.high[1] + 1)
             if factors[0] * a + factors[1] * b >= bound]
    found = corners(factors, bound, box)
    assert set(found) <= set(pairs)
    assert bool(found) == bool(pairs)
    # The exact sum's own weights, and others with their signs.
    for m, n in [factors, *(tuple(w * ((f > 0) - (f < 0)) for w, f in zip(weight, factors, strict=True))
                            for weight in weights)]:
        assert min((m * a + n * b for a, b in found), default=0) == min((m * a + n * b for a, b in pairs), default=0)


def test_few_corners_stand_for_many_pairs():
    box = Box((-1 << 40, -1 << 40), (1 << 40, 1 << 40))
    assert len(corners((0x1F3D5B79ACE13579, 0x2468ACE02468ACE1), 12345678901234567890, box)) < 100
