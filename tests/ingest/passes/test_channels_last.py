import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.passes.channels_last import FIRST, LAST, channels_last
from quantunet_hls.ingest.passes.explicit_attributes import explicit_attributes
from quantunet_hls.ingest.passes.lower_nodes import lower_nodes
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST
from tests.builders import FIRST_TO_LAST, LAST_TO_FIRST, Net, execute, op_types, small_unet


def prepared(model):
    return lower_nodes(explicit_attributes(tidy(model)))


def mixed(seed: int = 0) -> Net:
    """A channels-first graph whose middle is channels last, as qonnx's own conversion leaves it."""
    net = Net((1, 2, 4, 6), seed=seed)
    skip = net.quant(net.relu(net.conv(net.quant("x"), 3)))
    down = net.pool(skip)
    there = net.transpose(down, FIRST_TO_LAST)
    net.last = True
    deep = net.resize(net.quant(net.relu(net.conv(there, 4))), 2, 2)
    net.last = False
    back = net.transpose(deep, LAST_TO_FIRST)
    net.conv(net.concat(skip, back), 2, 1)
    return net


def with_transposes_at_the_ends(seed: int = 0) -> Net:
    """Channels-last ports around a channels-first graph."""
    net = Net((1, 4, 6, 2), seed=seed)
    inner = net.quant(net.relu(net.conv(net.transpose(net.quant("x"), LAST_TO_FIRST), 3)))
    net.transpose(net.conv(inner, 2, 1), FIRST_TO_LAST)
    return net


def spatial_transpose(seed: int = 0) -> Net:
    """Turned by a permutation that is neither of the two usual ones and turned back."""
    net = Net((1, 2, 4, 6), seed=seed)
    turned = net.relu(net.transpose(net.quant("x", signed=1), (0, 3, 1, 2)))
    net.conv(net.transpose(turned, (0, 2, 3, 1)), 2)
    return net


@pytest.mark.parametrize(
    ("make", "in_last", "out_last"),
    [(small_unet, False, False), (lambda: small_unet(last=True), True, True), (mixed, False, False),
     (with_transposes_at_the_ends, True, True), (spatial_transpose, False, False),
     (lambda: small_unet(6, 4), False, False), (lambda: small_unet(2, 10, last=True, seed=3), True, True)],
)
def test_computes_what_the_original_computes(make, in_last, out_last):
    model = prepared(make().model())
    relabelled = channels_last(model).model
    assert "Transpose" not in op_types(relabelled)
    for seed in range(3):
        height, width, channels = relabelled.get_tensor_shape("x")[1:]
        image = np.random.default_rng(seed).uniform(-1, 3, size=(1, height, width, channels)).astype(np.float32)
        expected = execute(model, image if in_last else image.transpose(LAST_TO_FIRST))
        if not out_last:
            expected = expected.transpose(FIRST_TO_LAST)
        assert np.array_equal(execute(relabelled, image), expected)


def test_every_tensor_says_where_its_axes_lay():
    relabelled = channels_last(prepared(mixed().model()))
    assert set(relabelled.layouts.values()) == {FIRST, LAST}
    assert relabelled.layouts["x"] == FIRST


@pytest.mark.parametrize("last", [False, True])
def test_the_input_graph_stays_as_it_was(last):
    model = prepared(small_unet(last=last).model())
    before = model.model.SerializeToString()
    channels_last(model)
    assert model.model.SerializeToString() == before


def test_convolutions_and_poolings_are_of_the_channels_last_domain():
    model = channels_last(prepared(small_unet().model())).model
    assert {node.domain for node in model.graph.node if node.op_type in ("Conv", "MaxPool")} == {CHANNELS_LAST}


def test_convolutions_that_share_weights_get_a_copy_each():
    net = Net()
    weights = net.weights((2, 2, 3, 3))
    net.conv(net.conv(net.quant("x"), 2, weights=weights), 2, weights=weights)
    model = channels_last(prepared(net.model())).model
    first, second = (node.input[1] for node in model.graph.node if node.op_type == "Conv")
    assert first != second
    assert np.array_equal(model.get_initializer(first), model.get_initializer(second))


def test_a_convolution_that_reads_the_other_order_is_refused():
    net = Net((1, 4, 4, 4))
    net.conv(net.transpose(net.conv(net.quant("x"), 4), FIRST_TO_LAST), 4, name="astray")
    with pytest.raises(IllegalGraphError, match=r"^Node 'astray': Conv reads channels first, .*; add the missing"):
        channels_last(prepared(net.model()))


def test_joining_different_orders_is_refused():
    net = Net((1, 4, 4, 4))
    image = net.conv(net.quant("x"), 4)
    net.concat(image, net.transpose(image, FIRST_TO_LAST), axis=1)
    with pytest.raises(IllegalGraphError, match="axes lie in different orders"):
        channels_last(prepared(net.model()))


def test_upsampling_channels_is_refused():
    net = Net()
    net.conv(net.resize(net.quant("x"), 1, 1, channels=2), 2, 1)
    with pytest.raises(IllegalGraphError, match=r"^Node 'Resize_1': only height and width can be upsampled"):
        channels_last(prepared(net.model()))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_only_channels_are_concatenated(last, axis):
    net = Net((1, 4, 4, 4), last=last)
    image = net.conv(net.quant("x"), 4)
    net.relu(net.concat(image, image, axis=axis))
    model = prepared(net.model())
    if axis == (3 if last else 1):
        assert channels_last(model).model.get_tensor_shape(net.nodes[-1].output[0]) == [1, 4, 4, 8]
    else:
        with pytest.raises(IllegalGraphError, match=r"^Node 'Concat_\d+': only channels can be concatenated"):
            channels_last(model)
