"""Transposed convolutions whose kernel is their stride, built as convolutions of one pixel, in every executor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ingest import ingest, run_graph
from quantunet_hls.ingest.facts import convolution_work
from quantunet_hls.ingest.passes.phases import in_phases
from quantunet_hls.ingest.ranges import infer_types
from tests.builders import Net, op_types
from tests.executors import Executors


def upwards(kernel=2, stride=2, *, filters=3, bits=4, biased=True, behind="relu", pads=0, seed=0):
    """A transposed convolution between quantizers, with or without a ReLU."""
    net = Net((1, 2, 3, 4), seed=seed)
    inputs = [net.quant("x"), net.weights((2, filters, kernel, kernel))]
    if biased:
        inputs.append(net.quant(net.constant("b", net.random.uniform(-1, 1, filters)), 8, -6, signed=1))
    shape = [(size - 1) * stride + kernel - 2 * pads for size in (3, 4)]
    up = net.add("ConvTranspose", inputs, (1, filters, *shape), name="up", kernel_shape=[kernel] * 2,
                 strides=[stride] * 2, pads=[pads] * 4)
    if behind == "relu":
        up = net.add("Relu", [up], net.shapes[up])
    if behind == "scales":
        net.quant(up, bits, signed=1, scale=0.3)
    elif behind:
        net.quant(up, bits, -2, signed=int(behind != "relu"))
    return net


def built(net):
    graph = ingest(net.model())
    types = infer_types(graph.model)
    return graph, *in_phases(graph.model, types)


@settings(max_examples=25, deadline=None)
@given(stride=st.integers(2, 4), filters=st.integers(1, 3), biased=st.booleans(),
       behind=st.sampled_from(["relu", "signed", "scales", ""]), seed=st.integers(0, 99))
def test_what_is_built_computes_the_networks_numbers_from_a_fraction_of_the_products(stride, filters, biased, behind,
                                                                                     seed):
    net = upwards(stride, stride, filters=filters, biased=biased, behind=behind, seed=seed)
    graph, model, types = built(net)
    assert op_types(model)[1] == "Conv"
    assert op_types(model)[-1] == "PixelBlocks"
    images = np.random.default_rng(seed).uniform(-1, 3, (2, *graph.input_shape))
    expected, found = (run_graph(each, images) for each in (graph.model, model))
    shared = set(expected) & set(found)
    assert graph.model.graph.output[0].name in shared
    for name in shared:
        assert np.array_equal(expected[name], found[name]), name
    (work,) = convolution_work(graph).values()
    assert work.macs == 3 * 4 * stride**2 * 2 * filters
    # The proof knows that no two pixels share a product, so the types of both are the same.
    again = infer_types(model)
    for name in {node.name for node in model.graph.node}:
        assert again.layers[name].result == types.layers[name].result
        assert again.layers[name].accumulator == types.layers[name].accumulator


@pytest.mark.parametrize(("kernel", "stride", "pads"), [(3, 2, 0), (2, 3, 0), (4, 2, 1), (3, 3, 1), (1, 1, 0)])
def test_kernels_that_overlap_or_leave_gaps_stay(kernel, stride, pads):
    graph, model, types = built(upwards(kernel, stride, pads=pads))
    assert model is graph.model
    assert types.layers == infer_types(graph.model).layers
    assert "ZeroInsertion" in op_types(model)


@given(stride=st.integers(1, 3), kernel=st.integers(1, 4), seed=st.integers(0, 99))
def test_the_sums_of_a_spread_image_are_proven_phase_by_phase(stride, kernel, seed):
    graph = ingest(upwards(kernel, stride, seed=seed, behind="").model())
    proof = infer_types(graph.model).ranges[graph.model.graph.output[0].name]
    conv = next(node for node in graph.model.graph.node if node.op_type == "Conv")
    weights = graph.model.get_initializer(conv.input[1])
    bias = graph.model.get_initializer(conv.input[2])
    phases = [weights[:, row::stride, column::stride] for row in range(stride) for column in range(stride)]
    # The image lies between 0 and 15/8.
    high = bias + np.max([np.maximum(part, 0).sum((1, 2, 3)) for part in phases], axis=0) * 15 / 8
    assert np.array_equal(np.ldexp(proof.high.astype(float), proof.exponent), high)


def test_what_is_read_twice_stays_where_it_is():
    net = upwards(behind="relu")
    relu = next(node.output[0] for node in net.nodes if node.op_type == "Relu")
    first, second = net.nodes[-1].output[0], net.quant(relu, 3, -1)
    net.concat(first, net.quant(second, 4, -2))
    graph, model, _ = built(net)
    assert op_types(model)[1:4] == ["Conv", "Relu", "PixelBlocks"]
    images = np.random.default_rng(0).uniform(-1, 3, (2, *graph.input_shape))
    result = graph.model.graph.output[0].name
    assert np.array_equal(run_graph(graph.model, images)[result], run_graph(model, images)[result])


@pytest.mark.parametrize("behind", ["relu", "scales"])
def test_the_emulator_computes_it(behind, tmp_path):
    case = Executors(upwards(behind=behind).model(), tmp_path)
    kinds = [layer.class_name for layer in case.model.get_layers()]
    assert "PixelBlocks" in kinds
    assert "ZeroInsertion" not in kinds
    case.check_file()
    case.check_emulator()


@pytest.mark.slow
@pytest.mark.parametrize("behind", ["relu", "signed", "scales"])
def test_it_is_exact_in_every_executor(behind, tmp_path):
    net = upwards(behind=behind)
    if behind != "scales":
        # In front of a join, as in a U-Net; those of other scales can't be joined.
        net.conv(net.concat(net.nodes[-1].output[0], net.resize(net.nodes[0].output[0])), 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_emulator()
    assert "up_out" not in case.check_csim().values()
    graph = case.check_rtl()
    assert "ZeroInsertion" in op_types(case.graph.model)
    assert 3 * 4 * 4 * 2 * 3 in {layer.macs for layer in graph.layers}
    assert "zero insertion" not in {layer.kind for layer in graph.layers}
