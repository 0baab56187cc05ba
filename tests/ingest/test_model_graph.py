"""One reader of hls4ml's ModelGraph for all backends; each executor refuses what it alone can't compute."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hls4ml.model.types import FixedPrecisionType

import quantunet_hls
from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.emulate import Emulator
from quantunet_hls.ingest.model_graph import read_cpp, read_network
from tests.emulate.networks import Network


def network(backend: str = "Vitis") -> Network:
    made = Network(np.random.default_rng(3), 6, 8, 2, name="read", backend=backend)
    made.convolve(3, reuse=3)
    made.activate("relu", "ufixed<5,2,RND,SAT>")
    skip, channels = made.last, made.channels
    made.pool("Max")
    made.convolve(3, depthwise=True)
    made.resize(2, 2)
    made.concatenate(skip, channels)
    made.activate("sigmoid", precision={"table": "fixed<18,8>"})
    return made


def node_of(model, kind: str):
    return next(node for node in model.get_layers() if node.class_name == kind)


def test_backends_differ_in_how_they_arrange_layers_and_not_in_what_these_compute(tmp_path):
    cpp = read_network(network().build(tmp_path / "cpp"))
    rtl = read_network(network("StreamingRTL").build(tmp_path / "rtl"))
    assert any(layer.kind == "padding" for layer in cpp.layers)
    kept = [layer for layer in cpp.layers if layer.kind != "padding"]
    assert [layer.name for layer in kept] == [layer.name for layer in rtl.layers]
    for one, other in zip(kept, rtl.layers, strict=True):
        assert (one.kind, one.shape, one.stages) == (other.kind, other.shape, other.stages)
        if one.kind == "convolution":
            assert np.array_equal(one.weights, other.weights)
            assert np.array_equal(one.bias, other.bias)
            assert (one.weight_fraction, one.accumulator, one.depthwise) == (
                other.weight_fraction, other.accumulator, other.depthwise)
    assert (cpp.output, cpp.channels_first) == (rtl.output, rtl.channels_first)


def test_a_fork_is_its_source(tmp_path):
    model = network().build(tmp_path)
    assert any(node.class_name == "Clone" for node in model.get_layers())
    read = read_network(model)
    relu = next(layer.name for layer in read.layers if layer.kind == "pointwise")
    assert len(read.readers(relu)) == 2


def test_a_fork_is_a_function_of_the_cpp_between_two_streams(tmp_path):
    design = read_cpp(network().build(tmp_path))
    fork = next(each for each in design.layers if each.kind == "Clone")
    assert fork.layer is None
    (given,) = fork.inputs
    taken = [stream for stream in design.streams if stream.writer == fork.name]
    assert len(taken) == 2
    for stream in taken:
        assert (stream.shape, stream.type) == (given.shape, given.type)


def test_the_cpp_has_the_layers_of_the_network_and_hls4mls_streams(tmp_path):
    model = network().build(tmp_path)
    design = read_cpp(model)
    read = read_network(model)
    layers = [each.layer for each in design.layers if each.layer is not None]
    assert [(layer.kind, layer.name, layer.shape) for layer in layers] == [
        (layer.kind, layer.name, layer.shape) for layer in read.layers]
    # Untouched, hls4ml lets each stream hold a frame.
    assert [stream.depth for stream in design.streams] == [stream.shape.pixels for stream in design.streams]
    assert sum(stream.bits for stream in design.streams) == sum(stream.frame_bits for stream in design.streams)
    relu = next(each for each in design.layers if each.kind == "Activation")
    assert relu.inputs[0].type == read.by_name[relu.inputs[0].writer].type
    (convolution,) = (each for each in design.layers if each.kind == "Conv2D")
    weights = node_of(model, "Conv2D").weights["weight"]
    assert (convolution.reuse, convolution.weight.width) == (3, weights.type.precision.width)
    assert convolution.accumulator == convolution.layer.accumulator


def test_a_design_is_of_the_streaming_cpp_only(tmp_path):
    model = network("StreamingRTL").build(tmp_path)
    with pytest.raises(ConfigurationError, match="those of the streaming C\\+\\+ of Vitis and Vivado"):
        read_cpp(model)


def test_nobody_else_reads_hls4mls_layers():
    package = Path(quantunet_hls.__file__).parent
    readers = {path.relative_to(package).as_posix() for path in package.rglob("*.py")
               for node in ast.walk(ast.parse(path.read_text()))
               if isinstance(node, ast.Attribute) and node.attr in ("get_layers", "get_attr", "class_name")}
    assert readers == {"ingest/model_graph.py", "ops/model_graph.py"}


def test_the_emulator_follows_the_streaming_cpp_only(tmp_path):
    model = network("StreamingRTL").build(tmp_path)
    with pytest.raises(ConfigurationError, match="Emulation follows the streaming C\\+\\+ of Vitis and Vivado"):
        Emulator(model)


@pytest.mark.parametrize(("kind", "attribute", "value", "refusal"), [
    ("Conv2D", "dilation_height", 2, "hls4ml's own loop does not dilate its kernel"),
    ("Conv2D", "strategy", "distributed_arithmetic", "the strategy distributed_arithmetic can't be emulated"),
])
def test_what_cpp_computes_otherwise_is_read_and_refused_by_the_emulator(kind, attribute, value, refusal, tmp_path):
    model = network().build(tmp_path)
    node_of(model, kind).set_attr(attribute, value)
    assert read_network(model).layers
    with pytest.raises(IllegalGraphError, match=refusal):
        Emulator(model)


def test_a_result_with_the_channels_first_is_refused_by_the_emulator(tmp_path):
    read = read_network(network().build(tmp_path))
    with pytest.raises(IllegalGraphError, match="channels first"):
        Emulator(replace(read, channels_first=True))


@pytest.mark.parametrize(("kind", "attribute", "value", "refusal"), [
    ("Activation", "activation", "tanh", "no emulation and no RTL for the activation 'tanh'"),
    ("Activation", "activation", "elu", "no emulation and no RTL for the activation 'elu'"),
    ("Pooling2D", "pool_op", "l2", "there is no arithmetic for l2 pooling"),
    ("Pooling2D", "stride_height", 1, "hls4ml's own pooling computes no padded or overlapping windows"),
    ("Resize", "algorithm", "bilinear", "but for nearest upsampling"),
    ("Concatenate", "axis", 1, "only channels can be concatenated"),
])
def test_what_nobody_computes_is_refused_by_the_reader(kind, attribute, value, refusal, tmp_path):
    model = network().build(tmp_path)
    node_of(model, kind).set_attr(attribute, value)
    with pytest.raises(IllegalGraphError, match=refusal):
        read_network(model)


def test_a_sigmoid_whose_index_would_overflow_in_cpp_is_refused_by_the_emulator(tmp_path):
    made = Network(np.random.default_rng(0), 4, 4, 1)
    made.activate("linear", "fixed<40,30>")
    made.activate("sigmoid", precision={"table": "fixed<18,8>"})
    model = made.build(tmp_path)
    assert read_network(model).layers
    with pytest.raises(IllegalGraphError, match="a sigmoid table of 1024 entries for fixed<40,30"):
        Emulator(model)


def test_an_upsampling_into_another_type_is_refused_by_the_emulator(tmp_path):
    made = Network(np.random.default_rng(0), 4, 4, 1)
    made.activate("linear", "fixed<8,4>")
    made.resize(2, 2)
    model = made.build(tmp_path)
    node_of(model, "Resize").get_output_variable().type.precision = FixedPrecisionType(6, 4)
    assert read_network(model).layers
    with pytest.raises(IllegalGraphError, match="one type for both ends of it, not fixed<8,4"):
        Emulator(model)
