import numpy as np

from quantunet_hls.ingest import ingest, run_graph
from tests.builders import Net


def test_the_table_is_near_the_sigmoid_and_exact_in_its_type():
    net = Net((1, 1, 1, 512))
    net.add("Sigmoid", [net.conv(net.quant("x", 10, -5, signed=1), 1, 1, pads=[0] * 4, bias=None, values=np.full(
        (1, 1, 1, 1), 0.5))], (1, 1, 1, 512))
    graph = ingest(net.model())
    # Beyond the table's ends on both sides.
    images = np.linspace(-16, 15.9, 1024).reshape(2, 1, 512, 1)
    tensors = run_graph(graph.model, images)
    logits, result = (tensors[name] for name in (graph.model.graph.node[1].output[0], graph.model.graph.output[0].name))
    assert logits.min() < -7.9
    exact = 1 / (1 + np.exp(-logits))
    # Half a step of the result, and one of the table where the sigmoid is steepest.
    assert np.abs(result - exact)[np.abs(logits) < 7.9].max() <= 0.5 / 256 + 0.25 / 64
    assert np.array_equal(result * 256, np.round(result * 256))
    assert result.min() == 0
    assert result.max() == 255 / 256
