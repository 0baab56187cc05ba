"""One of several outputs by its name: of files, and of modules that give a list or a dictionary."""

import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.source import open_source
from quantunet_hls.ops.qonnx.graph import only
from tests.builders import Net, brevitas_unet, op_types
from tests.exact_onnx import exact_outputs


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Three outputs: of one level, of the one behind it, and of an operator that can't be built."""
    net = Net()
    one = net.quant(net.conv(net.quant("x"), 2))
    two = net.relu(net.conv(one, 3))
    path = tmp_path_factory.mktemp("file") / "net.onnx"
    path.write_bytes(net.proto(one, two, net.add("Erf", [two], net.shapes[two])).SerializeToString())
    return path


@pytest.mark.parametrize(("place", "kept"), [(0, ["Quant", "Conv", "Quant"]),
                                             (1, ["Quant", "Conv", "Quant", "Conv", "Relu"])])
def test_what_only_other_outputs_need_goes(file, place, kept):
    import onnx

    proto = onnx.load(file)
    graph = ingest(open_source(file, result=proto.graph.output[place].name).graph())
    assert op_types(graph.model) == kept
    images = np.random.default_rng(0).uniform(-1, 3, (2, *graph.input_shape))
    del proto.graph.output[2]
    expected = exact_outputs(proto, graph.to_original(images))[place]
    assert np.array_equal(run_graph(graph.model, images)[only(graph.model, "output")], expected.transpose(0, 2, 3, 1))


def test_a_file_of_several_outputs_names_them(file):
    with pytest.raises(ConfigurationError, match=r"has 3 outputs.*result= or --result: 't4', 't8', 't9'\.$"):
        open_source(file).graph()
    with pytest.raises(UnknownNameError, match="no output of the network named 't1'; the names are: t4, t8, t9"):
        open_source(file, result="t1").graph()
    assert open_source(file, result="t4").key != open_source(file, result="t8").key


def test_the_one_output_of_a_file_may_be_named(tmp_path):
    net = Net()
    net.conv(net.quant("x"), 2)
    (tmp_path / "net.onnx").write_bytes(net.proto("t3").SerializeToString())
    assert open_source(tmp_path / "net.onnx", result="t3").graph()
    with pytest.raises(UnknownNameError):
        open_source(tmp_path / "net.onnx", result="t0").graph()


class Levels(nn.Module):
    """What deep supervision trains: a result, and one that an earlier layer could give."""

    def __init__(self, form):
        super().__init__()
        self.net, self.form = brevitas_unet(), form

    def forward(self, x):
        logits = self.net(x)
        return self.form(logits, -logits)


FORMS = {
    "list": (lambda one, two: [one, two], ("output_0", "output_1")),
    "tuple": (lambda one, two: (one, two), ("output_0", "output_1")),
    "dictionary": (lambda one, two: {"out": one, "aux": two}, ("out", "aux")),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_module_that_gives_several(form):
    gives, (one, other) = FORMS[form]
    module = Levels(gives)
    with pytest.raises(ConfigurationError, match=rf"has 2 outputs.*--result: '{one}', '{other}'\.$"):
        open_source(module, (1, 8, 12)).graph()
    source = open_source(module, (1, 8, 12), one)
    assert source.name == "Levels"
    graph = ingest(source.graph())
    assert all(node.name.startswith("net_") for node in graph.model.graph.node if node.op_type == "Conv")
    images = np.random.default_rng(0).uniform(0, 1, (2, *graph.input_shape))
    checks = reference(graph, images, source.module()).checks
    assert sum(check.differing for check in checks) == 0
    assert {"Brevitas"} < {check.reference for check in checks}
    # It stays what it was.
    assert len(module(torch.zeros(1, 1, 8, 12))) == 2


def test_a_list_of_one_is_its_element():
    source = open_source(Levels(lambda one, _: [one]), (1, 8, 12))
    assert reference(ingest(source.graph()), np.zeros((1, 8, 12, 1)), source.module()).checks


def test_a_module_that_gives_no_tensors():
    with pytest.raises(ConfigurationError, match=r"gives a dict that is no tensor.*wrap it"):
        open_source(Levels(lambda one, _: {"out": [one]}), (1, 8, 12)).graph()
    with pytest.raises(ConfigurationError, match="gives a str"):
        open_source(Levels(lambda _one, _two: "mask"), (1, 8, 12)).graph()


def test_a_checkpoint_has_no_choice():
    with pytest.raises(ConfigurationError, match="have one output, so none is called 'aux'; leave it out"):
        open_source("brain_tumor_w4a6_b8d3", result="aux")
