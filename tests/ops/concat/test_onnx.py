import numpy as np
import pytest

from quantunet_hls.ingest.passes.lower_nodes import lower_nodes
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import Net, execute, image_for


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("last", [False, True])
def test_a_chain_of_pairs_computes_the_same(count, last):
    net = Net((1, 4, 6, 2) if last else (1, 2, 4, 6), last=last)
    image = net.quant("x")
    net.relu(net.concat(*(net.quant(image, 3, -index) for index in range(count))))
    model = tidy(net.model())
    before = model.model.SerializeToString()
    split = lower_nodes(model)
    pairs = [node for node in split.graph.node if node.op_type == "Concat"]
    assert [len(node.input) for node in pairs] == [2] * (count - 1)
    assert len({node.name for node in split.graph.node}) == len(split.graph.node)
    value = image_for(model)
    assert np.array_equal(execute(split, value), execute(model, value))
    assert model.model.SerializeToString() == before
    for node in pairs:
        assert split.get_tensor_shape(node.output[0])[3 if last else 1] >= 4


def test_the_same_tensor_three_times():
    net = Net()
    image = net.quant("x")
    net.relu(net.concat(image, image, image))
    model = tidy(net.model())
    value = image_for(model)
    assert np.array_equal(execute(lower_nodes(model), value), execute(model, value))
