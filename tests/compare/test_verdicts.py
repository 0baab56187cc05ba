from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.compare import compare
from quantunet_hls.compare.rules import parse_rule
from quantunet_hls.compare.verdicts import judge
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.reports import Source, Subject, names
from tests.compare.builders import design, figure

SIGNS = {">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b}


def verdicts(rule, *designs):
    return judge(parse_rule(rule), compare(designs))


def violated(rule, before, after, name=names.LUT):
    (verdict,) = verdicts(rule, design("a", [figure(name, before)]), design("b", [figure(name, after)]))
    return verdict.violated


@given(before=st.integers(0, 10**7), after=st.integers(0, 10**7), sign=st.sampled_from(sorted(SIGNS)),
       hundredths=st.integers(-10**6, 10**6), percent=st.booleans())
def test_a_change_is_counted_exactly(before, after, sign, hundredths, percent):
    limit = Fraction(hundredths, 100)
    text = f"{hundredths / 100:+.2f}"
    allowed = limit * before / 100 if percent else limit
    assert violated(f"lut{sign}{text}{'%' if percent else ''}", before, after) == SIGNS[sign](after - before, allowed)


@given(value=st.integers(0, 10**6), limit=st.integers(0, 10**6), sign=st.sampled_from(sorted(SIGNS)))
def test_a_limit_without_a_sign_is_the_figure_itself(value, limit, sign):
    assert violated(f" lut {sign} {limit} ", 5, value) == SIGNS[sign](value, limit)
    (alone,) = verdicts(f"lut{sign}{limit}", design("a", [figure(names.LUT, value)]))
    assert alone.violated == SIGNS[sign](value, limit)


@pytest.mark.parametrize(("rule", "before", "after", "expected"), [
    # 0.725 - 0.005 is 0.72 on paper, though not in binary fractions.
    ("dice<-0.5", 0.725, 0.72, False),
    ("dice<-0.5", 0.725, 0.7199, True),
    ("dice<=-0.5", 0.725, 0.72, True),
    ("dice<-1%", 0.5, 0.494, True),
    ("dice<-1%", 0.5, 0.495, False),
    ("dice<0.7", 0.725, 0.69, True),
    ("dice<70%", 0.725, 0.7, False),
])
def test_changes_of_ratios_count_in_points(rule, before, after, expected):
    assert violated(rule, before, after, names.DICE) is expected


def test_aliases_and_sources():
    figures = [figure(names.INTERVAL_CYCLES_MAX, 10, Source.RTL_SIM), figure(names.INTERVAL_CYCLES_MAX, 99,
                                                                             Source.ESTIMATE)]
    pair = design("a", figures), design("b", figures)
    assert not verdicts("cycles_per_frame>10", *pair)[0].violated
    assert verdicts("cycles_per_frame@estimate>10", *pair)[0].violated


def test_the_sentence_tells_figure_source_tool_and_change():
    (verdict,) = verdicts("lut>+5%", design("old", [figure(names.LUT, 20_000)]),
                          design("new", [figure(names.LUT, 21_500)]))
    assert verdict.sentence == "new has 21,500 LUTs (RTL, mapped, yosys 0.70), 7.5 % more than old's 20,000."
    assert verdict.notes == ()


def test_another_tool_or_version_is_said():
    (verdict,) = verdicts("lut>+5%", design("a", [figure(names.LUT, 1)]),
                          design("b", [figure(names.LUT, 1, version="0.71")]))
    assert verdict.notes == ("lut is of different origin: RTL, mapped, yosys 0.71 in b, RTL, mapped, yosys 0.70 in a.",)


@pytest.mark.parametrize("rule", ["lut>+5%", "lut@mapped>+5%"])
def test_different_sources_are_not_compared(rule):
    with pytest.raises(ConfigurationError, match="can't be judged"):
        verdicts(rule, design("a", [figure(names.LUT, 1, Source.CSYNTH)]), design("b", [figure(names.LUT, 1)]))


def test_the_most_binding_source_that_both_have_is_compared():
    both = [figure(names.LUT, 100, Source.ESTIMATE), figure(names.LUT, 50, Source.MAPPED)]
    (verdict,) = verdicts("lut>+5%", design("a", both), design("b", [*both, figure(names.LUT, 999, Source.ROUTED)]))
    assert not verdict.violated
    assert "mapped" in verdict.sentence


def estimates(rtl, cpp):
    """As a report of the flow has them: the RTL's LUTs before those of the C++, or the other way round."""
    return [figure(names.LUT, rtl, Source.ESTIMATE, "quantunet-hls"),
            figure(names.LUT, cpp, Source.ESTIMATE, "C-synthesis model", subject=Subject.CPP)]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("rule", "broken", "told"), [
    ("lut>+5%", False, "RTL, estimate"), ("lut@rtl>+5%", False, "RTL, estimate"),
    ("lut@cpp>+5%", True, "C++, estimate"), ("lut@cpp@estimate>+5%", True, "C++, estimate"),
    ("lut@estimate@cpp>+5%", True, "C++, estimate"), ("lut@estimate>+5%", False, "RTL, estimate"),
    ("lut>20000", True, "RTL, estimate"), ("lut@cpp<250000", True, "C++, estimate"),
])
def test_a_rule_holds_a_design_against_the_same_design(rule, broken, told, turned):
    old, new = estimates(22_253, 220_000), estimates(22_253, 242_971)
    (verdict,) = verdicts(rule, design("a", old), design("b", new[::-1] if turned else new))
    assert verdict.violated is broken
    assert told in verdict.sentence


def test_cpp_and_rtl_are_not_comparable_and_the_gate_says_what_it_found():
    rtl, cpp = estimates(22_253, 242_971)
    with pytest.raises(ConfigurationError, match=r"C\+\+, estimate, .* b and RTL, estimate, .* a are not comparable"):
        verdicts("lut>+5%", design("a", [rtl]), design("b", [cpp]))
    with pytest.raises(ConfigurationError, match=r"b has no lut of the RTL;"):
        verdicts("lut@rtl>+5%", design("a", [rtl]), design("b", [cpp]))


def test_each_pair_is_judged_by_what_those_two_share():
    mapped, estimate = figure(names.LUT, 50), figure(names.LUT, 100, Source.ESTIMATE)
    found = verdicts("lut>+5%", design("base", [mapped, estimate]), design("b", [estimate]), design("c", [mapped]))
    assert ["estimate" in verdict.sentence for verdict in found] == [True, False]


def test_a_limit_holds_the_most_binding_figure_whatever_the_baseline_has():
    (verdict,) = verdicts("lut>60", design("a", [figure(names.LUT, 50)]),
                          design("b", [figure(names.LUT, 50), figure(names.LUT, 70, Source.ROUTED)]))
    assert verdict.violated


def test_a_layer_is_held_by_the_source_and_the_design_named():
    layers = {"enc": [figure(names.LUT, 5), *estimates(6, 70)]}
    more = {"enc": [figure(names.LUT, 5), *estimates(8, 70)]}
    pair = design("a", layers=layers), design("b", layers=more)
    assert [verdicts(rule, *pair)[0].violated for rule in (
        "layer:enc.lut>+5%", "layer:enc.lut@estimate>+5%", "layer:enc.lut@cpp>+5%", "layer:*.lut@rtl@estimate>+5%",
    )] == [False, True, False, True]


@pytest.mark.parametrize(("rule", "message"), [
    ("lutt>+5%", "There is no figure in these reports named 'lutt'.*lut"),
    ("dsp>+5%", "There is no figure"),
    ("ff>+5%", "b has no ff"),
    ("layer:enc9.lut>1", "There is no layer"),
    ("layer:enc0.dsp>1", "There is no figure of a layer"),
    ("lut>5%", "percentage without a sign"),
    ("iou<70", "a ratio from 0 to 1; write 0.7 or 70%"),
    ("uram>+1", "a has no uram"),
])
def test_what_no_report_has_is_an_error_and_no_pass(rule, message):
    layers = {"enc0": [figure(names.LUT, 5)]}
    shared = [figure(names.LUT, 1), figure(names.IOU, 0.5)]
    with pytest.raises(QuantUNetError, match=message):
        verdicts(rule, design("a", [*shared, figure(names.FF, 1)], layers),
                 design("b", [*shared, figure(names.URAM, 1)], layers))


def test_a_change_needs_something_to_compare_with():
    with pytest.raises(ConfigurationError, match="one report only"):
        verdicts("lut>+5%", design("a", [figure(names.LUT, 1)]))


def test_layers_one_or_all():
    old = design("a", layers={"x.y": [figure(names.LUT, 10)], "gone": [figure(names.LUT, 1)]})
    new = design("b", layers={"x.y": [figure(names.LUT, 12)], "more": [figure(names.LUT, 50)]})
    (one,) = verdicts("layer:x.y.lut>+10%", old, new)
    assert (one.violated, one.layer) == (True, "x.y")
    assert [(verdict.layer, verdict.violated) for verdict in verdicts("layer:*.lut>+20%", old, new)] == [("x.y", False)]
    with pytest.raises(ConfigurationError, match="b has no lut of layer gone"):
        verdicts("layer:gone.lut>+0", old, new)
