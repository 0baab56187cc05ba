from click.testing import CliRunner

from quantunet_hls.cli.tune import tune
from quantunet_hls.core.errors import ConfigurationError


def test_help_names_what_it_takes():
    result = CliRunner().invoke(tune, ["--help"])
    assert result.exit_code == 0
    for option in ("--data", "--board", "--tolerance", "--bits", "--score-fold"):
        assert option in result.output


def test_images_that_are_searched_with_are_not_scored_on(tmp_path):
    common = ["net.onnx", "--data", str(tmp_path), "--board", "zcu104", "--score-fold", "4"]
    for more in ([], ["--fold", "4", "--fold", "1"]):
        result = CliRunner().invoke(tune, common + more)
        assert isinstance(result.exception, ConfigurationError)
        assert "searched with and scored on" in str(result.exception)
