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
    named, origins = name_nodes(model)
    new = [node.name for node in named.graph.node]
    assert all(NAME.fullmatch(name) for name in new)
    assert len({name.lower() for name in new}) == len(names)
    assert [origins[node.output[0]] for node in named.graph.node] == [node.output[0] for node in model.graph.node]


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [("/enc0a/relu/act_quant/export_handler/Quant", "enc0a_relu_Quant"), ("/enc0a/conv/Conv", "enc0a_conv"),
     ("/MaxPool", "MaxPool"), ("a b'c\"d", "a_b_c_d"), ("9 lives", "Relu_9_lives"), ("", "Relu"), ("größe", "gr_e"),
     ("::", "Relu"), ("input", "input_1"), ("image", "image_1"), ("INPUT", "INPUT_1")],
)
def test_a_person_still_knows_the_layer(given_name, expected):
    named, _ = name_nodes(chain(["q", given_name]))
    assert named.graph.node[1].name == expected


def test_it_computes_the_same_and_the_input_graph_stays():
    net = Net()
    net.conv(net.quant(net.relu(net.conv(net.quant("x", name="same"), 2, name="same"), name="Same")), 2, name="SAME")
    model = tidy(net.model())
    before = model.model.SerializeToString()
    named, origins = name_nodes(model)
    image = image_for(model)
    assert np.array_equal(execute(named, image), execute(model, image))
    assert model.model.SerializeToString() == before
    assert origins["image"] == "x"
    assert named.graph.input[0].name == "image"
