import io
import re
import time

from rich.console import Console

from quantunet_hls.cli.progress import Progress


def test_a_log_gets_a_line_whenever_none_has_come_for_a_while():
    log = io.StringIO()
    with Progress(Console(file=log, width=80), "Loading", pulse_s=0.2) as progress:
        time.sleep(0.5)
        progress.begin("Mapping")
        progress.line("mapped one")
        time.sleep(0.5)
    lines = log.getvalue().splitlines()
    at = lines.index("mapped one")
    assert at >= 1
    assert all(re.fullmatch(r"  Loading: \d+ s", line) for line in lines[:at])
    assert len(lines) > at + 1
    assert all(re.fullmatch(r"  Mapping: \d+ s", line) for line in lines[at + 1:])


def test_a_log_in_which_lines_come_gets_no_others():
    log = io.StringIO()
    with Progress(Console(file=log, width=80), "Loading", pulse_s=5) as progress:
        for number in range(3):
            progress.line(f"line {number}")
    assert log.getvalue() == "line 0\nline 1\nline 2\n"


def test_on_a_terminal_something_moves_and_no_line_is_added():
    screen = io.StringIO()
    with Progress(Console(file=screen, width=80, force_terminal=True), "Loading", pulse_s=0.1) as progress:
        time.sleep(0.4)
        progress.line("done")
    assert "Loading" in screen.getvalue()
    assert not re.search(r"Loading: \d+ s", screen.getvalue())
