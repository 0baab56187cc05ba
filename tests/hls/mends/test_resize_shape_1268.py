import warnings

import hls4ml
import numpy as np
import pytest
from hls4ml.converters.onnx_to_hls import layer_handlers

from quantunet_hls.hls.mends import mended, resize_shape_1268
from quantunet_hls.hls.mends.resize_shape_1268 import with_factors
from quantunet_hls.ingest import ingest
from tests.builders import Net


def upsampling(rows=2, columns=3):
    net = Net((1, 2, 4, 6))
    net.conv(net.resize(net.quant("x"), rows, columns), 2, 1)
    return ingest(net.model()).model


def convert(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hls4ml.converters.convert_from_onnx_model(
            model.model, output_dir="unused", backend="Vitis", io_type="io_stream",
            hls_config={"Model": {"Precision": "fixed<16,6>", "ReuseFactor": 1}})


def test_fact_1_plain_hls4ml_fails_on_the_empty_region_of_interest(capsys):
    with pytest.raises((ValueError, RuntimeError), match=r"empty array|Could not find the shape"):
        convert(upsampling())


def test_fact_4_plain_hls4ml_swaps_height_and_width(capsys):
    """With a region of interest that it accepts; when this fails, the mend is no longer needed."""
    model = upsampling(2, 2)
    resize = next(node for node in model.graph.node if node.op_type == "Resize")
    model.set_initializer(resize.input[1], np.zeros(8, dtype=np.float32))
    try:
        layer = next(layer for layer in convert(model).get_layers() if layer.class_name == "Resize")
    except Exception:  # it may also refuse the graph that its own swap made inconsistent
        return
    assert (layer.attributes["out_height"], layer.attributes["out_width"]) != (8, 12)


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (1, 2), (3, 1)])
def test_mended_the_size_is_right(rows, columns, capsys):
    with mended("Vitis"):
        graph = convert(with_factors(upsampling(rows, columns)))
    layer = next(layer for layer in graph.get_layers() if layer.class_name == "Resize")
    sizes = [layer.attributes[name] for name in ("in_height", "in_width", "out_height", "out_width", "n_chan")]
    assert sizes == [4, 6, 4 * rows, 6 * columns, 2]


def test_hls4mls_table_comes_back_even_after_an_error():
    theirs = layer_handlers["Resize"]
    with resize_shape_1268.applied():
        assert layer_handlers["Resize"] is not theirs
    assert layer_handlers["Resize"] is theirs
    with pytest.raises(KeyError), resize_shape_1268.applied():
        raise KeyError
    assert layer_handlers["Resize"] is theirs


def test_the_graph_for_hls4mls_eyes_is_a_copy():
    model = upsampling()
    before = model.model.SerializeToString()
    with_factors(model)
    assert model.model.SerializeToString() == before
