"""Brevitas's own quantizers through the whole flow: float scales, float biases, batch normalization unfolded."""

import numpy as np
import pytest
from brevitas.quant import Int8WeightPerChannelFloat

from quantunet_hls import generate_accelerator
from quantunet_hls.emulate.accuracy import emulate_graph
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import export_module, ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.reports import names
from quantunet_hls.tuning.precision import PrecisionError, chosen_types, precision_of, with_precision
from quantunet_hls.types import parse_type
from tests.brevitas_nets import default_quantizers

SHAPE = (1, 12, 16)
SETTINGS = [{}, {"activation": "prelu", "bits": 8, "weights": Int8WeightPerChannelFloat}]


@pytest.fixture(scope="module", params=SETTINGS, ids=["relu", "prelu"])
def network(request):
    module = default_quantizers(**request.param)
    return module, ingest(export_module(module, SHAPE))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 1, (2, 12, 16, 1)).astype(np.float32)


def test_the_hardwares_graph_is_the_file_in_fractions_and_the_module_agrees(network, images):
    module, graph = network
    found = reference(graph, images, module)
    assert not any(check.differing for check in found.checks)
    assert any(check.layer is None for check in found.checks)
    assert found.float_levels == 0
    assert graph.nearest_threshold is not None
    assert 0 < graph.nearest_threshold < 0.5


def test_the_emulator_gives_the_modules_logits_to_the_last_bits(network, images):
    module, graph = network
    import torch

    logits = emulate_graph(graph).predict(images)
    expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2))).detach().numpy().transpose(0, 2, 3, 1)
    # The module computes in single precision; its integers, of which these are multiples, are the same.
    step = float(min(chain.line.factor for chain in graph.scales.output))
    assert np.abs(logits - expected).max() < step / 100


def test_masks_are_those_of_the_logits(network, images):
    module, graph = network
    mask = ingest(export_module(module, SHAPE), "mask")
    logits = emulate_graph(graph).predict(images)
    assert np.array_equal(emulate_graph(mask).predict(images)[..., 0], logits.argmax(-1))


def test_types_say_nothing_of_such_scales(network):
    _, graph = network
    types = infer_types(graph.model)
    precision = precision_of(types)
    assert with_precision(graph, precision) is not None
    name = next(node.name for node in graph.model.graph.node if node.op_type == "Conv")
    precision.layers[name]["weight"] = parse_type("fixed<3,3>")
    with pytest.raises(PrecisionError, match="scales that are no powers of two"):
        with_precision(graph, precision)
    fitted = next(node.name for node in graph.model.graph.node if node.op_type == "Requantize")
    precision.layers[fitted]["result"] = parse_type("ufixed<12,10>")
    with pytest.raises(PrecisionError, match="the network's own quantizer"):
        chosen_types(graph, precision)


@pytest.mark.slow
def test_the_whole_flow(tmp_path):
    made = generate_accelerator(default_quantizers(), "zcu104", input_shape=SHAPE, projects=tmp_path / "projects",
                                reports=tmp_path / "reports")
    assert made.differing == 0
    assert made.report.figure(names.FLOAT_LEVELS_DIFFERING).value == 0
    assert made.report.figure(names.NEAREST_THRESHOLD).value > 0
