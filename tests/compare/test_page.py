import csv
import io
import re
from html.parser import HTMLParser

import pytest

from quantunet_hls.compare import compare, tables
from quantunet_hls.compare.page import page
from quantunet_hls.compare.rules import parse_rule
from quantunet_hls.compare.verdicts import judge
from quantunet_hls.reports import Source, names
from tests.compare.builders import design, figure, full

VOID = {"meta", "link", "br", "wbr", "hr", "img", "input"}
NASTY = '<script>alert("1")</script>$x^2$ & "q" --> http://evil.example/x.js'


class Reader(HTMLParser):
    """Attributes, ids, texts and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.attributes, self.open, self.texts, self.tags = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def comparison():
    unlike = design("unlike", [figure(names.LUT, 9_000, Source.CSYNTH, "Vitis HLS", "2024.2", 230_400)])
    return compare([full("old"), full(NASTY, lut=12_345, dice=0.7189, cycles=2_500), unlike])


@pytest.fixture(scope="module")
def html(comparison):
    return page(comparison, judge(parse_rule("cycles_per_frame>+2%"), compare(comparison.designs[:2])))


def test_nothing_in_the_page_refers_to_anything_outside(html):
    reader = Reader(html)
    for tag, name, value in reader.attributes:
        if name in {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}:
            assert value.startswith(("#", "data:")), (tag, name, value)
        assert "url(" not in value or re.fullmatch(r"[^(]*url\(#[^)]+\)[^(]*", value), (tag, name, value)
    assert "@import" not in html
    assert not {"script", "iframe", "object", "embed", "base"} & set(reader.tags)
    # What remains is the text of the nasty name, which is text.
    assert set(re.findall(r"https?://[^\s<&]+", html)) <= {"http://evil.example/x.js", "http://evil.example/"}


def test_what_reports_say_is_text(html):
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_ids_are_there_once_and_every_reference_has_its_target(html):
    attributes = Reader(html).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for _, name, value in attributes if name == "href" and value.startswith("#")}
    targets |= {found for _, _, value in attributes for found in re.findall(r"url\(#([^)]+)\)", value)}
    targets |= {value for _, name, value in attributes if name == "aria-labelledby"}
    assert targets <= set(ids)


def test_tables_can_be_read_aloud(html):
    reader = Reader(html)
    assert html.count("<th ") == len(re.findall(r'<th [^>]*scope="(?:row|col)"', html))
    drawings = reader.tags.count("svg")
    assert drawings == sum((tag, name, value) == ("svg", "role", "img") for tag, name, value in reader.attributes)
    assert drawings == sum(tag == "svg" and name == "aria-label" and value != ""
                           for tag, name, value in reader.attributes)


def test_plots_tables_and_marks_are_there(html):
    text = " ".join("".join(Reader(html).texts).split())
    for title in ("Share of the board", "LUTs, layer by layer", "Latency, layer by layer", "Accuracy against cost",
                  "Roofline", "Memory blocks of 18 kbit, layer by layer"):
        assert title in text
    assert html.count("<svg") == 8
    assert "other source, not compared" in text
    assert "C-synthesis, Vitis HLS 2024.2" in text
    assert "+23 %".replace(" ", "\N{NO-BREAK SPACE}") in html
    # No placeholder colour is left, so that all of them follow light and dark.
    assert not re.search(r"#0[14]0[25]0[36]|#0a0b", html)
    assert "mathdefault" not in html


def test_many_designs_are_told_by_number():
    many = compare([full(f"d{i}", lut=1_000 * i + 5, cycles=100 * (30 - i)) for i in range(12)])
    other = design("other", board="kv260")
    html = page(compare([*many.designs, other]))
    assert "Board: zcu104 (12), kv260 (1)" in html
    assert "12. d11" in re.sub(r"<wbr>|</?th[^>]*>|<span class=.swatch[^>]*></span>", "", html)
    Reader(html)


def test_reports_with_next_to_nothing_make_a_page():
    Reader(page(compare([design("a")])))
    Reader(page(compare([design("a", [figure(names.LUT, 0)]), design("b")])))


def test_csv_has_every_figure_with_unit_source_and_tool(comparison):
    rows = list(csv.DictReader(io.StringIO(tables.csv_text(comparison))))
    of_designs = [row for row in rows if not row["layer"]]
    assert len(of_designs) == sum(len(each.report.figures) for each in comparison.designs)
    assert all(row["unit"] and row["source"] and row["tool"] for row in rows)
    (row,) = [row for row in rows if row["design"] == NASTY and row["figure"] == "lut" and not row["layer"]]
    assert (row["value"], row["baseline"], float(row["change"])) == ("12345", "10000", 0.2345)


def test_json_says_the_same(comparison):
    value = tables.json_value(comparison)
    assert value["baseline"] == "old"
    assert len(value["figures"]) == tables.csv_text(comparison).count("\n") - 1


def test_markdown_shows_names_as_they_are(comparison):
    text = tables.markdown(comparison)
    assert set(re.findall(r"(?<!\\)</?\w+", text)) == {"<details", "</details", "<summary", "</summary"}
    assert "| LUT |" in text
    assert "≠" in text
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| LUT")}
    assert widths == {len(comparison.designs) + 3}
