import numpy as np
import pytest
import torch

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.ingest.source import open_source
from tests.builders import brevitas_unet, small_unet


def onnx_file(folder, name="net.onnx"):
    path = folder / name
    path.write_bytes(small_unet().proto("t16").SerializeToString())
    return path


def test_a_file_is_known_by_its_bytes(tmp_path):
    one = open_source(onnx_file(tmp_path))
    two = open_source(str(onnx_file(tmp_path, "other.onnx")))
    assert one.key == two.key
    assert (one.name, two.name) == ("net", "other")
    assert one.module() is None
    assert one.repeatable
    assert len(one.graph().graph.node) == 17


@pytest.mark.parametrize(("file", "name"), [("a b;$(x).onnx", "a b;$(x)"), ("9.onnx", "9"), ("ü.onnx", "ü"),
                                            ("a\nb.onnx", "a\\nb")])
def test_a_report_calls_a_network_as_its_file_is_called(tmp_path, file, name):
    assert open_source(onnx_file(tmp_path, file)).name == name


def test_a_file_fixes_its_own_size(tmp_path):
    with pytest.raises(ConfigurationError, match="fixes its own image size; leave input_shape out"):
        open_source(onnx_file(tmp_path), (1, 8, 8))
    with pytest.raises(ConfigurationError, match="no ONNX file"):
        open_source(tmp_path / "gone.onnx")


def test_a_module_is_known_by_its_weights_and_needs_a_size():
    net = brevitas_unet()
    source = open_source(net, (1, 8, 12))
    assert source.name == "QuantUNet"
    assert source.module() is net
    assert not source.repeatable
    assert open_source(net, (1, 8, 12)).key == source.key
    assert open_source(net, (1, 8, 8)).key != source.key
    with torch.no_grad():
        next(net.parameters()).add_(1)
    assert open_source(net, (1, 8, 12)).sha256 != source.sha256
    with pytest.raises(ConfigurationError, match="give input_shape"):
        open_source(net)


@pytest.mark.parametrize("shape", [(8, 8), (1, 0, 8), (1, 8, -8), ()])
def test_a_shape_that_no_image_has(shape):
    with pytest.raises(ConfigurationError, match="channels, height, width, each at least 1"):
        open_source(brevitas_unet(), shape)


@pytest.mark.parametrize("name", ["", "no_such_net", "no/such.pt", "no such;$(name)", "ü"])
def test_what_is_neither_name_nor_file(name):
    with pytest.raises(QuantUNetError) as caught:
        open_source(name)
    assert "\n" not in str(caught.value)


def test_the_graph_is_that_of_the_module():
    net = brevitas_unet()
    graph = open_source(net, (1, 8, 12)).graph()
    assert list(np.array(graph.get_tensor_shape(graph.graph.input[0].name))) == [1, 1, 8, 12]


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.ckpt"])
def test_somebody_elses_pytorch_file_is_told_what_to_do(name, tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / name)
    with pytest.raises(ConfigurationError, match=r"no card .*torch\.onnx\.export"):
        open_source(tmp_path / name)
