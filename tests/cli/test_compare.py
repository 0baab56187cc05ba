import csv
import io
import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from quantunet_hls import cli
from quantunet_hls.reports import Source, Subject, names
from tests.compare.builders import figure, report


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["compare", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return ended.value.code, out, err


@pytest.fixture
def pair(tmp_path):
    report("old", [figure(names.LUT, 1_000), figure(names.DSP, 4)]).save(tmp_path / "old.json")
    report("new", [figure(names.LUT, 1_060), figure(names.DSP, 4)]).save(tmp_path / "new.json")
    return tmp_path / "old.json", tmp_path / "new.json"


def test_a_table(capsys, pair):
    code, out, _ = run(capsys, *pair)
    assert code == 0
    line = next(line for line in out.splitlines() if "LUT" in line)
    assert "mapped" in line
    assert line.split()[-2:] == ["1,060", "+6\N{NO-BREAK SPACE}%"] or "+6" in line


def test_a_gate(capsys, pair):
    code, _, err = run(capsys, *pair, "--fail-if", "lut>+5%", "--fail-if", "dsp>+0", "--fail-if", "lut>1059")
    assert code == 1
    assert [line.split(": ")[:2] for line in err.splitlines()] == [["Failed", "lut>+5%"], ["Failed", "lut>1059"]]
    assert run(capsys, *pair, "--fail-if", "lut>+6%", "--fail-if", "dsp>+0")[0] == 0
    assert run(capsys, *pair, "--baseline", "new", "--fail-if", "lut>+0")[0] == 0


@pytest.mark.parametrize("arguments", [
    ["--fail-if", "lut>>5"], ["--fail-if", "latency_cycles>5"], ["-o", "page.pdf"], ["--baseline", "nobody"],
    ["absent.json"],
])
def test_a_mistake_is_one_sentence_and_exit_code_two(capsys, pair, arguments):
    code, _, err = run(capsys, *pair, *arguments)
    assert code == 2
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_files_of_every_form(capsys, pair, tmp_path):
    code, out, _ = run(capsys, *pair, "--markdown", tmp_path / "a.md", "--csv", tmp_path / "a.csv",
                       "--json", tmp_path / "a.json", "--html", tmp_path / "a.html", "-o", tmp_path / "b.html",
                       "-o", tmp_path / "b.json", "--fail-if", "lut>+5%")
    assert code == 1
    # They are written before the gate closes: a failure is when one wants to look at them.
    assert (tmp_path / "a.html").read_text() == (tmp_path / "b.html").read_text()
    assert json.loads((tmp_path / "b.json").read_text())["rules"][0]["violated"] is True
    assert "failed" in (tmp_path / "a.md").read_text()
    assert (tmp_path / "a.csv").read_text().count("\n") == 5
    assert str(tmp_path / "a.csv") in out.replace("\n", "")


HOSTILE = "=HYPERLINK(1)\x1b[2J\x1b]0;owned\x07[red]\u202e|<b>"


@pytest.fixture
def hostile(tmp_path):
    found = report(HOSTILE, [figure(names.LUT, 1, tool=HOSTILE, version=HOSTILE),
                             figure(names.LUT, 2, Source.ESTIMATE, HOSTILE, subject=Subject.CPP)],
                   {HOSTILE: [figure(names.LUT, 1, tool=HOSTILE)]}, tools={HOSTILE: HOSTILE})
    found = replace(found, network=replace(found.network, name=HOSTILE), target=replace(found.target, board=HOSTILE))
    found.save(tmp_path / "hostile.json")
    return tmp_path / "hostile.json"


def test_no_name_in_a_report_is_obeyed_in_any_form(capsys, pair, hostile, tmp_path):
    arguments = [hostile, pair[0], "--fail-if", "lut>+5%", "--baseline", HOSTILE]
    forms = [tmp_path / f"out.{suffix}" for suffix in ("md", "csv", "json", "html")]
    for form in forms:
        arguments += ["-o", form]
    code, out, err = run(capsys, *arguments, "--all")
    assert code == 1
    for text in (out, err, run(capsys, *[hostile] * 6)[1], *(form.read_text() for form in forms)):
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert r"\x1b[2J" in out
    assert r"\x1b[2J" in err
    assert "[red]" in out
    assert "<b>" not in forms[3].read_text()
    for row in csv.reader(io.StringIO(forms[1].read_text())):
        assert not [cell for cell in row if cell.startswith("=")]
    # JSON is exact.
    assert json.loads(forms[2].read_text())["designs"][0]["label"] == HOSTILE
    code, _, err = run(capsys, hostile, "--baseline", "nobody\x1b[2J")
    assert code == 2
    assert "\x1b" not in err


@pytest.mark.parametrize("suffix", ["json", "md", "csv", "html"])
@pytest.mark.parametrize("how", ["the same", "a link", "a hard link", "another spelling"])
def test_no_report_that_is_read_is_overwritten(capsys, tmp_path, suffix, how):
    path = tmp_path / f"old.{suffix}"
    report("old", [figure(names.LUT, 1)]).save(path)
    before = path.read_bytes()
    output = tmp_path / f"new.{suffix}"
    if how == "a link":
        output.symlink_to(path)
    elif how == "a hard link":
        output.hardlink_to(path)
    else:
        output = path if how == "the same" else tmp_path / ".." / tmp_path.name / path.name
    code, _, err = run(capsys, path, "-o", output)
    assert (code, err.count("\n")) == (2, 1)
    assert "is one of the files that are read" in err
    assert path.read_bytes() == before
    assert not output.is_symlink() or how == "a link"


def test_only_an_earlier_comparison_is_overwritten(capsys, pair, tmp_path):
    outputs = [part for suffix in ("json", "md", "csv", "html") for part in ("-o", tmp_path / f"out.{suffix}")]
    assert run(capsys, *pair, *outputs)[0] == 0
    assert run(capsys, *pair, *outputs)[0] == 0
    third = tmp_path / "third.json"
    report("third", [figure(names.LUT, 5)]).save(third)
    before = third.read_bytes()
    code, _, err = run(capsys, *pair, "-o", third)
    assert code == 2
    assert "was not written by this command" in err
    assert third.read_bytes() == before


@pytest.mark.parametrize(("place", "value"), [
    (("figures", 0, "value"), 10**400), (("figures", 0, "value"), math.inf), (("figures", 0, "value"), math.nan),
    (("figures", 0, "value"), -math.inf), (("figures", 0, "available"), 10**400), (("network", "macs"), 10**400),
    (("figures", 0, "tool"), "\ud800"), (("name",), "\udfff"), (("layers", 0, "name"), "a\udc00b"),
])
def test_a_number_or_a_character_that_is_none_is_one_sentence(capsys, tmp_path, place, value):
    good = report("a", [figure(names.LUT, 5)], {"conv": [figure(names.LUT, 5)]}).to_dict()
    member = good
    for key in place[:-1]:
        member = member[key]
    member[place[-1]] = value
    (tmp_path / "bad.json").write_text(json.dumps(good))
    code, _, err = run(capsys, tmp_path / "bad.json", "-o", tmp_path / "out.html")
    assert (code, err.count("\n")) == (2, 1)
    assert len(err) < 1000


@pytest.mark.parametrize("value", [1e30, 1e-30, -1e30, 0])
def test_the_largest_and_the_smallest_figures_are_compared(capsys, tmp_path, value):
    pair = []
    for name, number in (("old", value), ("new", 1e30)):
        pair.append(tmp_path / f"{name}.json")
        report(name, [figure(names.LUT, number, available=value), figure(names.INTERVAL_CYCLES_MAX, number),
                      figure(names.FRAME_BITS, number), figure(names.FRAMES_PER_S, number)],
               {"conv": [figure(names.LUT, number)]}).save(pair[-1])
    outputs = [part for suffix in ("json", "md", "csv", "html") for part in ("-o", tmp_path / f"out.{suffix}")]
    assert run(capsys, *pair, *outputs, "--fail-if", "lut>+5%")[0] in (0, 1)


def apart(*arguments, **streams):
    command = [sys.executable, "-c", "from quantunet_hls.cli import main; main()", "compare", *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **streams)


def test_a_report_of_version_1_is_read_and_what_is_assumed_is_said(pair, tmp_path):
    value = json.loads(pair[0].read_text()) | {"version": 1}
    for of_design in value["figures"]:
        del of_design["subject"]
    (tmp_path / "v1.json").write_text(json.dumps(value))
    ended = apart(tmp_path / "v1.json", pair[1], "--fail-if", "lut>+7%", stdout=subprocess.PIPE)
    assert ended.returncode == 0
    assert "Assumed by its tool: RTL (yosys)." in " ".join(ended.stderr.split())
    assert "RTL, mapped" in ended.stdout


def test_what_can_not_be_printed_is_one_sentence(pair):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ended = apart(*pair, stdout=full)
    assert (ended.returncode, ended.stderr) == (
        2, "Error: The output can't be written (No space left on device); free some space or write elsewhere.\n")


@pytest.mark.parametrize("columns", [200, 80, 40, 24])
def test_no_figure_is_cut_on_a_narrow_screen(capsys, monkeypatch, tmp_path, columns):
    paths = []
    for i in range(6):
        paths.append(tmp_path / f"a_design_with_quite_a_long_name_{i}.json")
        report(paths[-1].stem, [figure(names.LUT, 230_000 + i, available=230_400),
                                figure(names.INTERVAL_CYCLES_MAX, 1_234_500 + i)]).save(paths[-1])
    monkeypatch.setenv("COLUMNS", str(columns))
    for count in (2, 4, 6):
        _, out, _ = run(capsys, *paths[:count])
        assert "…" not in out
        for i in range(count):
            assert f"{230_000 + i:,}" in out
            assert f"{1_234_500 + i:,}" in out
    monkeypatch.delenv("COLUMNS")
    # A file has no width: whatever the table's is, a line of it is a row.
    _, out, _ = run(capsys, *paths[:4])
    assert all(f"{230_000 + i:,}" in next(line for line in out.splitlines() if "LUT" in line) for i in range(4))
