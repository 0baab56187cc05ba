import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import BoardError
from quantunet_hls.targets.ecp5.pll import dividers_for


@given(st.integers(13, 200))
@settings(max_examples=40)
def test_the_plls_dividers_keep_the_data_sheets_limits(wanted):
    found = dividers_for(25.0, float(wanted))
    assert wanted - 12.5 < found.mhz <= wanted
    assert 400 <= found.vco_mhz <= 800
    assert found.source_mhz / found.input >= 10
    assert found.vco_mhz / found.output == pytest.approx(found.mhz)


def test_usual_clocks_are_met_exactly():
    assert [dividers_for(25.0, mhz).mhz for mhz in (25.0, 50.0, 75.0, 100.0, 62.5)] == [25.0, 50.0, 75.0, 100.0, 62.5]
    with pytest.raises(BoardError, match="no clock near 1 MHz"):
        dividers_for(25.0, 1.0)
