import json

import pytest
from click.testing import CliRunner

from quantunet_hls.boards import names
from quantunet_hls.cli.boards import boards
from quantunet_hls.core.errors import UnknownNameError


def invoke(*arguments: str):
    return CliRunner().invoke(boards, arguments, env={"COLUMNS": "80"}, catch_exceptions=False)


def test_the_list_has_every_board_in_full():
    result = invoke()
    assert result.exit_code == 0
    for name in names():
        assert f" {name} " in result.output
    assert "…" not in result.output


def test_one_board():
    output = invoke("ulx3s-85f").output
    assert "LFE5U-85F-6BG381C" in output
    assert "83,640" in output
    assert "zcu104" not in output


@pytest.mark.parametrize("columns", ["24", "40", "60"])
def test_no_figure_is_cut_on_a_narrow_screen(columns):
    for arguments in ([], ["alveo-u250"]):
        output = CliRunner().invoke(boards, arguments, env={"COLUMNS": columns}, catch_exceptions=False).output
        assert "1,728,000" in output
        assert "…" not in output


def test_unknown_resources_are_called_unknown():
    assert "unknown" in invoke("alveo-u50").output


def test_json_of_one_and_of_all():
    one = json.loads(invoke("zcu104", "--json").output)
    assert one["resources"]["uram"] == 96
    everything = json.loads(invoke("--json").output)
    assert [board["name"] for board in everything] == names()
    assert one in everything


def test_an_unknown_board_is_the_users_error():
    with pytest.raises(UnknownNameError, match="kv260"):
        invoke("kv620")
