"""The plug-in from outside, and the lowering of graphs that were made for the C++ backend."""

import contextlib
import io
import warnings

import hls4ml
import numpy as np
import pytest
from hls4ml.model.types import FixedPrecisionType, RoundingMode, SaturationMode

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.rtl import backend
from quantunet_hls.rtl.lower import lower
from quantunet_hls.rtl.reference import execute
from tests.builders import Net
from tests.rtl.onnx_models import network

IMAGE = "ufixed<8,0,RND_CONV,SAT>"


@pytest.fixture(scope="module", autouse=True)
def _registered():
    if "streamingrtl" not in hls4ml.backends.get_available_backends():
        backend.register(register_backend=hls4ml.backends.register_backend,
                         register_writer=hls4ml.writer.writers.register_writer)


def converted(model, folder, name, **settings):
    """hls4ml's graph of a model, its prints and its deprecation warnings put aside."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = hls4ml.utils.config_from_onnx_model(model, granularity="name", backend=name,
                                                     default_precision="fixed<16,6>")
        config["LayerName"][model.graph.input[0].name]["Precision"]["result"] = IMAGE
        return hls4ml.converters.convert_from_onnx_model(
            model, hls_config=config, output_dir=str(folder), backend=name, io_type="io_stream", **settings)


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 8, 12, 2)).astype(np.float32) / 256


@pytest.fixture(scope="module")
def c_simulation(model, images, tmp_path_factory):
    """The graph made for the C++ backend, and what its C-simulation gives."""
    graph = converted(model, tmp_path_factory.mktemp("cpp"), "Vitis")
    with contextlib.redirect_stdout(io.StringIO()):
        graph.compile()
    return graph, graph.predict(images)


def test_a_graph_made_for_the_cpp_backend_lowers_to_the_same_integers(c_simulation, images):
    graph, expected = c_simulation
    lowered = lower(read_network(graph), "net")
    stream = lowered.graph
    codes = execute(stream, np.round(images * 256).astype(np.int64))[stream.output.name]
    assert not lowered.channels_first
    assert (codes.reshape(3, -1) * stream.output.type.step == expected).all()
    assert [layer.kind for layer in stream.layers] == [
        "input", "convolution", "pooling", "grouped", "convolution"]


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_values_that_never_reach_the_top_of_their_type_are_pooled(kind, tmp_path):
    net = Net((1, 1, 4, 4))
    net.pool(net.quant(net.quant("x", 4, -4), 6, -2), (2, 2), kind)
    graph = ingest(net.model())
    design = convert(graph.model, infer_types(graph.model), HlsSettings("net", "xczu7ev", 5.0, "Vitis", {}), tmp_path)
    image = np.arange(16).reshape(1, 4, 4, 1)
    stream = lower(read_network(design), "net").graph
    seen = execute(stream, image)[stream.output.name] * stream.output.type.step
    # Sixteenths rounded to quarters, half to even.
    quarters = np.rint(image / 4).reshape(2, 2, 2, 2)
    assert (seen.ravel() == (quarters.max((1, 3)) if kind == "MaxPool" else quarters.mean((1, 3))).ravel() / 4).all()


def test_plain_hls4ml_users_get_the_same_numbers_from_the_rtl(model, images, c_simulation, tmp_path):
    graph = converted(model, tmp_path / "project", "StreamingRTL", cycles_per_frame=6000)
    graph.compile()
    seen = graph.predict(images)
    assert seen.dtype == np.float32
    assert (seen == c_simulation[1]).all()
    assert graph.predict(images[:1]).shape == seen[0].shape
    with pytest.raises(ConfigurationError, match="no whole number of images"):
        graph.predict(images[:, :5])


def test_settings_that_the_backend_lacks_are_refused(model, tmp_path):
    with pytest.raises(ConfigurationError, match="no setting 'boards'"):
        converted(model, tmp_path, "StreamingRTL", boards="zcu104")
    graph = converted(model, tmp_path, "StreamingRTL", cycles_per_frame=5)
    with pytest.raises(ConfigurationError, match="takes at least"):
        graph.write()


def test_what_cannot_be_exact_or_has_no_rtl_is_refused(model, tmp_path):
    def changed(change):
        graph = converted(model, tmp_path, "StreamingRTL")
        change({layer.class_name + str(n): layer for n, layer in enumerate(graph.get_layers())})
        with pytest.raises(IllegalGraphError) as refusal:
            lower(read_network(graph), "net")
        return str(refusal.value)

    def first(layers, kind):
        return next(layer for name, layer in layers.items() if name.startswith(kind))

    def cut(layers):
        first(layers, "Conv2D").get_attr("accum_t").precision = FixedPrecisionType(12, 6)

    def saturating(layers):
        first(layers, "Conv2D").get_attr("accum_t").precision = FixedPrecisionType(
            20, 1, True, RoundingMode.TRN, SaturationMode.SAT)

    def softmax(layers):
        first(layers, "Activation").set_attr("activation", "tanh")

    def bits(layers):
        first(layers, "Conv2D").get_output_variable().type.precision = FixedPrecisionType(
            16, 6, True, RoundingMode.TRN, SaturationMode.WRAP, 1)

    assert "cuts the" in changed(cut)
    assert "saturates between two products" in changed(saturating)
    assert "no RTL for the activation 'tanh'" in changed(softmax)
    assert "saturation bits" in changed(bits)
