import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, covering, parse_type

numbers = st.integers(-(2**40), 2**40)


def reach(width: int, signed: bool) -> range:
    """All integers that a plain type of that width holds, by its definition."""
    return range(-(2 ** (width - 1)), 2 ** (width - 1)) if signed else range(2**width)


@given(numbers, numbers, st.integers(-20, 20))
def test_covering_holds_both_ends_and_no_narrower_type_does(one, other, fraction):
    low, high = sorted((one, other))
    kind = covering(low, high, fraction)
    assert low in reach(kind.width, kind.signed)
    assert high in reach(kind.width, kind.signed)
    assert kind.signed is (low < 0)
    assert (kind.fraction, kind.exponent) == (fraction, -fraction)
    if kind.width > 1:
        narrower = reach(kind.width - 1, kind.signed)
        assert low not in narrower or high not in narrower


@given(st.integers(0, 2**20), st.integers(0, 2**20))
def test_a_forced_sign_costs_one_bit(one, other):
    low, high = sorted((one, other))
    kind = covering(low, high, 0, signed=True)
    assert kind.signed
    assert high in reach(kind.width, True)
    assert kind.width == 1 or high not in reach(kind.width - 1, True)


def test_an_unsigned_type_can_not_be_forced_on_negative_values():
    with pytest.raises(ValueError, match="negative"):
        covering(-1, 3, 0, signed=False)


@pytest.mark.parametrize(
    ("low", "high", "width"),
    [(0, 0, 1), (0, 1, 1), (-1, 0, 1), (-1, 1, 2), (-2, 1, 2), (-2, 2, 3), (-4, 3, 3), (0, 255, 8), (0, 256, 9),
     (-256, 255, 9), (-257, 0, 10), (5, 5, 3), (-5, -5, 4)],
)
def test_widths_at_the_edges_of_powers_of_two(low, high, width):
    assert covering(low, high, 0).width == width


@given(st.integers(1, 24), st.integers(-30, 30), st.booleans(), st.sampled_from(ROUNDINGS),
       st.sampled_from(SATURATIONS))
def test_ends_are_those_of_the_definition(width, fraction, signed, rounding, saturation):
    kind = FixedType(width, fraction, signed, rounding, saturation)
    codes = reach(width, signed)
    assert (kind.low, kind.high) == (codes[0], codes[-1])
    # UG1399: symmetrical saturation leaves the lowest code of a signed type out.
    assert kind.lowest == codes[0] + (signed and saturation == "SAT_SYM")
    assert kind.integer == width - fraction


@pytest.mark.parametrize(
    ("kind", "text"),
    [(FixedType(8, 5), "fixed<8,3,TRN,WRAP>"),
     (FixedType(6, 8, False, "RND_CONV", "SAT"), "ufixed<6,-2,RND_CONV,SAT>"),
     (FixedType(4, -5, True, "TRN", "SAT_SYM"), "fixed<4,9,TRN,SAT_SYM>")],
)
def test_the_spelling_is_one_that_hls4ml_reads_back(kind, text):
    from hls4ml.backends import FPGABackend
    from hls4ml.backends.fpga.fpga_types import FixedPrecisionType
    from hls4ml.utils.fixed_point_utils import FixedPointEmulator  # noqa: F401  (hls4ml's modules need an order)

    assert str(kind) == text
    read = FPGABackend.convert_precision_string(text)
    assert isinstance(read, FixedPrecisionType)
    assert (read.width, read.integer, bool(read.signed)) == (kind.width, kind.integer, kind.signed)
    assert str(read.rounding_mode) == kind.rounding
    assert str(read.saturation_mode) == kind.saturation


@given(st.integers(1, 64), st.integers(-40, 80), st.booleans(), st.sampled_from(ROUNDINGS),
       st.sampled_from(SATURATIONS))
def test_a_type_is_read_as_it_is_written(width, fraction, signed, rounding, saturation):
    kind = FixedType(width, fraction, signed, rounding, saturation)
    assert parse_type(str(kind)) == kind


def test_modes_may_be_left_out():
    assert parse_type(" ufixed<6, -1> ") == FixedType(6, 7, signed=False, rounding="TRN", saturation="WRAP")


@pytest.mark.parametrize("text", ["", "int<4>", "fixed<4>", "fixed<4,1,UP,WRAP>", "fixed<0,0>", "fixed<4,1,TRN,WRAP,2>",
                                  "fixed<4,1>;", 6])
def test_what_is_no_type_is_refused(text):
    with pytest.raises(ConfigurationError):
        parse_type(text)
