import pytest
import yaml
from onnx import ModelProto

from quantunet_hls.hls.convert import HlsSettings, convert, write_project
from quantunet_hls.hls.mends import model_in_configuration
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from tests.builders import Net


def test_plain_pyyaml_writes_the_whole_model():
    """When this fails, the mend is no longer needed."""
    model = ModelProto(producer_name="x" * 1000)
    assert len(yaml.dump({"OnnxModel": model})) > 1000
    with model_in_configuration.applied():
        assert yaml.dump({"OnnxModel": model}) == "OnnxModel: null\n"


def test_a_projects_configuration_can_be_read_and_holds_no_model(tmp_path):
    net = Net((1, 2, 4, 6))
    net.quant(net.relu(net.conv(net.quant("x"), 2, 1)))
    model = ingest(net.model()).model
    graph = convert(model, infer_types(model), HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {}), tmp_path)
    write_project(graph)
    written = yaml.safe_load((tmp_path / "hls4ml_config.yml").read_text())
    assert written["OnnxModel"] is None
    assert written["ProjectName"] == "net"
    # Whoever made the graph still has its model.
    assert isinstance(graph.config.config["OnnxModel"], ModelProto)


def test_pyyamls_table_comes_back_even_after_an_error():
    before = dict(yaml.Dumper.yaml_representers)
    with model_in_configuration.applied():
        assert dict(yaml.Dumper.yaml_representers) != before
    with pytest.raises(KeyError), model_in_configuration.applied():
        raise KeyError
    assert dict(yaml.Dumper.yaml_representers) == before
