import pytest

from quantunet_hls.compare.plots import front


@pytest.mark.parametrize(("points", "best"), [
    ([], []),
    ([(1, 1)], [0]),
    ([(2, 5), (1, 1), (3, 4), (3, 6)], [1, 0, 3]),
    ([(1, 1), (1, 1), (1, 2)], [2]),
])
def test_the_front_holds_what_no_other_beats(points, best):
    assert front(points) == best
