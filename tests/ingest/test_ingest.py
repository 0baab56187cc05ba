import time

import numpy as np
import pytest

from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import IndexedModel, only
from tests.builders import Net, execute, op_types, small_unet


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("size", [(4, 6), (6, 4), (2, 2), (4, 10)])
def test_channels_last_or_first_the_result_is_the_same(last, size):
    model = small_unet(*size, last=last).model()
    graph = ingest(model)
    assert graph.input_shape == (*size, 2)
    assert graph.output_shape == (*size, 2)
    images = np.random.default_rng(1).uniform(-1, 3, size=(2, *graph.input_shape))
    result = run_graph(graph.model, images)[only(graph.model, "output")]
    for index, image in enumerate(graph.to_original(images)):
        expected = execute(graph.original, image[None])
        assert np.array_equal(result[index], graph.from_original(only(graph.original, "output"), expected)[0])


def test_every_tensor_has_its_origin():
    graph = ingest(small_unet().model())
    images = np.random.default_rng(1).uniform(0, 2, size=(1, *graph.input_shape))
    original, tensors = run_graph(graph.original, graph.to_original(images)), run_graph(graph.model, images)
    for name, values in tensors.items():
        assert np.array_equal(graph.from_original(graph.origins[name], original[graph.origins[name]]), values)


def test_the_given_graph_stays_as_it_was():
    model = small_unet().model()
    before = model.model.SerializeToString()
    ingest(model)
    assert model.model.SerializeToString() == before


def test_shared_weights_named_for_each_reader():
    net = Net()
    weights = net.weights((2, 2, 3, 3))
    net.conv(net.conv(net.quant("x"), 2, weights=weights), 2, weights=weights)
    graph = ingest(net.model())
    assert len({node.input[1] for node in graph.model.graph.node if node.op_type == "Conv"}) == 2


def test_pads_and_identities_vanish():
    net = Net()
    image = net.add("Identity", [net.quant("x")], (1, 2, 4, 6))
    padded = net.add("Pad", [image, net.constant("pads", [0, 0, 1, 1, 0, 0, 1, 1], np.int64)], (1, 2, 6, 8))
    net.conv(padded, 2, pads=[0] * 4)
    assert op_types(ingest(net.model()).model) == ["Quant", "Conv"]


def deep(nodes):
    net = Net((1, 2, 4, 6))
    last = net.quant("x")
    for _ in range(nodes // 5):
        last = net.quant(net.relu(net.conv(last, 2)))
    # As a file is read; qonnx's own wrapper looks for each shape among all others.
    return IndexedModel(net.proto(last))


def test_time_grows_with_the_nodes_and_not_with_their_square():
    def seconds(nodes):
        model, times = deep(nodes), []
        for _ in range(3):
            begun = time.process_time()
            graph = ingest(model)
            infer_types(graph.model)
            times.append(time.process_time() - begun)
        return min(times)

    seconds(50)
    # Four times the nodes: sixteen times the time where each node is looked for among all others.
    assert seconds(1000) < 7 * seconds(250)


def test_a_network_of_2000_nodes():
    model = deep(2000)
    begun = time.process_time()
    graph = ingest(model)
    assert len(graph.model.graph.node) == 1201
    assert time.process_time() - begun < 20
