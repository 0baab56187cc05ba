import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.printable import csv_cell, cut, markdown_text, printable

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
def test_nothing_is_left_that_a_terminal_obeys_and_all_can_be_written(text):
    shown = printable(text)
    assert not [char for char in shown if ord(char) < 32 or 127 <= ord(char) < 160]
    shown.encode()


@pytest.mark.parametrize(("text", "shown"), [
    ("a\x1b[31mred\x1b]0;title\x07", r"a\x1b[31mred\x1b]0;title\x07"),
    ("one\ntwo\r\x9b", r"one\ntwo\r\x9b"),
    ("user\u202etxt.exe\u200b", r"user\u202etxt.exe\u200b"),
    ("\ud800", r"\ud800"),
    ("höhe µs −5\N{NO-BREAK SPACE}% 網", "höhe µs −5\N{NO-BREAK SPACE}% 網"),
])
def test_what_is_not_seen_is_shown_as_its_escape(text, shown):
    assert printable(text) == shown
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@given(st.text(max_size=5000), st.integers(8, 3000))
def test_a_message_is_cut_in_its_middle(text, most):
    short = cut(text, most)
    assert len(short) <= most + 50
    assert short == text if len(text) <= most else (short[:most // 2] == text[:most // 2] and "left out" in short)
    assert short.endswith(text[-(most // 4):])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =cmd|' /C calc'!A0", "＝1", "\r=1",
                                  "=\x1b"])
def test_no_cell_is_computed(text):
    cell = csv_cell(text)
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow([cell])
    (read,) = next(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert read.lstrip()[0] not in "=+-@\t\r＝"


@pytest.mark.parametrize("value", [-0.871, 5, None, "conv_1", "a=b", "1-2"])
def test_other_cells_are_as_they_are(value):
    assert csv_cell(value) == value


def test_markdown_has_neither_markup_nor_links():
    assert markdown_text("a|b\n<img> [x](y) @me &lt;") == r"a\|b \<img\> \[x\](y) \@me \&lt;"
    assert markdown_text("https://evil.example www.evil.example") == r"https\://evil.example www\.evil.example"
    assert markdown_text("\x1b[2J") == r"\\x1b\[2J"
