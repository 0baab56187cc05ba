import pytest
from rich.table import Table

from quantunet_hls import cli
from quantunet_hls.cli.screen import message, screen
from quantunet_hls.core.errors import QuantUNetError

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]:smile:\u202e"


def test_a_line_and_a_table_are_printed_as_they_are(capsys):
    console = screen()
    console.print(f"Project    {HOSTILE}", soft_wrap=True)
    table = Table(HOSTILE, title=HOSTILE, caption=HOSTILE)
    table.add_row(HOSTILE)
    console.print(table)
    screen(stderr=True).print(HOSTILE)
    out, err = capsys.readouterr()
    assert not set(out + err) & {"\x1b", "\x07", "\u202e"}
    assert out.count(r"\x1b[2J[red]:smile:\u202e") == 5
    assert r"\x1b[2J[red]:smile:\u202e" in err


@pytest.mark.parametrize("text", ["\x1b[31m" + "a" * 10_000_000 + "\x1b. Do this", "one\ntwo"])
def test_an_error_is_short_and_obeyed_by_nothing(capsys, monkeypatch, text):
    def fail(**_):
        raise QuantUNetError(text)

    monkeypatch.setattr(cli.quantunet_hls, "main", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert "\x1b" not in err
    assert len(err) < 2200
    assert err.rstrip().endswith(text[-7:].replace("\x1b", r"\x1b"))


def test_a_mistake_on_the_command_line_is_obeyed_by_nothing(capsys):
    with pytest.raises(SystemExit):
        cli.main(["boards", "--\x1b[2J"])
    err = capsys.readouterr().err
    assert "No such option" in err
    assert "\x1b" not in err


def test_a_message_keeps_its_lines():
    assert message(QuantUNetError("a\nb\x00")) == "a\nb\\x00"
