"""The table of other projects' networks says what its script found, and no more."""

from benchmarks.interop.__main__ import FORM_TITLES, RESULTS, TABLE, Cell, stored_cells, table
from benchmarks.interop.forms import FORMS
from benchmarks.interop.networks import NETWORKS


def test_table_is_what_the_script_writes_of_its_results():
    assert TABLE.read_text() == table(stored_cells(RESULTS))


def test_every_network_has_a_result_in_every_form():
    tried = {(name, form) for name, row in stored_cells(RESULTS).items() for form in row}
    assert tried == {(name, form) for name in NETWORKS for form in FORMS}
    assert set(FORM_TITLES) == set(FORMS)


def test_differing_and_refused_cells_are_told():
    written = table({"resunet": {"float": Cell("no room: take another", 0, 0, (), 1.0),
                                 "qcdq": Cell("", 1200, 3, ("QONNX = RTL simulation",), 2.0)}})
    assert "1 of 2 built; 3 of 1,200 values differ." in written
    assert "| ResUNet | refused | - | - | 3 of 1,200 |" in written
    assert "- ResUNet, float, calibrated: no room: take another" in written
