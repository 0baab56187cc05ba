import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from quantunet_hls.cli.quantize import quantize
from quantunet_hls.core.errors import ConfigurationError, DataError, IllegalGraphError
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.ingest import export_module, ingest, load_qonnx
from tests.quantize.nets import BatchNormUNet, with_statistics


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A float network and a data folder."""
    monkeypatch.chdir(tmp_path)
    export_module(with_statistics(BatchNormUNet()), (1, 8, 8)).save("net.onnx")
    drawn = draw_phantoms(6, 8, 8)
    for folder, pixels in (("images", drawn.images[:, 0]), ("masks", drawn.masks * 255)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for name, one in zip(drawn.names, pixels, strict=True):
            Image.fromarray(one).save(f"data/{folder}/{name}.png")
    rows = [f"{name}.png,{1 + index % 2}" for index, name in enumerate(drawn.names)]
    (tmp_path / "data" / "index.csv").write_text("\n".join(["file,fold", *rows]))
    return tmp_path


def test_it_says_what_it_costs_and_where_it_is(here):
    result = CliRunner().invoke(quantize, ["net.onnx", "--data", "data", "--bits", "6", "--fold", "1", "--score-fold",
                                           "2"])
    assert result.exit_code == 0, result.exception
    assert "Dice" in result.output
    assert "3 images, against masks" in result.output
    assert (here / "quantized" / "net_quantized" / "net_quantized.onnx").is_file()


@pytest.mark.parametrize(("more", "error", "says"), [
    (["--score-fold", "1"], ConfigurationError, "calibrated with and scored on"),
    (["--fold", "1", "--score-fold", "1"], ConfigurationError, "Fold 1 is"),
    (["--board", "zcu104"], ConfigurationError, "--tolerance"),
    (["--tolerance", "1", "--board", "nothing"], ConfigurationError, "no board"),
    (["--mean", "0.5"], ConfigurationError, "give both"),
    (["--data", "nowhere"], DataError, "nowhere has no images"),
    (["--bits", "20"], ConfigurationError, "2 to 10 bits"),
    (["--fold", "9"], DataError, "no image in fold 9")])
def test_mistakes_are_told(here, more, error, says):
    result = CliRunner().invoke(quantize, ["net.onnx", "--data", "data", *more])
    assert isinstance(result.exception, error)
    assert says in str(result.exception)
    assert not (here / "quantized").exists()


def test_a_mask_that_is_missing_is_named(here):
    next((here / "data" / "masks").iterdir()).unlink()
    result = CliRunner().invoke(quantize, ["net.onnx", "--data", "data"])
    assert isinstance(result.exception, DataError)
    assert "has no mask" in str(result.exception)


def test_images_of_another_size_are_told(here):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save("data/images/phantom0003.png")
    result = CliRunner().invoke(quantize, ["net.onnx", "--data", "data"])
    assert isinstance(result.exception, DataError)
    assert "phantom0003.png is 4x4" in str(result.exception)


def test_a_softmax_at_the_end_is_left_out_of_a_mask(here):
    """Without the choice it is refused, with the option that there is."""
    net = torch.nn.Sequential(with_statistics(BatchNormUNet(classes=2)), torch.nn.Softmax(1))
    export_module(net.eval(), (1, 8, 8)).save("net.onnx")
    refused = CliRunner().invoke(quantize, ["net.onnx", "--data", "data"])
    assert isinstance(refused.exception, IllegalGraphError)
    assert "--output mask" in str(refused.exception)
    result = CliRunner().invoke(quantize, ["net.onnx", "--data", "data", "--output", "mask"])
    assert result.exit_code == 0, result.exception
    graph = ingest(load_qonnx(here / "quantized" / "net_quantized" / "net_quantized.onnx"), "mask")
    assert graph.output_shape == (8, 8, 1)
    assert "Softmax" not in {node.op_type for node in graph.original.graph.node}
