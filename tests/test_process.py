import os
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

from quantunet_hls import process
from quantunet_hls.errors import ToolFailedError, ToolNotFoundError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def executable(path: Path, text: str = "#!/bin/sh\nexit 0\n") -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_output_and_errors_go_to_the_log(tmp_path):
    log = tmp_path / "logs" / "run.log"
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr)"
    finished = process.run(python(code), log=log)
    assert finished.log == log
    assert log.read_text() == "one\ntwo\n"
    assert finished.seconds > 0


def test_arguments_never_meet_a_shell(tmp_path):
    argument = "a b; exit 3 $(exit 4) `exit 5` * \"' \\"
    process.run([*python("import sys; print(sys.argv[1])"), argument], log=tmp_path / "log")
    assert (tmp_path / "log").read_text() == argument + "\n"


def test_folder_and_environment_are_those_asked_for(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    code = "import os; print(os.getcwd(), os.environ['COLOUR'], 'PATH' in os.environ)"
    process.run(python(code), log=tmp_path / "log", cwd=folder, environment={"COLOUR": "red"})
    assert (tmp_path / "log").read_text() == f"{folder} red True\n"


def test_a_tool_can_ask_nothing(tmp_path):
    ours, (reader, writer) = os.dup(0), os.pipe()
    os.write(writer, b"what the user types")
    os.close(writer)
    os.dup2(reader, 0)
    try:
        process.run(python("import sys; print(repr(sys.stdin.read()))"), log=tmp_path / "log")
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(reader)
    assert (tmp_path / "log").read_text() == "''\n"


def test_an_exit_code_is_told_with_the_log_and_its_last_line(tmp_path):
    with pytest.raises(ToolFailedError, match=r"exit code 7; its log is .*run\.log, which ends: it hurts") as caught:
        process.run(python("print('it hurts\\n\\n'); raise SystemExit(7)"), log=tmp_path / "run.log")
    assert len(str(caught.value).splitlines()) == 1


def test_a_death_by_signal_is_told(tmp_path):
    code = f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"
    with pytest.raises(ToolFailedError, match=r"killed by signal 11.*\(nothing was printed\)"):
        process.run(python(code), log=tmp_path / "log")


def test_a_tool_past_its_limit_is_stopped_with_all_its_children(tmp_path):
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    with pytest.raises(ToolFailedError, match=r"limit of 1\.5 s"):
        process.run(python(code), log=tmp_path / "log", limit_s=1.5)
    assert time.monotonic() - started < 20
    deadline = time.monotonic() + 5
    while is_alive(int(pid.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(int(pid.read_text()))


def test_a_program_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(ToolNotFoundError, match="no_such_tool was not found"):
        process.run([tmp_path / "no_such_tool"], log=tmp_path / "log")


def test_output_of_gives_what_is_printed_and_leaves_nothing_behind(tmp_path):
    code = "import os, sys; print(os.getcwd()); print('v1.2', file=sys.stderr)"
    folder, version = process.output_of(python(code)).split()
    assert version == "v1.2"
    assert not Path(folder).exists()


def test_output_of_has_a_limit():
    with pytest.raises(ToolFailedError, match="limit of"):
        process.output_of(python("import time; time.sleep(60)"), limit_s=0.3)


def test_the_environment_comes_before_the_path(tmp_path, monkeypatch):
    on_path, chosen = executable(tmp_path / "some-tool"), executable(tmp_path / "chosen one")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert process.find_tool("some-tool") == on_path
    monkeypatch.setenv("QUANTUNET_HLS_SOME_TOOL", str(chosen))
    assert process.find_tool("some-tool") == chosen
    assert process.require_tool("some-tool", "a test", "nothing") == chosen


def test_a_plus_sign_has_its_place_in_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTUNET_HLS_GXX", str(executable(tmp_path / "compiler")))
    assert process.find_tool("g++") == tmp_path / "compiler"


def test_a_relative_path_entry_still_gives_a_path_that_holds_in_any_folder(tmp_path, monkeypatch):
    executable(tmp_path / "tool")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.curdir)
    assert process.find_tool("tool") == tmp_path / "tool"


def test_an_absent_tool(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert process.find_tool("no_such_tool") is None
    with pytest.raises(ToolNotFoundError, match="no_such_tool was not found, and a test needs it; install it"):
        process.require_tool("no_such_tool", "a test", "install it")


def test_a_file_that_is_no_program_is_no_tool(monkeypatch, tmp_path):
    (tmp_path / "tool").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert process.find_tool("tool") is None


def test_a_wrong_override_is_told_and_never_passed_over(tmp_path, monkeypatch):
    executable(tmp_path / "tool")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("QUANTUNET_HLS_TOOL", str(tmp_path / "gone"))
    with pytest.raises(ToolNotFoundError, match="QUANTUNET_HLS_TOOL"):
        process.find_tool("tool")
