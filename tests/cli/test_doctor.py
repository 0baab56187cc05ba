import json

import pytest
from click.testing import CliRunner

from quantunet_hls.cli import doctor as command
from quantunet_hls.flow.doctor import Finding

FINDINGS = (
    Finding("g++", "C-simulation", "/somewhere/g++", "12.2.0"),
    Finding("vivado", "RTL synthesis", remedy="install it"),
    Finding("onnx", "graphs", "/somewhere/onnx", "1.23.2", warning="tested with 1.21.0"),
)


@pytest.fixture(autouse=True)
def findings(monkeypatch):
    monkeypatch.setattr(command, "examine", lambda: FINDINGS)


def test_the_table_says_what_is_here_what_is_not_and_what_is_amiss():
    result = CliRunner().invoke(command.doctor, env={"COLUMNS": "80"})
    assert result.exit_code == 0
    lines = {line.split()[1]: line for line in result.output.splitlines() if line.startswith("│")}
    assert "12.2.0" in lines["g++"]
    assert "here" in lines["g++"]
    assert "not here; install it" in lines["vivado"]
    assert "tested with 1.21.0" in lines["onnx"]


def test_json():
    found = json.loads(CliRunner().invoke(command.doctor, ["--json"]).output)
    assert [(each["name"], each["found"]) for each in found] == [("g++", True), ("vivado", False), ("onnx", True)]
