import logging

import pytest

from quantunet_hls import cli
from quantunet_hls.errors import ConfigurationError


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


@pytest.fixture(autouse=True)
def _levels():
    yield
    logging.getLogger("quantunet_hls").setLevel(logging.NOTSET)
