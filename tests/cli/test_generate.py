import os
import signal
import subprocess
import sys
import time

import pytest

from quantunet_hls import cli
from tests.builders import small_unet


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return ended.value.code, out, err


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "my net.onnx"
    path.write_bytes(small_unet().proto("t16").SerializeToString())
    return path


def folders(tmp_path):
    return ["--projects", tmp_path / "p q", "--reports", tmp_path / "r;s"]


def test_a_part_of_the_flow_and_where_its_files_are(capsys, net, tmp_path):
    arguments = ["generate", net, "--board", "zcu104", "--to", "project", *folders(tmp_path)]
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "my_net_zcu104" in out
    assert str(tmp_path / "p q" / "my_net_zcu104" / "project") in out
    assert (tmp_path / "p q" / "my_net_zcu104" / "project" / "firmware" / "my_net_zcu104.cpp").is_file()
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert out.count("unchanged") == 3


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "Give a board"),
    (["--board", "zcu1044"], "zcu104"),
    (["--board", "zcu104", "--from", "fly"], "no step named"),
    (["--board", "zcu104", "--toolchain", "fly"], "no tool chain"),
    (["--board", "zcu104", "--size", 2, 4, 6], "fixes its own image size"),
    (["--board", "zcu104", "--multipliers", 0], "budget of 0"),
])
def test_bad_input_is_one_sentence_and_exit_code_two(capsys, net, tmp_path, arguments, message):
    code, _, err = run(capsys, "generate", net, *folders(tmp_path), *arguments)
    assert code == 2
    assert message in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x08\x08"])
@pytest.mark.parametrize("command", ["generate", "csim"])
def test_a_file_that_is_no_network(capsys, tmp_path, data, command):
    (tmp_path / "bad.onnx").write_bytes(data)
    code, _, err = run(capsys, command, tmp_path / "bad.onnx", "--board", "zcu104", *folders(tmp_path))
    assert code == 2
    assert "bad.onnx" in err
    assert err.count("\n") == 1
    assert not list((tmp_path / "p q").rglob("*.onnx"))


def test_a_signal_ends_the_command_and_its_tools_in_good_order(net, tmp_path):
    """A compiler that never ends stands in for one that takes long."""
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho $$ > \"$PIDS\"\nsleep 1000 & sleep 1000\n")
    compiler.chmod(0o755)
    command = [sys.executable, "-W", "ignore", "-c", "from quantunet_hls.cli import main; main()", "csim", net,
               "--board", "zcu104", *map(str, folders(tmp_path))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True, env={**os.environ, "QUANTUNET_HLS_GXX": str(compiler),
                                                            "PIDS": str(tmp_path / "pids")})
    end = time.monotonic() + 60
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    # As `timeout` does: the process and its group, twice the same.
    os.killpg(process.pid, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 143
    assert err.strip().endswith("Stopped; the same command resumes.")
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(int((tmp_path / "pids").read_text()), 0)
    left = {path.name for path in (tmp_path / "p q" / "my_net_zcu104").rglob("*")}
    assert not [name for name in left if name.endswith(".part") or name == ".running"]
