"""Constants of hls4ml's as codes: assigned exactly, in every mode."""

from fractions import Fraction
from math import floor
from types import SimpleNamespace

import numpy as np
import pytest
from hls4ml.model.types import FixedPrecisionType, IntegerPrecisionType, WeightVariable
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.model_graph import Node, constant_codes
from quantunet_hls.types.fixed import ROUNDINGS, FixedType


def exact(value: float, kind: FixedType) -> int:
    """The code in rational arithmetic; saturating."""
    scaled = Fraction(value) * Fraction(2) ** kind.fraction
    low, rest = floor(scaled), scaled - floor(scaled)
    half, up = Fraction(1, 2), {
        "TRN": False, "TRN_ZERO": scaled < 0 and rest > 0, "RND": rest >= Fraction(1, 2),
        "RND_MIN_INF": rest > Fraction(1, 2)}
    up |= {"RND_INF": rest > half or (rest == half and scaled > 0),
           "RND_ZERO": rest > half or (rest == half and scaled < 0),
           "RND_CONV": rest > half or (rest == half and low % 2 == 1)}
    return min(max(low + up[kind.rounding], kind.lowest), kind.high)


@given(st.floats(-64, 64), st.integers(1, 16), st.integers(-3, 18), st.booleans(), st.sampled_from(ROUNDINGS),
       st.integers(-40, 40))
def test_constants_are_assigned_exactly(value, width, fraction, signed, rounding, ties):
    kind = FixedType(width, fraction, signed, rounding, "SAT")
    # Ties, and what lies a hair beside them, beside numbers of any kind.
    tie = (ties + 0.5) * 2.0**-fraction
    values = [value, tie, float(np.nextafter(tie, 100)), float(np.nextafter(tie, -100)), 2.0**-70, -(2.0**-70)]
    for each in values:
        assert constant_codes("node", np.array([each]), kind).tolist() == [exact(each, kind)], each


def test_a_small_constant_beside_a_large_one_keeps_its_side_of_a_tie():
    kind = FixedType(8, 0, True, "RND", "SAT")
    tie = np.nextafter(0.5, 0)
    assert constant_codes("node", np.array([100.0, tie, 0.5, -0.5]), kind).tolist() == [100, 0, 1, 0]


def test_what_is_no_number_is_refused():
    with pytest.raises(IllegalGraphError, match="'node': a constant as large as inf"):
        constant_codes("node", np.array([np.inf]), FixedType(8, 4))


@pytest.mark.parametrize("precision", [FixedPrecisionType(8, 3), FixedPrecisionType(6, 9), FixedPrecisionType(9, -2),
                                       IntegerPrecisionType(4)])
@pytest.mark.parametrize("on_steps", [True, False])
def test_constants_are_what_hls4ml_prints(precision, on_steps):
    random = np.random.default_rng(0)
    values = random.normal(0, 3, (3, 3, 2, 4))
    if on_steps:
        step = 2.0 ** -max(0, precision.width - precision.integer)
        values = np.round(values / step) * step
    variable = WeightVariable("w", "weight_t", precision, values.astype(np.float32))
    node = SimpleNamespace(name="node", class_name="Conv2D", inputs=[], outputs=[], weights={"weight": variable})
    printed = np.array([float(text) for text in variable]).reshape(values.shape)
    assert np.array_equal(Node(node, "Vitis").constants("weight"), printed)
