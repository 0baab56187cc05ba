"""Activations with a scale a channel: the weights that read them take the scales in, where these have a measure."""

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest
from tests.builders import Net, op_types
from tests.executors import Executors


def network(scales, *, kind="Conv", scale=0.07, zero=0, group=1, pads=1):
    """A layer that reads an image with these scales of its channels, and a quantizer behind it."""
    channels = len(scales)
    net = Net((1, channels, 4, 6))
    image = net.quant(net.conv(net.quant("x", 5, scale=0.03), channels, 1, group=channels), 4,
                      scale=np.reshape(scales, (1, channels, 1, 1)))
    net.constant(net.nodes[-1].input[2], zero)
    if kind == "Conv":
        sums = net.conv(image, 2 * group, pads=[pads] * 4, group=group)
    else:
        sums = net.add("ConvTranspose", [image, net.weights((channels, 2, 2, 2))], (1, 2, 8, 12), kernel_shape=[2, 2],
                       strides=[2, 2])
    net.quant(sums, 5, scale=scale, signed=1)
    return net


BUILT = {
    "powers of two": ((0.25, 1.0, 0.5), {}), "whole multiples": ((0.375, 0.75, 1.125), {}),
    "in groups of their own": ((0.3, 0.3, 0.7, 0.7), {"group": 2}),
    "upsampled": ((0.25, 0.5), {"kind": "ConvTranspose"}),
    "with a zero point": ((0.25, 1.0, 0.5), {"zero": 3, "pads": 0}),
    "to a power of two": ((0.25, 0.5), {"scale": 0.125}),
}


@pytest.mark.parametrize("name", BUILT)
def test_scales_with_a_measure_go_into_the_weights(name, tmp_path):
    scales, options = BUILT[name]
    case = Executors(network(scales, **options).model(), tmp_path)
    assert case.check_exactly()
    case.check_file()
    case.check_emulator()


def test_scales_without_a_measure_are_refused_and_the_remedy_works():
    with pytest.raises(IllegalGraphError, match="it sums channels of different scales, which weights of 24 bits do not "
                                                "bring together; put a quantizer with one scale in front of it"):
        ingest(network((0.3, 0.7)).model())
    net = Net((1, 2, 4, 6))
    image = net.quant(net.quant("x", 5, scale=np.reshape((0.3, 0.7), (1, 2, 1, 1))), 5, scale=0.11)
    net.conv(image, 2)
    assert "Conv" in op_types(ingest(net.model()).model)


@pytest.mark.slow
def test_they_are_exact_in_simulation(tmp_path):
    case = Executors(network((0.25, 1.0, 0.5)).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
