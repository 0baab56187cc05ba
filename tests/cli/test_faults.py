import os
import subprocess
import sys
from pathlib import Path

import pytest

from quantunet_hls import cli

COMMAND = [sys.executable, "-c", "import sys; from quantunet_hls.cli import main; main(sys.argv[1:])"]


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(cli.faults.DEBUG, raising=False)
    return tmp_path / "state" / "quantunet-hls"


def run(capsys, monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(cli.quantunet_hls, "main", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main(["boards"])
    out, err = capsys.readouterr()
    assert not out
    assert "Traceback" not in err
    return ended.value.code, err


def test_a_fault_of_ours_is_a_sentence_that_names_its_log(capsys, monkeypatch, state):
    code, err = run(capsys, monkeypatch, KeyError("a\nkey"))
    log, = state.iterdir()
    assert code == cli.OUR_FAULT == 70
    assert err.count("\n") == 1
    assert "not yours" in err
    assert "KeyError" in err
    assert str(log) in err
    text = log.read_text()
    assert "Traceback" in text
    assert "command: " in text
    assert "quantunet-hls 0." in text


def test_where_the_log_can_not_be_kept_the_temporary_folder_is_taken(capsys, monkeypatch, state, tmp_path):
    state.parent.write_text("a file")
    monkeypatch.setattr(cli.faults.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert str(tmp_path / "temporary" / "fault-") in run(capsys, monkeypatch, ZeroDivisionError())[1]


def test_where_no_log_can_be_kept_it_says_so(capsys, monkeypatch, state):
    state.parent.write_text("a file")
    monkeypatch.setattr(cli.faults.tempfile, "gettempdir", lambda: str(state))
    code, err = run(capsys, monkeypatch, ZeroDivisionError())
    assert code == 70
    assert "QUANTUNET_HLS_DEBUG=1" in err


def test_debugging_lets_it_through(monkeypatch, state):
    monkeypatch.setenv(cli.faults.DEBUG, "1")

    def fail(*_args, **_options):
        raise KeyError("key")

    monkeypatch.setattr(cli.quantunet_hls, "main", fail)
    with pytest.raises(KeyError):
        cli.main(["boards"])
    assert not state.exists()


@pytest.mark.parametrize(("error", "says"), [
    (PermissionError(13, "Permission denied", "/a file"), "/a file can't be read or written"),
    (OSError(36, "File name too long", "x" * 5000), "File name too long"), (MemoryError(), "memory"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "memory"),
])
def test_what_the_machine_refuses_is_the_users_to_mend(capsys, monkeypatch, state, error, says):
    code, err = run(capsys, monkeypatch, error)
    assert code == 2
    assert says in err
    assert len(err) < 2500
    assert not state.exists()


@pytest.mark.parametrize("arguments", [["boards"], ["--help"], ["boards", "--nothing"]])
def test_a_full_device_is_one_sentence(arguments):
    with Path("/dev/full").open("w") as full:
        made = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONUNBUFFERED": ""}, check=False)
    assert made.returncode == 2
    assert "Traceback" not in made.stderr
    assert "Exception ignored" not in made.stderr
    assert made.stderr


def test_a_full_device_for_errors_changes_no_exit_code():
    with Path("/dev/full").open("w") as full:
        made = subprocess.run([*COMMAND, "boards", "--nothing"], stdout=full, stderr=full, check=False)
    assert made.returncode == 2


@pytest.mark.parametrize("then", ["raise AttributeError('half imported')", "time.sleep(60)", "return"])
def test_a_library_that_catches_the_end_of_the_process_does_not_prevent_it(then, state):
    program = f"""
import os, signal, time
from quantunet_hls import cli

def careless(**_options):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    except BaseException:
        pass
    {then}

cli._GRACE_S, cli.quantunet_hls.main = 1, careless
cli.main([])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert ended.returncode == (0 if then == "return" else 143)
    assert "fault" not in ended.stderr
    assert not state.exists()
