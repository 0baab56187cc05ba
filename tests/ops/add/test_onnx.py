"""What sums of two images are refused for, and what is proven of the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph, violations
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ingest.ranges import infer_types
from tests.builders import Net, execute, image_for, op_types


def refused(net):
    return [(error.rule, error.remedy) for error in violations(tidy(net.model()))]


def test_a_constant_becomes_part_of_the_quantizer_behind_it():
    net = Net()
    image = net.quant("x")
    net.quant(net.relu(net.add("Add", [image, net.constant("c", np.ones((1, 2, 1, 1)))], net.shapes[image])))
    assert op_types(ingest(net.model()).model) == ["Quant", "Requantize"]


def test_an_activation_of_a_sum_with_a_constant_needs_no_quantizer():
    net = Net()
    image = net.quant("x", 5, -2)
    net.relu(net.add("Add", [image, net.constant("c", np.full((1, 2, 1, 1), -0.5))], net.shapes[image]))
    graph, model = ingest(net.model()), tidy(net.model())
    given_image = image_for(model)
    (output,) = graph.model.graph.output
    result = run_graph(graph.model, graph.from_original(graph.origins["image"], given_image))[output.name]
    # The constant is not added; the host is told what the hardware's numbers mean.
    meant = graph.scales.from_port(result)
    assert np.array_equal(meant, graph.from_original(net.nodes[-1].output[0], execute(model, given_image)))
    assert np.unique(result).size > 3


def test_shapes_are_not_broadcast():
    net = Net()
    image = net.quant("x")
    net.relu(net.add("Add", [net.conv(image, 1, 3), image], net.shapes[image]))
    ((rule, remedy),) = refused(net)
    assert rule == "images of different shapes are added, [1, 1, 4, 6] and [1, 2, 4, 6]"
    assert "1 x 1 convolution" in remedy


def test_branches_in_different_orders_of_axes_are_refused():
    net = Net((1, 4, 4, 4))
    image = net.quant("x")
    net.relu(net.add("Add", [net.conv(image, 4), net.transpose(image, [0, 2, 3, 1])], (1, 4, 4, 4)))
    with pytest.raises(IllegalGraphError, match="Add joins tensors whose axes lie in different orders"):
        ingest(net.model())


@pytest.mark.parametrize("last", [False, True])
def test_both_layouts_come_out_the_same(last):
    net = Net((1, 4, 6, 2) if last else (1, 2, 4, 6), last=last)
    image = net.quant("x", 5, -2)
    net.relu(net.add("Add", [net.conv(image, 2), image], net.shapes[image]))
    graph = ingest(net.model())
    assert op_types(graph.model) == ["Quant", "Conv", "Add", "Relu"]
    image = image_for(tidy(net.model()))
    (node,) = [node for node in graph.model.graph.node if node.op_type == "Relu"]
    result = run_graph(graph.model, graph.from_original(graph.origins["image"], image))[node.output[0]]
    assert np.array_equal(result, graph.from_original(net.nodes[-1].output[0], execute(tidy(net.model()), image)))
    assert np.unique(result).size > 5


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(-9, 4), st.booleans()), min_size=2, max_size=2))
def test_the_type_is_the_narrowest_that_holds_every_sum(kinds):
    net = Net((1, 1, 1, 1))
    wide = net.quant("x", 20, -10, signed=1)
    one, other = (net.quant(wide, bits + signed, exponent, signed=int(signed)) for bits, exponent, signed in kinds)
    net.add("Add", [one, other], net.shapes[one])
    types = infer_types(ingest(net.model()).model)
    (first, second, total) = list(types.layers.values())[1:]
    # The port's range may keep a branch from its ends; what it can't reach doesn't count.
    ends = [types.ranges[f"{name}_out"] for name in list(types.layers)[1:3]]
    finest = min(first.result.exponent, second.result.exponent)
    low = sum(int(end.low[0]) << (end.exponent - finest) for end in ends)
    high = sum(int(end.high[0]) << (end.exponent - finest) for end in ends)
    assert total.result.exponent == finest
    assert total.result.lowest <= low
    assert high <= total.result.high
    assert total.result.width <= max(low.bit_length(), high.bit_length()) + 1
    assert total.accumulator is None


def test_branches_too_far_apart_are_refused():
    net = Net()
    image = net.quant("x", 24, 0, signed=1)
    net.add("Add", [net.quant(image, 2, 22, signed=1), net.quant(image, 24, -32, signed=1)], net.shapes[image])
    with pytest.raises(IllegalGraphError, match="its values need more than 53 bits"):
        infer_types(ingest(net.model()).model)
