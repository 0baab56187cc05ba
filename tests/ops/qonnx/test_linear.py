"""Windows of QONNX's quantizers: one behind the other they are ONNX's rounding and limits, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qonnx.custom_op.general.intquant import int_quant

from quantunet_hls.ops.qonnx.linear import Window, around_zero, windows


def through(found, values):
    for window in found:
        bits, zero = np.float64(window.bits), np.float64(window.zero)
        values = int_quant(values, np.float64(1), zero, bits, window.signed, window.narrow, "ROUND")
    return values


@given(st.integers(-300, 300), st.integers(0, 400))
def test_they_are_onnxs_rounding_and_limits(low, width):
    high = low + width
    halves = np.arange(2 * low - 1500, 2 * high + 1500) / 2
    expected = np.clip(np.rint(halves), low, high)
    found = windows(low, high)
    assert np.array_equal(through(found, halves), expected)
    # As ONNX says it: the zero point is added to what was rounded.
    for zero in (-3, 0, 5):
        codes = np.clip(np.rint(halves) + zero, low + zero, high + zero)
        assert np.array_equal(codes - zero, expected)


@pytest.mark.parametrize(("low", "high", "found"), [
    (-128, 127, [Window(8, signed=True)]),
    (-127, 127, [Window(8, signed=True, narrow=True)]),
    (0, 255, [Window(8, signed=False)]),
    (-8, 7, [Window(4, signed=True)]),
    (0, 1, [Window(1, signed=False)]),
    (-1, 0, [Window(2, signed=True), Window(1, signed=False, zero=1)]),
    (-58, 197, [Window(8, signed=False, zero=58)]),
    (-59, 196, [Window(9, signed=True), Window(8, signed=False, zero=59)]),
    (0, 6, [Window(3, signed=False), Window(3, signed=False, zero=1)]),
    (-3, 3, [Window(3, signed=True, narrow=True)]),
])
def test_one_is_enough_where_the_zero_point_is_even_or_none(low, high, found):
    assert [*windows(low, high)] == found


@given(st.integers(-(1 << 20), 1 << 20), st.integers(-(1 << 20), 1 << 20))
def test_around_zero_is_the_narrowest(one, other):
    low, high = sorted((one, other))
    window = around_zero(low, high)
    assert window.low <= low <= high <= window.high
    if window.bits > 2:
        less = Window(window.bits - 1, window.signed, window.narrow)
        assert low < less.low or high > less.high
