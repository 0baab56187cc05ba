import pytest

from quantunet_hls.compare import Comparison, compare
from quantunet_hls.compare.cells import Mark
from quantunet_hls.core.errors import UnknownNameError
from quantunet_hls.reports import Source, Subject, names
from tests.compare.builders import design, figure, full


def cells(comparison, name):
    return comparison.row(name).cells


def test_change_from_the_baseline_and_whether_it_is_better():
    a, b = design("a", [figure(names.LUT, 200), figure(names.DICE, 0.5)]), design(
        "b", [figure(names.LUT, 150), figure(names.DICE, 0.4)])
    luts = cells(compare([a, b]), names.LUT)
    assert [cell.change for cell in luts] == [None, -0.25]
    assert [cell.better for cell in luts] == [None, True]
    assert cells(compare([a, b]), names.DICE)[1].better is False
    turned = cells(compare([a, b], baseline="b"), names.LUT)
    assert [cell.change for cell in turned] == [50 / 150, None]


def test_no_change_is_told_of_another_source_and_another_tool_is_marked():
    base = design("base", [figure(names.LUT, 100)])
    others = [design("estimate", [figure(names.LUT, 90, Source.ESTIMATE, "model", "")]),
              design("vivado", [figure(names.LUT, 90, tool="Vivado", version="2024.1")]),
              design("newer", [figure(names.LUT, 90, version="0.71")]), design("none")]
    row = compare([base, *others]).row(names.LUT)
    assert [cell.mark for cell in row.cells] == [Mark.NONE, Mark.SOURCE, Mark.TOOL, Mark.VERSION, Mark.NONE]
    assert [cell.change for cell in row.cells] == [None, None, -0.1, -0.1, None]
    assert row.origin is None
    assert row.differs


def test_the_most_binding_source_that_is_shared_with_the_baseline():
    a = design("a", [figure(names.LUT, 1, Source.ESTIMATE), figure(names.LUT, 2), figure(names.LUT, 3, Source.ROUTED)])
    b = design("b", [figure(names.LUT, 4, Source.ESTIMATE), figure(names.LUT, 5)])
    c = design("c", [figure(names.LUT, 6, Source.ESTIMATE)])
    assert [cell.figure.value for cell in cells(compare([a, b, c]), names.LUT)] == [2, 5, 6]
    assert [cell.figure.value for cell in cells(compare([a, c]), names.LUT)] == [1, 6]
    assert [cell.figure.value for cell in cells(compare([a]), names.LUT)] == [3]


def test_every_row_is_of_one_source_and_tool():
    comparison = compare([full("a"), design("b", [figure(names.LUT, 5, Source.CSYNTH, "Vitis HLS", "2024.2")])])
    for row in comparison.every:
        assert len({(known.subject, known.source, known.tool) for known in row.figures}) == 1
    told = [known for row in comparison.every for known in row.figures]
    assert len(told) == sum(len(each.report.figures) for each in comparison.designs)


def test_the_cpp_and_the_rtl_of_one_report_are_told_apart_in_whatever_order_they_stand():
    both = [figure(names.LUT, 250, Source.ESTIMATE, "C-synthesis model", subject=Subject.CPP),
            figure(names.LUT, 22, Source.ESTIMATE, "quantunet-hls")]
    rtl_only, cpp_only = both[1:], both[:1]
    for figures in (both, both[::-1]):
        assert [cell.figure.value for cell in cells(compare([design("a", figures)]), names.LUT)] == [22]
        # What the two reports share, not what stands first in either.
        shared = compare([design("a", figures), design("b", cpp_only)]).row(names.LUT)
        assert [cell.figure.value for cell in shared.cells] == [250, 250]
        assert shared.origin == "C++, estimate"
        assert [cell.figure.value for cell in cells(compare([design("a", figures), design("b", rtl_only)]),
                                                    names.LUT)] == [22, 22]
        assert compare([design("a", figures)]).row(names.LUT, subject=Subject.CPP).cells[0].figure.value == 250


def test_the_cpp_is_not_compared_with_the_rtl():
    row = compare([design("a", [figure(names.LUT, 250, subject=Subject.CPP)]), design("b", [figure(names.LUT, 22)]),
                   design("c", [figure(names.LUT, 30, subject=Subject.UNSTATED)])]).row(names.LUT)
    assert [cell.mark for cell in row.cells] == [Mark.NONE, Mark.SUBJECT, Mark.SUBJECT]
    assert [cell.difference for cell in row.cells] == [None, None, None]
    assert row.origin is None


def test_layers_are_compared_of_one_design():
    def layer(rtl, cpp):
        return {"conv": [*([figure(names.LUT, cpp, Source.ESTIMATE, "model", subject=Subject.CPP)] if cpp else []),
                         *([figure(names.LUT, rtl)] if rtl else [])]}

    (row,) = compare([design("a", layers=layer(10, 90)), design("b", layers=layer(None, 80))]).layer_rows(names.LUT)
    assert [cell.figure.value for cell in row.cells] == [90, 80]
    (row,) = compare([design("a", layers=layer(10, 90)), design("b", layers=layer(11, 80))]).layer_rows(names.LUT)
    assert [cell.figure.value for cell in row.cells] == [10, 11]


def test_layers_keep_their_order_and_are_compared_by_name():
    a = design("a", layers={"one": [figure(names.LUT, 1)], "three": [figure(names.LUT, 3)]})
    b = design("b", layers={"one": [figure(names.LUT, 2)], "two": [figure(names.LUT, 2)],
                            "three": [figure(names.LUT, 3)]})
    rows = compare([a, b]).layer_rows(names.LUT)
    assert [row.layer for row in rows] == ["one", "two", "three"]
    assert [row.cells[1].change for row in rows] == [1.0, None, 0.0]


def test_layers_are_told_by_one_tool_a_design():
    layers = {"conv": [figure(names.INTERVAL_CYCLES_MAX, 7, Source.ESTIMATE, "hls4ml"),
                       figure(names.INTERVAL_CYCLES_MAX, 8, Source.ESTIMATE, "ours")],
              "relu": [figure(names.INTERVAL_CYCLES_MAX, 9, Source.ESTIMATE, "ours")]}
    rows = compare([design("a", layers=layers)]).layer_rows(names.INTERVAL_CYCLES_MAX)
    assert [(row.layer, row.cells[0].figure.value) for row in rows] == [("conv", 8), ("relu", 9)]


def test_what_else_differs():
    a, b = design("a", board="zcu104"), design("b", board="kv260", tools={"yosys": "0.71", "g++": "12"})
    assert dict(compare([a, b]).differences()) == {
        "Board": ("zcu104", "kv260"), "Version of yosys": ("0.70", "0.71"), "Version of g++": ("not used", "12")}


def test_an_unknown_baseline_is_refused():
    with pytest.raises(UnknownNameError, match="nearest names are: first"):
        compare([design("first"), design("second")], "fist")
    assert compare([design("first"), design("second")], "second.json").baseline == 1


def test_the_headline_leaves_out_what_nobody_uses():
    rows = Comparison((design("a", [figure(names.LUT, 5), figure(names.URAM, 0, available=96)]),)).headline
    assert [row.name for row in rows] == [names.LUT]
