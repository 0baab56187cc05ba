import numpy as np
import pytest

from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import Net, execute, small_unet


def everything(last: bool) -> Net:
    """Every operator that is legal, with odd settings."""
    net = Net((1, 8, 12, 2) if last else (1, 2, 8, 12), last=last)
    image = net.quant("x", 6, -4, signed=1)
    one = net.leaky(net.conv(image, 4, 3, pads=[2, 0, 1, 1], strides=[1, 1]), 0.25)
    two = net.pool(net.quant(one, 5, -2, signed=1, narrow=1, rounding="FLOOR"), (3, 5), "MaxPool")
    three = net.resize(net.pool(net.conv(image, 2, 2, pads=[0] * 4, strides=[2, 3]), (2, 2), "AveragePool"), 3, 1)
    four = net.conv(net.quant(net.relu(two), 4, -1), 4, 3, group=4)
    net.relu(net.resize(four, 1, 2))
    net.relu(three)
    return net


@pytest.mark.parametrize("last", [False, True])
def test_equals_qonnx_where_single_precision_is_exact(last):
    model = tidy(everything(last).model(everything(last).nodes[-2].output[0]))
    images = np.random.default_rng(0).uniform(-3, 3, size=(3, *model.get_tensor_shape("x")[1:]))
    tensors = run_graph(model, images)
    for index, image in enumerate(images):
        assert np.array_equal(tensors[model.graph.output[0].name][index], execute(model, image[None])[0])


@pytest.mark.parametrize("make", [small_unet, lambda: small_unet(last=True)])
def test_keeps_the_image_and_every_tensor_that_depends_on_it(make):
    graph = ingest(make().model())
    images = np.random.default_rng(0).uniform(size=(2, *graph.input_shape))
    tensors = run_graph(graph.model, images)
    assert set(tensors) == {"image", *(node.output[0] for node in graph.model.graph.node)}
    assert {len(values) for values in tensors.values()} == {2}


def test_wide_sums_are_exact():
    """Two 16-bit quantizers: single precision would round the sums, and then the integers differ."""
    net = Net((1, 1, 1, 1))
    net.conv(net.quant("x", 16, -16), 1, 1, weights=net.quant(net.constant("w", [[[[32767.0]]]]), 16, 0, signed=1),
             bias=None)
    graph = ingest(net.model())
    value = 65535 / 65536
    result = run_graph(graph.model, np.full((1, 1, 1, 1), value))[graph.model.graph.output[0].name]
    assert result.item() * 65536 == 65535 * 32767
    assert float(np.float32(result.item())) * 65536 != 65535 * 32767
