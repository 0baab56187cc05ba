import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from quantunet_hls.core import process
from quantunet_hls.core.errors import QuantUNetError, ToolFailedError, ToolNotFoundError


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


# Starts a command that has a child, a grandchild in a session of its own, and one whose parent is gone; says who they
# are, and is killed.
_FAMILY = """
import sys, threading
from pathlib import Path
from quantunet_hls.core import process
script = '''
sleep 1000 & echo $! >> pids
setsid sh -c 'echo $$ >> pids; exec sleep 1000' &
( ( echo $(exec sh -c 'echo $PPID') >> pids; exec sleep 1000 ) & )
echo $$ >> pids
sleep 1000
'''
folder = Path(sys.argv[1])
process.run(["sh", "-c", script], log=folder / "log", cwd=folder)
"""


def alive_after(pids: list[int], seconds: float) -> list[int]:
    end = time.monotonic() + seconds
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def family(folder: Path, code: str = _FAMILY) -> tuple[subprocess.Popen[bytes], list[int]]:
    temporary = folder / "temporary"
    temporary.mkdir()
    parent = subprocess.Popen([sys.executable, "-c", code, folder], env={**os.environ, "TMPDIR": str(temporary)})
    end = time.monotonic() + 30
    while not (folder / "pids").exists() or len((folder / "pids").read_text().split()) < 4:
        assert parent.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    return parent, [int(word) for word in (folder / "pids").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_that_a_tool_started_outlives_us(tmp_path, number):
    parent, pids = family(tmp_path)
    assert alive_after(pids, 0) == pids
    parent.send_signal(number)
    parent.wait()
    assert alive_after(pids, 2) == []
    # The folder for temporary files as well, which nobody else could remove.
    end = time.monotonic() + 2
    while list((tmp_path / "temporary").iterdir()) and time.monotonic() < end:
        time.sleep(0.02)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_tool_dies_with_its_supervisor(tmp_path):
    code = "import os, time; open('pid', 'w').write(f'{os.getpid()} {os.getppid()}'); time.sleep(60)"
    errors = []

    def work():
        try:
            process.run(python(code), log=tmp_path / "log", cwd=tmp_path)
        except ToolFailedError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.02)
    tool, supervisor = map(int, (tmp_path / "pid").read_text().split())
    os.kill(supervisor, signal.SIGKILL)
    thread.join()
    assert alive_after([tool], 2) == []
    assert "killed by signal 9" in errors[0]


def test_what_a_tool_leaves_running_ends_with_it(tmp_path):
    process.run(["sh", "-c", "sleep 1000 & setsid sleep 1000 & sleep 0.1; pgrep -P $$ > pids; :"], log=tmp_path / "log",
                cwd=tmp_path)
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(pids) >= 2
    assert alive_after(pids, 1) == []


def test_an_interrupt_stops_commands_side_by_side_and_starts_no_more(tmp_path):
    def work(index):
        process.run(["sh", "-c", f"echo $$ >> {index}; exec sleep 1000"], log=tmp_path / f"{index}.log", cwd=tmp_path)

    def interrupted():
        with process.side_by_side(2) as pool:
            for index in range(4):
                pool.submit(work, index)
            while not all((tmp_path / str(index)).exists() for index in range(2)):
                time.sleep(0.02)
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began < 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "0.log", "1", "1.log"]
    assert alive_after([int((tmp_path / str(index)).read_text()) for index in range(2)], 0.5) == []


def test_an_error_lets_commands_side_by_side_end(tmp_path):
    def work(index):
        if index:
            while not (tmp_path / "begun").exists():
                time.sleep(0.02)
            raise RuntimeError
        process.run(["sh", "-c", "touch begun; sleep 0.5; echo done > kept"], log=tmp_path / "log", cwd=tmp_path)

    def failing():
        with process.side_by_side(2) as pool:
            list(pool.map(work, (1, 0)))

    with pytest.raises(RuntimeError):
        failing()
    assert (tmp_path / "kept").read_text() == "done\n"


def test_a_tools_temporary_files_are_gone_when_it_ends(tmp_path, monkeypatch):
    odd = tmp_path / "a b'c\n$d"
    odd.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    process.run(["sh", "-c", 'echo "$TMPDIR"; touch "$TMPDIR/left"'], log=tmp_path / "log")
    folder = (tmp_path / "log").read_text().removesuffix("\n")
    assert re.fullmatch(r"[A-Za-z0-9/._-]+", folder)
    assert not Path(folder).exists()


def test_a_log_never_goes_where_a_link_leads(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "log").symlink_to(tmp_path / "theirs")
    process.run(["echo", "ours"], log=tmp_path / "log")
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert (tmp_path / "log").read_text() == "ours\n"


def test_a_folder_that_is_no_place_for_a_log_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(QuantUNetError, match=r"could not be started .*file"):
        process.run(["true"], log=tmp_path / "file" / "log")
