import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import StepError
from quantunet_hls.reports.parsers.numbers import LARGEST, number


@pytest.mark.parametrize(("text", "value"), [("112", 112), (" 2.50 ", 2.5), ("1e3", 1000.0), ("-0.871", -0.871),
                                             (7, 7), (7.5, 7.5), (".5", 0.5), ("5.", 5.0)])
def test_a_number_is_what_it_says(text, value):
    found = number(text, "x")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["undef", "-", "?", "~0", "", "NA", "nan", "inf", "1e999", "0x10", "1_000", "1 2", "٣",
                                  "1,000", None, True, [1], {}, math.nan, math.inf, "\ud800"])
def test_what_is_no_number_is_not_known(text):
    assert number(text, "x") is None


@pytest.mark.parametrize("text", ["9" * 400, "9" * 10_000, 10**400, -(10**400), 1e300, LARGEST + 1])
def test_a_number_that_no_design_has_is_one_sentence(text):
    with pytest.raises(StepError, match=r"the LUTs of r\.json is beyond") as caught:
        number(text, "the LUTs of r.json")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.text() | st.integers() | st.floats())
def test_any_value_is_a_bounded_number_none_or_a_refusal(value):
    try:
        found = number(value, "x")
    except StepError:
        return
    assert found is None or abs(found) <= LARGEST
