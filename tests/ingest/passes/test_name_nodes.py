import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ingest.passes.name_nodes import name_nodes
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import Net, execute, image_for

NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


def chain(names):
    net = Net((1, 1, 2, 2))
    value = net.quant("x", signed=1, name=names[0])
    for name in names[1:]:
        value = net.relu(value, name=name)
    return net.model()


@given(st.lists(st.text(max_size=60), min_size=2, max_size=6))
@settings(max_examples=40)
def test_any_names_become_distinct_identifiers_even_without_case(names):
    model = chain(names)
    named, origins, given_names = name_nodes(model)
    new = [node.name for node in named.graph.node]
    assert all(NAME.fullmatch(name) for name in new)
    assert len({name.lower() for name in new}) == len(names)
    assert [origins[node.output[0]] for node in named.graph.node] == [node.output[0] for node in model.graph.node]
    assert [given_names[name] for name in new] == names


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [("/enc0a/relu/act_quant/export_handler/Quant", "enc0a_relu_Quant"), ("/enc0a/conv/Conv", "enc0a_conv"),
     ("/MaxPool", "MaxPool"), ("a b'c\"d", "a_b_c_d"), ("9 lives", "Relu_9_lives"), ("", "Relu"), ("größe", "gr_e"),
     ("::", "Relu"), ("input", "Relu_input"), ("image", "Relu_image"),
     ("INPUT", "Relu_INPUT"), ("module", "Relu_module"), ("axi", "Relu_axi"), ("Conv2D_a", "Relu_Conv2D_a")],
)
def test_a_person_still_knows_the_layer(given_name, expected):
    named = name_nodes(chain(["q", given_name])).model
    assert named.graph.node[1].name == expected


def test_of_a_path_as_deep_as_monai_nests_it_the_last_parts_stay_with_a_hash_of_the_whole():
    deep = ["/model/" + "submodule/1/" * depth + "conv/Conv" for depth in (20, 21, 22)]
    first, *names = (node.name for node in name_nodes(chain(["q", *deep])).model.graph.node)
    assert first == "q"
    assert len(set(names)) == 3
    assert all(re.fullmatch("submodule_1_submodule_1_conv_[0-9a-f]{8}", name) for name in names)
    # Whatever else the network has.
    assert [node.name for node in name_nodes(chain(deep[1:])).model.graph.node] == names[1:]


def test_it_computes_the_same_and_the_input_graph_stays():
    net = Net()
    net.conv(net.quant(net.relu(net.conv(net.quant("x", name="same"), 2, name="same"), name="Same")), 2, name="SAME")
    model = tidy(net.model())
    before = model.model.SerializeToString()
    named, origins, _ = name_nodes(model)
    image = image_for(model)
    assert np.array_equal(execute(named, image), execute(model, image))
    assert model.model.SerializeToString() == before
    assert origins["image"] == "x"
    assert named.graph.input[0].name == "image"
