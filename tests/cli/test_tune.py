import pytest
from click.testing import CliRunner

from quantunet_hls.cli.tune import tune
from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.tuning.start import open_origin
from tests.builders import Net


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


def test_a_softmax_at_the_end_is_left_out_of_a_mask(tmp_path):
    net = Net((1, 1, 8, 8))
    sums = net.conv(net.quant("x", 8, -8), 2)
    net.add("Softmax", [sums], net.shapes[sums], axis=1)
    net.model().save(str(tmp_path / "net.onnx"))
    with pytest.raises(IllegalGraphError, match="--output mask"):
        open_origin(tmp_path / "net.onnx")
    origin = open_origin(tmp_path / "net.onnx", output="mask")
    assert origin.graph.output_shape == (8, 8, 2)
    assert "--output" in {name for parameter in tune.params for name in parameter.opts}
