import numpy as np
import pytest

from quantunet_hls.ingest.passes.absorb_padding import absorb_padding
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import Net, execute, image_for, op_types


def padded(pads=(0, 0, 1, 2, 0, 0, 3, 0), *, last=False, value=0.0, mode="constant", readers=1, own=0):
    shape = (1, 4, 6, 2) if last else (1, 2, 4, 6)
    net = Net(shape, last=last)
    image = net.quant("x")
    inputs = [image, net.constant("pads", pads, np.int64), net.constant("value", value)]
    grown = [size + pads[axis] + pads[axis + 4] for axis, size in enumerate(shape)]
    pad = net.add("Pad", inputs, grown, mode=mode)
    branches = [net.conv(pad, 2, 3, pads=[own] * 4) for _ in range(readers)]
    if readers > 1:
        net.concat(*branches)
    return tidy(net.model())


@pytest.mark.parametrize("options", [{}, {"last": True, "pads": (0, 1, 2, 0, 0, 3, 0, 0)}, {"readers": 2}, {"own": 1}])
def test_the_convolution_pads_instead(options):
    model = padded(**options)
    absorbed = absorb_padding(model)
    assert "Pad" not in op_types(absorbed)
    image = image_for(model)
    assert np.array_equal(execute(absorbed, image), execute(model, image))


@pytest.mark.parametrize("options", [
    {"value": 1.0}, {"mode": "reflect"}, {"pads": (0, 1, 0, 0, 0, 0, 0, 0)}, {"pads": (0, 0, -1, 0, 0, 0, 0, 0)},
])
def test_other_padding_stays_for_the_legality_check(options):
    net = Net()
    pads = options.get("pads", (0, 0, 1, 1, 0, 0, 1, 1))
    image = net.quant("x")
    grown = [size + pads[axis] + pads[axis + 4] for axis, size in enumerate((1, 2, 4, 6))]
    inputs = [image, net.constant("pads", pads, np.int64), net.constant("value", options.get("value", 0.0))]
    net.conv(net.add("Pad", inputs, grown, mode=options.get("mode", "constant")), 2, 3, pads=[0] * 4)
    assert "Pad" in op_types(absorb_padding(tidy(net.model())))


def test_padding_in_front_of_another_operator_stays():
    net = Net()
    pad = net.add("Pad", [net.quant("x"), net.constant("pads", (0, 0, 1, 1, 0, 0, 1, 1), np.int64)], (1, 2, 6, 8))
    net.relu(pad)
    assert "Pad" in op_types(absorb_padding(tidy(net.model())))


def test_the_input_graph_stays_as_it_was():
    model = padded()
    before = model.model.SerializeToString()
    absorb_padding(model)
    assert model.model.SerializeToString() == before
