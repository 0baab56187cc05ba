
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.compare.rules import parse_rule
from quantunet_hls.core.errors import ConfigurationError


@pytest.mark.parametrize(("rule", "place"), [
    ("", 1), ("LUT>5", 1), ("lut", 4), ("lut 5", 5), ("lut>", 5), ("lut>>5", 5), ("lut>+", 6), ("lut>five", 5),
    ("lut>5 LUTs", 7), ("lut>5%%", 7), ("lut@>5", 5), ("lut@mappd>5", 5), ("lut@rtl@cpp>5", 9),
    ("lut@rtl@mapped@rtl>5", 16), ("lut@c++>5", 5), ("layer:>5", 7), ("layer:enc0>5", 7),
    ("layer:.lut>5", 7), ("layer:a.>5", 9), ("lut>1e", 6), ("lut=5", 4), ("lut>--5", 6),
])
def test_a_faulty_rule_is_refused_at_its_place(rule, place):
    with pytest.raises(ConfigurationError, match=f"at character {place},"):
        parse_rule(rule)


@given(st.text(max_size=20) | st.lists(st.sampled_from(["layer:", "a.", "lut", "@", "mapped", "rtl", ">", "<=", "+",
                                                         "-", "5", "%", " ", "e9999"])).map("".join))
def test_any_text_is_a_rule_or_one_sentence(text):
    try:
        assert parse_rule(text).text == text
    except ConfigurationError as error:
        assert "\n" not in str(error)  # noqa: PT017 (whether it raises is not the question)
