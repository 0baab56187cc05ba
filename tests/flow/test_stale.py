"""What changes what comes out is made anew, and nothing else is: board files, data beside a network, tools, code."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
from onnx import TensorProto

import quantunet_hls
from quantunet_hls import generate_accelerator
from quantunet_hls.core import code_key as keys
from quantunet_hls.core.code_key import code_key
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.reports import names
from quantunet_hls.sweep.grid import grid_of
from tests.builders import small_unet

PACKAGE = Path(quantunet_hls.__file__).parent


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(small_unet().proto("t16").SerializeToString())
    return path


def made(network, board, **options):
    folder = network.parent
    return generate_accelerator(network, str(board), name="net", toolchain="none", images=1,
                                projects=folder / "projects", reports=folder / "reports", **options)


def steps_done(accelerator):
    return [outcome.step.name for outcome in accelerator.outcomes if not outcome.cached]


def copy_of_board(folder, **resources):
    facts = json.loads((PACKAGE / "boards" / "zcu104.json").read_text())
    facts["resources"] |= resources
    (folder / "own.json").write_text(json.dumps(facts))
    return folder / "own.json"


def test_a_board_file_that_changes_is_another_board(network, tmp_path):
    before = made(network, copy_of_board(tmp_path), last="project")
    assert steps_done(made(network, copy_of_board(tmp_path), last="project")) == []
    after = made(network, copy_of_board(tmp_path, dsp=4), last="project")
    assert steps_done(after) == ["project"]
    few, many = (one.report.figure(names.MULTIPLIERS).value for one in (after, before))
    assert few < many


def with_data_beside(path, value):
    proto = small_unet().proto("t16")
    tensor = next(tensor for tensor in proto.graph.initializer if tensor.name.startswith("w"))
    (path.parent / "data.bin").write_bytes(bytes([tensor.raw_data[0] ^ value]) + tensor.raw_data[1:])
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="data.bin")
    path.write_bytes(proto.SerializeToString())


def test_a_network_whose_data_beside_it_changes_is_another_network(network):
    with_data_beside(network, 0)
    first = made(network, "zcu104", last="ingest")
    assert steps_done(made(network, "zcu104", last="ingest")) == []
    exported = (first.folder / "network.onnx").read_bytes()
    (job,) = grid_of({"models": [str(network)], "boards": ["zcu104"]}).jobs(network.parent, network.parent)
    with_data_beside(network, 1)
    assert "export" in steps_done(made(network, "zcu104", last="ingest"))
    assert (first.folder / "network.onnx").read_bytes() != exported
    (other,) = grid_of({"models": [str(network)], "boards": ["zcu104"]}).jobs(network.parent, network.parent)
    assert other.key != job.key


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of this package's sources, which the keys are made of in place of those that run."""
    folder = tmp_path / "package" / "quantunet_hls"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(keys, "_FOLDER", folder)
    # Every test changes few of the files; the others need not be read again.
    whole = keys._read.__wrapped__
    read = cache(lambda path, size: whole(path))
    monkeypatch.setattr(keys, "_read", lambda path: read(path, path.stat().st_size))
    forget_code()
    yield folder
    forget_code()


def forget_code():
    for cached in (keys._key, keys._closure, keys._files_in):
        cached.cache_clear()


def append(package, name, text):
    with (package / name).open("a") as stream:
        stream.write(text)
    forget_code()


def codes():
    return {step: code_key(f"quantunet_hls.flow.steps.{step}") for step in STEPS}


def test_code_that_changes_runs_the_steps_that_it_is_part_of_and_a_comment_none(package):
    of_rtl = ["rtl", "synthesis", "netlist", "place"]
    expected = {
        "compare/tables.py": [],
        "cli/generate.py": [],
        "sweep/run.py": [],
        "training/loop.py": [],
        "boards/zcu104.json": [],
        "rtl/simulate/harness.cpp": of_rtl,
        "rtl/simulate/verilator.py": of_rtl,
        "rtl/generate/units.py": of_rtl,
        "hls/csim.py": ["csim"],
        "hls/vendor/execute.py": ["synthesis", "place"],
        "types/fixed.py": [step for step in STEPS if step != "report"],
    }
    before = codes()
    for name in expected:
        if name.endswith(".py"):
            append(package, name, "\n# Nothing is done here.\n")
    assert codes() == before
    found = {}
    for name in expected:
        append(package, name, "\nlast = 1\n")
        after = codes()
        found[name] = [step for step in STEPS if after[step] != before[step]]
        before = after
    assert found == expected


def test_the_flow_looks_at_the_code_of_its_steps(package, network):
    made(network, "zcu104", last="project")
    append(package, "hls/csim.py", "\nlast = 1\n")
    append(package, "ingest/legality.py", "\n# Another word.\n")
    assert steps_done(made(network, "zcu104", last="project")) == []
    append(package, "hls/convert.py", "\nlast = 1\n")
    assert steps_done(made(network, "zcu104", last="project")) == ["project"]
