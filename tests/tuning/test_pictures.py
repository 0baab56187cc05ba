import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from quantunet_hls.tuning.choice import Choice, Move
from quantunet_hls.tuning.pictures import RangeRow, draw_front, draw_ranges, use_of
from quantunet_hls.tuning.search import Point, Step
from quantunet_hls.types import FixedType


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=12), st.booleans(), st.integers(2, 6))
def test_the_use_of_a_type_is_counted(quarters, signed, width):
    kind = FixedType(width, 1, signed, "RND_CONV", "SAT")
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    codes = [round(value / 2) for value in quarters]  # quarters in halves, ties to even
    use = use_of(np.array(quarters) / 4, kind)
    assert use.saturated == sum(not low <= code <= high for code in codes) / len(codes)
    vanished = [code == 0 and value != 0 for code, value in zip(codes, quarters, strict=True)]
    assert use.vanished == sum(vanished) / len(codes)
    inside = [min(max(code, low), high) for code in codes]
    narrower = [w for w in range(1 + signed, width + 1) if all(
        (-(2 ** (w - 1)) <= code < 2 ** (w - 1)) if signed else 0 <= code < 2**w for code in inside)]
    assert use.unused == width - min(narrower)


def test_pictures_are_written_and_hold_a_line_for_every_layer(tmp_path):
    random = np.random.default_rng(0)
    rows = [RangeRow(f"layer{index}", random.normal(size=500), FixedType(4, 2)) for index in range(4)]
    draw_ranges(rows, "Weights", tmp_path / "four.png")
    draw_ranges([*rows, RangeRow("zeros", np.zeros(5), FixedType(1, 0, False))], "Weights", tmp_path / "five.png")
    with Image.open(tmp_path / "four.png") as four, Image.open(tmp_path / "five.png") as five:
        assert five.height > four.height > 100
    steps = [Step(Choice({}, {}), Point(4 - index, 0.8 - index / 100, 0), Move("a", "weight") if index else None)
             for index in range(3)]
    draw_front(steps, 1, [(3.0, 0.5)], 0.8, 0.5, tmp_path / "front.png")
    with Image.open(tmp_path / "front.png") as picture:
        assert min(picture.size) > 300
