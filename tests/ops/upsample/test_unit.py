import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.upsample.unit import UpsampleUnit
from tests.ops.hardware.test_window import BITS, stream_through, words


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_upsampling_of_random_shapes(height, width, channels, rows, columns):
    frames = np.random.default_rng(0).integers(0, 1 << BITS, (2, height, width, channels))
    unit = UpsampleUnit(Shape(height, width, channels), BITS, 1, (rows, columns))
    expected = words(frames.repeat(rows, axis=1).repeat(columns, axis=2), 1)
    assert stream_through(unit, words(frames, 1), len(expected), height) == list(expected)
