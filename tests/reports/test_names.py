from dataclasses import fields

from quantunet_hls.boards import Resources
from quantunet_hls.reports import names
from quantunet_hls.reports.names import FIGURES, Better, kind_of


def test_every_figure_has_a_constant_that_is_its_name():
    constants = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    assert set(FIGURES) <= constants
    assert all(kind.name == name and kind.unit and kind.title for name, kind in FIGURES.items())


def test_figures_name_figures_of_the_same_or_of_a_fitting_unit():
    for kind in FIGURES.values():
        assert not kind.in_cycles or (kind.unit, FIGURES[kind.in_cycles].unit) == ("s", "cycles")
        assert not kind.most or FIGURES[kind.most].unit == kind.unit
        assert not kind.aim or FIGURES[kind.aim].unit == kind.unit == "ns"


def test_what_a_part_has_is_what_boards_tell():
    assert set(names.resources()) == {field.name for field in fields(Resources)}


def test_an_alias_is_of_one_figure_and_no_figure_s_name():
    told = [alias for kind in FIGURES.values() for alias in kind.aliases]
    assert len(names.aliases()) == len(told)
    assert not set(told) & set(FIGURES)


def test_what_is_not_in_the_table_is_its_name_and_neither_good_nor_bad():
    kind = kind_of("bit_flips", "flips")
    assert (kind.title, kind.unit, kind.better, kind.headline) == ("Bit flips", "flips", Better.NEITHER, False)
