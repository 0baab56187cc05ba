import math

import numpy as np

from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.tuning.bits import LayerBits, count_bits, hls4ml_bits
from tests.builders import Net


def network():
    net = Net((1, 4, 4, 4))
    values = np.zeros((2, 4, 3, 3), dtype=np.float32)
    values[0, 0, 1, 1] = 0.875
    net.conv(net.quant("x", 6, -3), 2, 3, values=values, bias=[0, 0])
    return ingest(net.model())


def test_hls4mls_own_inference_looks_at_widths_only():
    (found,) = hls4ml_bits(network()).layers.values()
    # 6 + 4 bits a product and log2 of 36 of them; a bias of 8 bits lies inside, and its sum takes one bit more.
    assert found.accumulator_width in (10 + math.ceil(math.log2(36)), 10 + math.ceil(math.log2(36)) + 1)
    assert (found.weights, found.weight_width, found.accumulators) == (72, 4, 2)


def test_the_proof_looks_at_the_weights():
    graph = network()
    count = count_bits(graph, infer_types(graph.model))
    (found,) = count.layers.values()
    # 63 * 7 eighths of an eighth, from 0 on: 441 takes nine bits and no sign; weights 0 and 7 take a sign and three.
    assert found == LayerBits(72, 4, 2, 9)
    assert (count.weight_bits, count.accumulator_bits, count.accumulator_widths, count.total) == (288, 18, 9, 306)
