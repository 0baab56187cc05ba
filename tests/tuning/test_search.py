from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.tuning.choice import Choice, Move
from quantunet_hls.tuning.search import Point, descend, last_within


def weights_only(choice, _values=None):
    return [Move(name, "weight") for name, width in choice.weights.items() if width > 2]


def landscape(gain, harm):
    """Cost and harm that add up over layers; each bit below 6 does four times the harm of the one before."""
    def evaluate(choice):
        cost = sum(gain[name] * width for name, width in choice.weights.items())
        lost = sum(harm[name] * (4.0 ** (6 - width) - 1) for name, width in choice.weights.items())
        return Point(cost, 0.8 - lost, lost)
    return evaluate


def test_bits_that_save_much_and_harm_little_go_first():
    start = Choice({}, {"big": 6, "small": 6, "touchy": 6})
    evaluate = landscape({"big": 100, "small": 1, "touchy": 50}, {"big": 1e-3, "small": 1e-3, "touchy": 1e-1})
    steps = descend(start, weights_only, evaluate, lambda point: point.dice < 0.75)
    assert [step.move.layer for step in steps[1:3]] == ["big", "big"]
    assert steps[0].choice == start
    assert all(later.point.cost < earlier.point.cost for earlier, later in pairwise(steps))
    for earlier, later in pairwise(steps):
        assert later.move(earlier.choice) == later.choice
    assert steps[-1].point.dice < 0.75 <= steps[-2].point.dice


def test_it_ends_where_no_bit_is_left():
    evaluate = landscape({"a": 1, "b": 2}, {"a": 0, "b": 0})
    steps = descend(Choice({}, {"a": 3, "b": 4}), weights_only, evaluate, lambda point: False)
    assert steps[-1].choice.weights == {"a": 2, "b": 2}
    assert len(steps) == 4


def test_a_bit_that_saves_nothing_stays():
    evaluate = landscape({"a": 0, "b": 2}, {"a": 0, "b": 0})
    assert descend(Choice({}, {"a": 3, "b": 3}), weights_only, evaluate, lambda point: False)[-1].choice.weights == {
        "a": 3, "b": 2}


@given(st.integers(1, 100), st.integers(0, 100))
def test_halving_finds_the_last_good_one(count, last):
    last = min(last, count - 1)
    asked = []
    assert last_within(count, lambda index: asked.append(index) or index <= last) == last
    assert len(asked) <= 7
