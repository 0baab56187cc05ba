"""Files that ask for more than there is: one sentence, before anything of that size is made."""

import os
import resource

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.ingest import ingest, limits, load_qonnx, run_graph
from quantunet_hls.ingest.limits import numbers_of
from quantunet_hls.ingest.source import open_source
from quantunet_hls.nets import QuantUNet, UNetConfig
from quantunet_hls.nets.architectures import shape_of
from tests.builders import Net, small_unet

#: Bytes that refusing a small file may take at most; the sizes below would take gigabytes.
MOST = 200 << 20


@pytest.fixture
def frugal():
    """Whatever a test does, the process's peak of memory hardly grows."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before < MOST


def refused(path, match):
    with pytest.raises(QuantUNetError, match=match) as caught:
        ingest(load_qonnx(path))
    assert "\n" not in str(caught.value)
    return caught.value


def saved(folder, proto):
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize(("height", "width"), [(8192, 8192), (65536, 65536), (2**40, 2), (2**31, 2**31)])
def test_images_of_any_size(height, width, tmp_path, frugal):
    proto = small_unet().proto("t16")
    for entry in (*proto.graph.input, *proto.graph.output):
        dims = entry.type.tensor_type.shape.dim
        dims[2].dim_value, dims[3].dim_value = height, width
    refused(saved(tmp_path, proto), "pixels x channels.* are the limit; use smaller images or fewer channels|malformed")


def computed(op_type, shape, **attributes):
    """A network whose weights an operator makes of a few numbers."""
    net = Net()
    inputs = {"ConstantOfShape": [net.constant("size", shape, np.int64)],
              "Expand": [net.constant("one", np.ones((1,) * len(shape))), net.constant("size", shape, np.int64)],
              "Tile": [net.constant("one", np.ones((1,) * len(shape))), net.constant("size", shape, np.int64)],
              "Resize": [net.constant("one", np.ones((1,) * len(shape))), "", net.constant("size", shape)],
              "Range": [net.constant("from", 0), net.constant("to", np.prod(shape, dtype=float)),
                        net.constant("by", 1)]}[op_type]
    weights = net.add(op_type, inputs, shape, **attributes)
    net.conv(net.quant("x"), 2, weights=net.quant(weights, signed=1))
    return net.proto(net.nodes[-1].output[0])


@pytest.mark.parametrize("op_type", ["ConstantOfShape", "Expand", "Tile", "Resize", "Range"])
@pytest.mark.parametrize("filters", [2**14, 2**31, 2**40])
def test_constants_that_operators_blow_up(op_type, filters, tmp_path, frugal):
    refused(saved(tmp_path, computed(op_type, (filters, 2**10, 3, 3))), "are the limit|malformed|can't be inferred")


@pytest.mark.parametrize("dims", [[2**62, 2, 3, 3], [2**31, 2**31], [-1, 3], [2**20, 2**20]])
def test_constants_that_claim_what_is_not_there(dims, tmp_path, frugal):
    proto = small_unet().proto("t16")
    proto.graph.initializer[0].dims[:] = dims
    refused(saved(tmp_path, proto), "are the limit|negative size")


def test_more_nodes_than_anybody_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_NODES", 16)
    refused(saved(tmp_path, small_unet().proto("t16")), "has 17 nodes, where 16 are the limit; export a smaller")


def test_one_constant_that_many_nodes_read_counts_at_each(monkeypatch):
    net = Net()
    weights = net.constant("w", np.full((2, 2, 3, 3), 0.5))
    last = net.quant("x")
    for _ in range(10):
        last = net.quant(net.conv(last, 2, weights=weights))
    monkeypatch.setattr(limits, "MAX_CONSTANTS", 300)
    with pytest.raises(ConfigurationError, match=r"nodes read hold \d+ numbers, where 300 are the limit"):
        ingest(net.model())


def test_a_concat_of_many_counts_as_the_chain_that_it_becomes(monkeypatch):
    net = Net((1, 2, 64, 64))
    image = net.quant("x")
    net.concat(*[net.quant(image) for _ in range(6)])
    monkeypatch.setattr(limits, "MAX_TENSORS", 2 * 64 * 64 * (1 + 6 + 6))
    with pytest.raises(ConfigurationError, match=r"makes of one image hold .* are the limit"):
        ingest(net.model())


def test_so_many_images_as_a_check_can_hold_and_the_remedy_works(monkeypatch):
    graph = ingest(small_unet().model())
    monkeypatch.setattr(limits, "MAX_TENSORS", 2000)
    with pytest.raises(ConfigurationError, match=r"tensors of 8 images hold .* 2,000 are the limit; check 3 at most"):
        run_graph(graph.model, np.zeros((8, 4, 6, 2)))
    run_graph(graph.model, np.zeros((3, 4, 6, 2)))


def outside(folder, location="data.bin", content=None, **entries):
    proto = small_unet().proto("t16")
    tensor = next(tensor for tensor in proto.graph.initializer if tensor.name.startswith("w"))
    content = tensor.raw_data if content is None else content
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    if location == "data.bin" and content:
        (folder / location).write_bytes(content)
    return saved(folder, proto)


def test_data_beside_the_file(tmp_path):
    there = ingest(load_qonnx(outside(tmp_path)))
    inside = ingest(small_unet().model("t16"))
    assert [numpy_helper.to_array(tensor).tolist() for tensor in there.model.graph.initializer] == [
        numpy_helper.to_array(tensor).tolist() for tensor in inside.model.graph.initializer]


@pytest.mark.parametrize("options", [
    {"location": "../data.bin"}, {"location": "/etc/hostname"}, {"location": ""}, {"location": "."},
    {"location": "gone.bin"}, {"content": b"12"}, {"offset": "8"}, {"offset": "-8"}, {"offset": "9" * 400},
    {"offset": "x"}, {"length": "1000000000000"}, {"length": "3"}, {"location": "n" * 5000}], ids=str)
def test_data_that_lies_elsewhere_or_is_not_there(options, tmp_path, frugal):
    refused(outside(tmp_path, **options), "can't be read")


def test_data_that_is_a_pipe_a_device_or_a_link_out_of_the_folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    (tmp_path / "secret").write_bytes(b"1" * 4096)
    (folder / "link").symlink_to(tmp_path / "secret")
    for name in ("pipe", "zero", "link"):
        refused(outside(folder, name), "can't be read")


def test_a_longer_file_gives_only_what_the_constant_claims(tmp_path, frugal):
    path = outside(tmp_path)
    with (tmp_path / "data.bin").open("ab") as stream:
        stream.truncate(1 << 40)
    ingest(load_qonnx(path))


def test_files_that_are_none(tmp_path):
    pipe, device = tmp_path / "pipe.onnx", tmp_path / "device.onnx"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path, kind in ((pipe, "named pipe"), (device, "device"), (tmp_path / ("n" * 5000), "no ONNX file")):
        refused(path, kind)


def test_a_file_larger_than_any_model(tmp_path, frugal):
    path = tmp_path / "large.onnx"
    with path.open("wb") as stream:
        stream.truncate(limits.FILE_BYTES + 1)
    refused(path, "1,073,741,824 are the limit")


def wrapped(number, content):
    """A protobuf field of that number that holds a message."""
    size, length = b"", len(content)
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


@pytest.mark.parametrize("depth", [1, 20, 10_000])
def test_graphs_in_nodes_in_graphs(depth, tmp_path):
    graph = b""
    for _ in range(depth):
        # A graph's node (1) has an attribute (5) that holds a graph (6).
        graph = wrapped(1, wrapped(2, b"y") + wrapped(5, wrapped(6, graph)))
    path = tmp_path / "net.onnx"
    path.write_bytes(wrapped(7, graph))
    refused(path, "can't be read as an ONNX model|runs a graph of its own")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fixedpoint_paper", "original"])
def test_the_networks_of_the_papers_are_within_the_limits_at_512(name):
    net = QuantUNet(UNetConfig(**shape_of(name))).eval()
    small, large = (numbers_of(ModelWrapper(open_source(net, (1, size, size)).graph().model).transform(InferShapes()))
                    for size in (32, 64))
    # What is made of an image grows with its pixels; what is made of constants doesn't.
    of_a_pixel = (large - small) / (64 * 64 - 32 * 32)
    assert 5e8 < small + of_a_pixel * (512 * 512 - 32 * 32) < limits.MAX_TENSORS * 0.6
    assert sum(parameter.numel() for parameter in net.parameters()) < limits.MAX_CONSTANTS
