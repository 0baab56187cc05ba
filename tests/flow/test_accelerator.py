"""The whole flow without vendor tools: bad input, caching, parts of it, and runs that were killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.flow import verify
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.hls.testbench import read_values
from tests.builders import Net, small_unet

PART = "xc7z020clg400-1"


def options(folder, **changes):
    return {"part": PART, "name": "net", "toolchain": "none", "images": 2, "projects": folder / "projects",
            "reports": folder / "reports"} | changes


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with all that shells, make, Tcl and C read as something else, and a network in it."""
    folder = tmp_path_factory.mktemp("a b; $(exit 3) 'c' \"d\" #%\n\\größe ??'")
    (folder / "the net.onnx").write_bytes(small_unet().proto("t16").SerializeToString())
    np.save(folder / "some images.npy", np.random.default_rng(0).uniform(-0.5, 2.5, (2, 2, 4, 6)))
    return folder


@pytest.fixture(scope="module")
def made(home):
    return generate_accelerator(home / "the net.onnx", **options(home, data=home / "some images.npy"))


def test_zero_values_differ_and_everything_is_there(home, made):
    assert made.differing == 0
    assert sum(check.values for check in made.checks) > 0
    assert made.report_path == home / "reports" / "net.json"
    assert json.loads(made.report_path.read_text())["name"] == "net"
    assert made.report.asked == {"toolchain": "none", "images": 2, "data": "some images.npy"}
    assert (made.project / "firmware" / "net.cpp").is_file()
    assert not any(outcome.cached for outcome in made.outcomes)


def test_a_second_run_does_nothing(home, made):
    before = made.report_path.read_bytes()
    again = generate_accelerator(home / "the net.onnx", **options(home, data=home / "some images.npy"))
    assert all(outcome.cached for outcome in again.outcomes)
    assert again.report_path.read_bytes() == before
    assert again.checks == made.checks


def test_from_and_to(home, made):
    part = generate_accelerator(home / "the net.onnx", **options(home, data=home / "some images.npy", first="csim",
                                                                 last="csim"))
    assert [(outcome.step.name, outcome.cached) for outcome in part.outcomes] == [
        ("export", True), ("ingest", True), ("project", True), ("csim", False)]
    early = generate_accelerator(home / "the net.onnx", **options(home, last="ingest"))
    assert early.report is None
    assert early.checks == ()


def test_images_by_themselves_leave_the_same_checks_and_files(home, made, monkeypatch):
    bench = made.project / "tb_data"
    before = {path.name: read_values(path).tolist() for path in bench.iterdir()}
    monkeypatch.setattr(verify, "_AT_A_TIME", 1)
    again = generate_accelerator(home / "the net.onnx", **options(home, data=home / "some images.npy", first="csim",
                                                                  last="csim"))
    assert again.checks == made.checks
    assert {path.name: read_values(path).tolist() for path in bench.iterdir()} == before
    assert [len(values) for values in before.values()] == [2, 2, 2]


def test_a_board_of_ones_own_is_named_in_the_report_as_its_file_is(home, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({
        "title": "My own", "family": "xc7", "part": "xc7a200tfbg484-1", "clock_ns": 8, "resources": {"dsp": 740}}))
    found = generate_accelerator(home / "the net.onnx", **options(
        tmp_path, part=None, board=str(tmp_path / "mine.json"), last="project")).report.target
    assert (found.board, found.part, found.clock_ns) == ("mine", "xc7a200tfbg484-1", 8)


def test_a_run_killed_in_the_c_simulation_resumes_with_the_same_result(home, made, tmp_path):
    code = ("import sys, pathlib; from quantunet_hls import generate_accelerator as g; f = pathlib.Path(sys.argv[2]);"
            f"g(sys.argv[1], part={PART!r}, name='net', toolchain='none', images=2, data=sys.argv[3], "
            "projects=f / 'projects', reports=f / 'reports')")
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, home / "the net.onnx", tmp_path,
                                home / "some images.npy"], start_new_session=True)
    try:
        log, end = tmp_path / "projects" / "net" / "project" / "build" / "compile.log", time.monotonic() + 120
        while not log.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        with pytest.raises(QuantUNetError, match="Another run is at work"):
            generate_accelerator(home / "the net.onnx", **options(tmp_path))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "projects" / "net" / "csim.json").exists()
    resumed = generate_accelerator(home / "the net.onnx", **options(tmp_path, data=home / "some images.npy"))
    assert [outcome.cached for outcome in resumed.outcomes] == [True] * 3 + [False] * (len(STEPS) - 3)
    assert resumed.checks == made.checks


@pytest.mark.parametrize(("changes", "message"), [
    ({"part": None}, "board of the catalogue or a part"),
    ({"board": "zcu104"}, "one of the two"),
    ({"part": None, "board": "zcu105"}, "no board named 'zcu105'.*zcu104"),
    ({"clock_ns": 0}, "clock period of 0 ns"),
    ({"clock_ns": float("nan")}, "clock period of nan ns"),
    ({"multiplier_budget": 0}, "budget of 0 multipliers"),
    ({"toolchain": "quartus"}, "no tool chain named 'quartus'"),
    ({"stages": ("fly",)}, "fly"),
    ({"first": "fly"}, "no step named 'fly'"),
    ({"first": "csim", "last": "export"}, "swap --from and --to"),
    ({"input_shape": (2, 4, 6)}, "fixes its own image size"),
    ({"images": 0}, "at least 1 image"),
    ({"data": "gone"}, "gone"),
])
def test_bad_arguments_are_refused_in_one_sentence(home, changes, message):
    with pytest.raises(QuantUNetError, match=message) as caught:
        generate_accelerator(home / "the net.onnx", **options(home, **changes))
    assert "\n" not in str(caught.value).replace(str(home), "")


@pytest.mark.parametrize("place", ["projects", "reports"])
def test_a_file_where_a_folder_must_be(home, made, tmp_path, place):
    (tmp_path / "file").touch()
    changes = {place: tmp_path / "file" / "inner"}
    with pytest.raises(QuantUNetError, match=r"file/inner.* can't be"):
        generate_accelerator(home / "the net.onnx", **options(home, data=home / "some images.npy", last=(
            "export" if place == "projects" else None), **changes))


def test_a_full_disk_leaves_no_half_written_file(home, tmp_path):
    code = ("import resource, sys, pathlib; from quantunet_hls import generate_accelerator as g;"
            "from quantunet_hls.core.errors import QuantUNetError; f = pathlib.Path(sys.argv[2]);"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            "try:\n"
            f"    g(sys.argv[1], part={PART!r}, name='net', toolchain='none', projects=f, reports=f)\n"
            "except QuantUNetError as error:\n"
            "    print(error)\n")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, home / "the net.onnx", tmp_path],
                          capture_output=True, text=True, check=False)
    assert "can't be written" in done.stdout
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.part"))
    assert not (tmp_path / "net" / "network.onnx").exists()


def test_odd_names_shared_weights_and_a_layer_of_zeros_come_out_exact(tmp_path):
    net = Net((1, 2, 1, 3))
    weights = net.weights((2, 2, 3, 3))
    first = net.conv(net.quant("x", name="int"), 2, weights=weights, name="a b'c\"d")
    second = net.conv(net.quant(net.relu(first, name="Class"), name="class"), 2, weights=weights, name="größe")
    joined = net.quant(net.relu(second, name="input"), name="input_t")
    zeros = net.conv(net.concat(joined, joined), 2, values=np.zeros((2, 4, 3, 3)), bias=[0, 0], name="9 lives")
    net.quant(zeros, signed=1, name="result_t")
    (tmp_path / "odd.onnx").write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())
    made = generate_accelerator(tmp_path / "odd.onnx", **options(tmp_path, name=None, last="csim"))
    assert made.differing == 0
    assert made.name == "odd_xc7z020clg400_1"


def state(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_folder_that_is_somebody_elses_is_left_as_it_is(home, tmp_path):
    theirs = tmp_path / "projects" / "net"
    (theirs / "project" / "inner").mkdir(parents=True)
    (theirs / "project" / "inner" / "thesis.tex").write_text("mine")
    (theirs / "folding.json").write_text("mine")
    before = state(tmp_path)
    with pytest.raises(ConfigurationError, match=r"net holds files that are not quantunet-hls's, such as "):
        generate_accelerator(home / "the net.onnx", **options(tmp_path))
    assert state(tmp_path) == before


@pytest.mark.parametrize("text", ["mine", "{}", '{"name": "net"}'])
def test_a_report_that_is_somebody_elses_is_told_before_anything_runs(home, tmp_path, text):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "net.json").write_text(text)
    before = state(tmp_path)
    with pytest.raises(ConfigurationError, match=r"net\.json is no report of quantunet-hls and would be overwritten"):
        generate_accelerator(home / "the net.onnx", **options(tmp_path))
    assert state(tmp_path) == before


def test_the_folder_of_an_earlier_versions_design_is_taken_over(home, tmp_path):
    design = tmp_path / "projects" / "net"
    design.mkdir(parents=True)
    (design / ".lock").touch()
    (design / "network.onnx").write_text("an earlier version's")
    (design / "steps.json").write_text('{"export": {"key": "0", "outputs": {"network.onnx": "0"}}}')
    made = generate_accelerator(home / "the net.onnx", **options(tmp_path, last="export"))
    assert not made.outcomes[0].cached
    assert (design / ".quantunet-hls.json").is_file()


@pytest.mark.parametrize("link", [".", "project", "rtl", "steps.json"])
def test_nothing_is_written_through_a_link(home, tmp_path, link):
    theirs, design = tmp_path / "theirs", tmp_path / "projects" / "net"
    theirs.mkdir()
    (theirs / "file").write_text("mine")
    if link == ".":
        design.parent.mkdir()
        design.symlink_to(theirs)
    else:
        generate_accelerator(home / "the net.onnx", **options(tmp_path, last="export"))
        (design / link).unlink(missing_ok=True)
        (design / link).symlink_to(theirs)
    with pytest.raises(ConfigurationError, match="is a symbolic link"):
        generate_accelerator(home / "the net.onnx", **options(tmp_path))
    assert state(theirs) == {"file": b"mine"}


def unprivileged():
    """What makes a command obey permissions even if we may do everything."""
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


PLACES = [(0o555, "projects"), (0o555, "projects/net"), (0o000, "projects/net"), (0o000, "projects/net/project"),
          (0o555, "reports")]

# Runs the flow in folders that are shut, one after the other, and prints what it is told.
_SHUT = """
import sys
from pathlib import Path
from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import QuantUNetError
for number, (mode, where) in enumerate(PLACES):
    folder = Path(sys.argv[2], str(number))
    (folder / where).chmod(mode)
    try:
        generate_accelerator(sys.argv[1], part=PART, name='net', toolchain='none', projects=folder / 'projects',
                             reports=folder / 'reports')
    except QuantUNetError as error:
        print(error)
    finally:
        (folder / where).chmod(0o755)
"""


def test_a_folder_that_can_not_be_written_or_read_is_one_sentence(tmp_path):
    net = tmp_path / "net.onnx"
    net.write_bytes(small_unet().proto("t16").SerializeToString())
    for number, (_, where) in enumerate(PLACES):
        folder = tmp_path / str(number)
        if where != "projects":
            generate_accelerator(net, **options(folder, last="project"))
        (folder / where).mkdir(parents=True, exist_ok=True)
    before = state(tmp_path)
    code = _SHUT.replace("PLACES", repr(PLACES)).replace("PART", repr(PART))
    done = subprocess.run([*unprivileged(), sys.executable, "-W", "ignore", "-c", code, net, tmp_path],
                          stdout=subprocess.PIPE, text=True, check=True)
    sentences = done.stdout.splitlines()
    assert len(sentences) == len(PLACES)
    for number, (sentence, (_, where)) in enumerate(zip(sentences, PLACES, strict=True)):
        assert str(tmp_path / str(number) / where) in sentence
        assert sentence.endswith(".")
    assert state(tmp_path) == before
