"""The package as others get it: wheel and source distribution, installed in a fresh environment, far from here."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]
_BUILD = ("import sys; from setuptools import build_meta; "
          "getattr(build_meta, 'build_' + sys.argv[1])(sys.argv[2])")
_LEFT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs")


def left_by_others(folder: str, names: list[str]) -> set[str]:
    """What tools and earlier runs leave in a source tree, and git ignores."""
    if Path(folder) in (_ROOT / "hls_projects", _ROOT / "reports"):
        return set(names) - {"README.md", "reference"}
    return _LEFT(folder, names)


def run(*command: object, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Built:
    """The distributions, and the source tree that they were built from."""

    tree: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("a path with spaces")
    tree = folder / "source tree"
    shutil.copytree(_ROOT, tree, ignore=left_by_others)
    for kind in ("sdist", "wheel"):
        run(sys.executable, "-c", _BUILD, kind, folder, cwd=tree)
    return Built(tree, next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")))


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the wheel, and somewhere else to work in."""

    site: Path
    commands: Path
    here: Path
    environment: dict[str, str]

    def __call__(self, *arguments: object) -> str:
        """What the installed command prints."""
        return run(self.commands / "quantunet-hls", *arguments, cwd=self.here, env=self.environment)

    def python(self, *arguments: object) -> str:
        return run(self.commands / "python", *arguments, cwd=self.here, env=self.environment)

    def files(self) -> dict[str, int]:
        return {str(file.relative_to(self.site)): file.stat().st_mtime_ns for file in self.site.rglob("*")}


def fresh_environment(folder: Path, distribution: Path) -> Installed:
    """A virtual environment whose packages, but for ours, are those that the tests run with."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "fresh")
    site = next((folder / "fresh" / "lib").glob("python*")) / "site-packages"
    # Its own folder comes first, and links of editable installations are not followed from such a list.
    elsewhere = [path for path in sys.path if path.endswith("-packages")]
    (site / "others.pth").write_text("".join(f"{path}\n" for path in elsewhere))
    # Not an upgrade of what those folders may have.
    run(sys.executable, "-m", "pip", "--python", folder / "fresh" / "bin" / "python", "install", "--no-deps",
        "--no-index", "--no-build-isolation", "--no-compile", "--ignore-installed", distribution)
    home = folder / "home"
    here = folder / "far from it"
    for made in (home, here):
        made.mkdir()
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    environment = kept | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    return Installed(site, folder / "fresh" / "bin", here, environment)


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    environment = fresh_environment(tmp_path_factory.mktemp("installed"), built.wheel)
    before = environment.files()
    for folder in (environment.site, *(file for file in environment.site.rglob("*") if file.is_dir())):
        folder.chmod(0o555)
    yield environment
    for folder in (environment.site, *(file for file in environment.site.rglob("*") if file.is_dir())):
        folder.chmod(0o755)
    # Permissions don't stop root.
    assert environment.files() == before, "something wrote into the installed packages"


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_file_of_the_package_and_the_zoo_is_in_the_wheel(built):
    files = content(built.wheel)
    for folder, place in (("quantunet_hls", "quantunet_hls"), ("model_zoo", "quantunet_hls/model_zoo")):
        here = {f"{place}/{file.relative_to(_ROOT / folder)}": file.read_bytes()
                for file in (_ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts}
        assert len(here) > 30
        assert here.items() <= files.items()
    assert all(name.startswith(("quantunet_hls/", "quantunet_hls-")) for name in files)


def test_the_source_distribution_is_whole_and_builds_the_same_wheel(built, tmp_path):
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path / "from it", filter="data")
    unpacked = next((tmp_path / "from it").iterdir())
    ours = {str(file.relative_to(built.tree)) for file in built.tree.rglob("*")
            if file.is_file() and not any(part.endswith(".egg-info") or part == "build" for part in file.parts)}
    assert ours <= {str(file.relative_to(unpacked)) for file in unpacked.rglob("*")}
    run(sys.executable, "-c", _BUILD, "wheel", tmp_path, cwd=unpacked)
    assert content(tmp_path / built.wheel.name) == content(built.wheel)


def test_what_is_imported_is_the_installed_package(installed):
    where = installed.python("-c", "import quantunet_hls; print(quantunet_hls.__file__)").strip()
    assert Path(where) == installed.site / "quantunet_hls" / "__init__.py"
    backend = installed.python("-c", "from importlib.metadata import entry_points as found\n"
                                     "print(*found(group='hls4ml.backends', name='streaming_rtl'))")
    assert "quantunet_hls.rtl.backend" in backend


def test_the_zoo_is_there(installed):
    shown = installed("zoo")
    assert "18 networks" in shown
    assert "brain_tumor_w4a6_b8d3" in shown
    assert str(Path(installed.environment["HOME"]) / ".local" / "share") in shown


def test_doctor_finds_the_zoo_and_no_version_that_the_package_refuses(installed):
    findings = {each["name"]: each for each in json.loads(installed("doctor", "--json"))}
    assert findings["zoo"]["where"] == str(installed.site / "quantunet_hls" / "model_zoo")
    assert not any("this package needs" in each["warning"] for each in findings.values())


def test_the_boards_are_there(installed):
    assert "zcu104" in installed("boards")


def test_two_reports_are_compared_on_a_page(installed):
    reports = sorted((_ROOT / "reports" / "reference").glob("brain_tumor_w4a6_b8d3_*.json"))
    assert len(reports) == 2
    shown = installed("compare", *reports, "-o", "page.html")
    assert "LUT" in shown
    assert (installed.here / "page.html").read_text().startswith("<!doctype html>")


def test_the_module_is_the_command(installed):
    assert installed.python("-m", "quantunet_hls", "--version") == installed("--version")
    assert "recipe" in installed.python("-m", "quantunet_hls", "train", "--help")


@pytest.mark.slow
def test_the_first_command_of_the_readme_simulates_exactly(installed):
    shown = installed("csim", "brain_tumor_w4a6_b8d3", "--size", "1", "16", "24", "--images", "1")
    assert "C-simulation" in shown
    report = json.loads(next(installed.here.glob("hls_projects/*/csim.json")).read_text())
    assert any(check["candidate"] == "C-simulation" and check["layer"] is None for check in report["checks"])
    assert not any(check["differing"] for check in report["checks"])


@pytest.mark.slow
def test_a_checkpoint_is_loaded_by_its_name_from_an_empty_folder(installed, tmp_path):
    installed.python("-c", "import os, sys; os.chdir(sys.argv[1])\n"
                           "from quantunet_hls.zoo import checkpoints\n"
                           "net, card = checkpoints.load('brain_tumor_w4a6_b8d3')\n"
                           "assert sum(value.numel() for value in net.parameters()) > 130_000\n"
                           "assert [verdict for verdict in checkpoints.verify() if verdict.problem] == []", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_pip_installs_the_source_distribution_from_a_path_with_spaces(built, tmp_path):
    assert " " in str(built.sdist)
    other = fresh_environment(tmp_path, built.sdist)
    assert "18 networks" in other("zoo")
