import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from quantunet_hls import cli
from quantunet_hls.cli.screen import screen
from quantunet_hls.core.errors import ConfigurationError


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return ended.value.code, out, err


def test_help_and_version(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in ("generate", "csim", "train", "zoo", "boards", "doctor"):
        assert command in out
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert "0." in out


@pytest.mark.parametrize("arguments", [["fly"], ["--fly"], ["generate"], ["generate", "--images", "many", "x"],
                                       ["generate", "--stage", "fly", "x"], ["generate", "--size", "1", "x"]])
def test_a_wrong_call_exits_with_two(capsys, arguments):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err


def test_our_errors_are_one_line_and_exit_code_two(capsys, monkeypatch):
    def fail(*_args, **_options):
        raise ConfigurationError("This can't be; do that.")

    monkeypatch.setattr(cli.quantunet_hls, "main", fail)
    assert run(capsys, "boards") == (2, "", "Error: This can't be; do that.\n")


def test_an_interrupt_says_that_it_resumes(capsys, monkeypatch):
    def interrupted(*_args, **_options):
        raise cli.click.exceptions.Abort

    monkeypatch.setattr(cli.quantunet_hls, "main", interrupted)
    code, _, err = run(capsys)
    assert code == 130
    assert "resumes" in err


def shown(arguments, **options):
    code = "from quantunet_hls.cli import main; main()"
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code, *arguments], stderr=subprocess.PIPE, text=True,
                          check=False, **options)


def test_a_screen_that_takes_nothing_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = shown(["boards"], stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_fault():
    reader, writer = os.pipe()
    os.close(reader)
    done = shown(["boards"], stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_path_that_the_screen_has_no_letters_for_is_shown_all_the_same(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(cli.quantunet_hls, "main", lambda **_: screen().print(os.fsdecode(b"b\xff"), end=""))
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 0
    assert stream.buffer.getvalue().startswith(b"b")


@pytest.fixture(autouse=True)
def _levels():
    yield
    logging.getLogger("quantunet_hls").setLevel(logging.NOTSET)
