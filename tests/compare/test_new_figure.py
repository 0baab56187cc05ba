"""A figure is entered in one place: what this package has never heard of stands everywhere, once it is in the table."""

import csv
import io
import sqlite3

import pytest
from rich.console import Console

from quantunet_hls.compare import compare, tables
from quantunet_hls.compare.page import page
from quantunet_hls.compare.rules import parse_rule
from quantunet_hls.compare.verdicts import judge
from quantunet_hls.reports import Figure, Report, Source, Subject, names, render
from quantunet_hls.reports.names import Better, FigureKind
from quantunet_hls.sweep.grid import Job
from quantunet_hls.sweep.results import Result, State, SweepResults
from tests.compare.builders import design

ENERGY = FigureKind("energy", "µJ", "Energy, an image", Better.MORE, headline=True, of_layers=True,
                    layer_plot="Energy, layer by layer", aliases=("joules",))


@pytest.fixture
def comparison(monkeypatch):
    monkeypatch.setitem(names.FIGURES, ENERGY.name, ENERGY)

    def measured(value):
        # Whoever measures it says neither unit nor title.
        return [Figure(ENERGY.name, value, Source.MAPPED, "a meter", "1", 5_000, subject=Subject.RTL)]

    return compare([design(label, measured(value), {"conv": measured(value // 10)})
                    for label, value in (("before", 1_230), ("after", 2_460))])


def on_screen(renderable):
    stream = io.StringIO()
    Console(file=stream, width=120).print(renderable)
    return [" ".join(line.split()) for line in stream.getvalue().splitlines()]


def test_it_stands_in_the_tables_of_a_report(comparison):
    lines = on_screen(render.report(comparison.designs[0].report))
    assert "Energy, an image 1,230 µJ 24.6% of 5,000 mapped" in lines
    assert "Layer Kind Energy, an image (µJ)" in lines
    assert "conv Conv 123" in lines


def test_it_stands_beside_the_baseline(comparison):
    (line,) = [line for line in on_screen(tables.overview(comparison)) if line.startswith("Energy, an image (µJ)")]
    assert line == "Energy, an image (µJ) RTL, mapped 1,230 (24.6%) 2,460 (49.2%) +100 %"
    assert [row.cells[1].better for row in comparison.headline] == [True]


def test_it_stands_in_markdown_csv_and_json(comparison):
    text = tables.markdown(comparison)
    assert "| Energy, an image (µJ) | RTL, mapped, a meter 1 |" in text
    assert "<summary>Energy, an image, layer by layer</summary>" in text
    told = [(record["layer"], record["figure"], record["value"], record["unit"])
            for record in csv.DictReader(io.StringIO(tables.csv_text(comparison)))]
    assert told == [("", "energy", "1230", "µJ"), ("", "energy", "2460", "µJ"),
                    ("conv", "energy", "123", "µJ"), ("conv", "energy", "246", "µJ")]
    assert [(record["layer"], record["figure"], record["value"], record["unit"])
            for record in tables.json_value(comparison)["figures"]] == [
        (None, "energy", 1230, "µJ"), (None, "energy", 2460, "µJ"),
        ("conv", "energy", 123, "µJ"), ("conv", "energy", 246, "µJ")]


def test_it_stands_and_is_drawn_on_the_page(comparison):
    html = page(comparison)
    assert html.count(">Energy, an image (µJ)</th>") == 2
    before, _, after = html.partition("<h3>Energy, layer by layer</h3>")
    assert before
    assert after.index("<svg") < after.index("</figure>")


@pytest.mark.parametrize(("text", "violated"), [
    ("energy>+5%", True), ("joules@rtl>+101%", False), ("energy@mapped>2000", True),
    ("layer:conv.energy>+5%", True), ("layer:*.joules<0", False)])
def test_it_can_be_a_rule(comparison, text, violated):
    (verdict,) = judge(parse_rule(text), comparison)
    assert verdict.violated is violated
    assert "µJ" in verdict.sentence


def test_it_is_read_again_and_sweeps_can_be_asked_for_it(comparison, tmp_path):
    report = comparison.designs[0].report
    report.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == report
    store = SweepResults(tmp_path / "sweep.sqlite")
    store.put(Result(Job("a", "m", None, "zcu104", {}, ".", ".", "key"), State.DONE, report))
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT layer, value, unit FROM figures WHERE name = 'energy'").fetchall() == [
            (None, 1230, "µJ"), ("conv", 123, "µJ")]


def test_a_figure_of_another_version_is_told_by_its_name(tmp_path):
    report = design("a", [Figure("energy", 5, Source.MAPPED, "a meter", unit="µJ", subject=Subject.RTL)]).report
    report.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == report
    assert "Energy 5 µJ mapped" in on_screen(render.report(report))
