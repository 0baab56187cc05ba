import json

import pytest

from quantunet_hls import cli
from quantunet_hls.reports import names
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
