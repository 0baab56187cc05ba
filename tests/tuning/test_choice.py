import numpy as np
import pytest
import torch

from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import constant
from quantunet_hls.tuning.calibrate import calibrate
from quantunet_hls.tuning.choice import Choice, Move, changes_of, groups_of, moves, start_of
from quantunet_hls.tuning.requantize import requantize, requantize_hardware
from quantunet_hls.tuning.rounding import fit
from quantunet_hls.types import parse_type
from tests.builders import Net, small_unet


@pytest.fixture(scope="module", params=[False, True], ids=["channels first", "channels last"])
def graph(request):
    return ingest(small_unet(last=request.param).model())


def test_quantizers_that_meet_in_a_concatenation_stay_together_and_the_port_is_left_out(graph):
    quantizers = [node.name for node in graph.model.graph.node if node.op_type == "Quant"]
    assert groups_of(graph) == {quantizers[1]: tuple(quantizers[1:])}


def test_quantizers_of_other_types_stay_apart():
    net = Net()
    image = net.quant("x")
    net.conv(net.concat(net.quant(net.relu(net.conv(image, 1)), 4, -3), net.quant(net.relu(net.conv(image, 1)), 4, -2)),
             1)
    graph = ingest(net.model())
    quantizers = [node.name for node in graph.model.graph.node if node.op_type == "Quant"]
    assert groups_of(graph) == {name: (name,) for name in quantizers[1:]}


def test_the_start_is_the_network_itself(graph):
    changes = changes_of(graph, groups_of(graph), start_of(graph), {})
    made = ingest(requantize(graph, changes))
    before, after = infer_types(graph.model), infer_types(made.model)
    assert after.layers == before.layers
    for node in graph.model.graph.node:
        for name in node.input[1:3] if node.op_type == "Conv" else ():
            assert np.array_equal(constant(graph.model, name), constant(made.model, name))


def test_the_short_way_makes_the_same_network_as_the_long_one(graph):
    seen = calibrate(graph.model, torch.from_numpy(np.random.default_rng(0).uniform(0, 2, (3, *graph.input_shape))))
    start, groups = start_of(graph), groups_of(graph)
    choice = Choice({name: parse_type("ufixed<3,1,RND_CONV,SAT>") for name in start.activations},
                    dict.fromkeys(start.weights, 3))
    fitted = {}
    for node in graph.model.graph.node:
        if node.op_type == "Conv":
            fitted[node.name] = fit(np.asarray(constant(graph.model, node.input[1]), np.float64),
                                    seen.moments[node.name], 3)
    changes = changes_of(graph, groups, choice, fitted)
    short, long = requantize_hardware(graph, changes), ingest(requantize(graph, changes))
    assert infer_types(short.model).layers == infer_types(long.model).layers
    for one, other in zip(short.model.graph.node, long.model.graph.node, strict=True):
        assert (one.name, one.op_type) == (other.name, other.op_type)
        for mine, theirs in zip(one.input, other.input, strict=True):
            first, second = constant(short.model, mine), constant(long.model, theirs)
            assert (first is None) == (second is None)
            assert first is None or np.array_equal(first, second)
    # A bias on the grid of its products costs the sums no bits.
    types = infer_types(long.model)
    convolution = next(node for node in long.model.graph.node if node.op_type == "Conv")
    kinds = types.layers[convolution.name]
    assert kinds.bias.fraction <= kinds.weight.fraction + types.image.fraction


def test_each_move_takes_one_bit_away():
    choice = Choice({"a": parse_type("ufixed<4,1,RND_CONV,SAT>"), "b": parse_type("ufixed<1,0,RND_CONV,SAT>")},
                    {"c": 4, "d": 2})
    assert str(Move("a", "top")(choice).activations["a"]) == "ufixed<3,0,RND_CONV,SAT>"
    assert str(Move("a", "bottom")(choice).activations["a"]) == "ufixed<3,1,RND_CONV,SAT>"
    assert Move("c", "weight")(choice).weights == {"c": 3, "d": 2}
    # Codes of an eighth up to 15/8: small values need the fine step, large ones the range; one bit and two stay.
    small = moves(choice, {"a": np.full(9, 0.125), "b": np.zeros(1)})
    large = moves(choice, {"a": np.full(9, 1.75), "b": np.zeros(1)})
    assert small == [Move("c", "weight"), Move("a", "top")]
    assert large == [Move("c", "weight"), Move("a", "bottom")]
