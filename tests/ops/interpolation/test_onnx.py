"""Linear upsampling: where ONNX says that pixels lie, what is proven of them, what is refused, and every executor."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest, run_graph, violations
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.interpolation.onnx import places_of_mode
from tests.builders import Net, execute, image_for, op_types
from tests.executors import Executors

MODES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")


def coordinate(mode: str, x: int, pixels: int, size: int) -> Fraction:
    """ONNX's formula, within the image."""
    scale = Fraction(size, pixels)
    if mode == "align_corners":
        place = Fraction(x * (pixels - 1), size - 1)
    elif mode == "asymmetric":
        place = x / scale
    else:
        place = (x + Fraction(1, 2)) / scale - Fraction(1, 2)
    return min(max(place, Fraction(0)), Fraction(pixels - 1))


def linear(image: np.ndarray, rows: int, columns: int, mode: str) -> list[list[Fraction]]:
    """An image (height, width) in another size, pixel by pixel."""
    height, width = image.shape
    result = []
    for y in range(rows):
        result.append([])
        for x in range(columns):
            down, across = coordinate(mode, y, height, rows), coordinate(mode, x, width, columns)
            total = Fraction(0)
            for row, share in ((floor(down), 1 - down + floor(down)), (floor(down) + 1, down - floor(down))):
                for column, part in ((floor(across), 1 - across + floor(across)),
                                     (floor(across) + 1, across - floor(across))):
                    if share and part:
                        total += share * part * Fraction(float(image[row, column]))
            result[-1].append(total)
    return result


def upsampled(net: Net, source: str, rows: float, columns: float, mode: str, **attributes) -> str:
    return net.resize(source, rows, columns, mode="linear", coordinate_transformation_mode=mode, **attributes)


@given(st.sampled_from(MODES), st.integers(1, 9), st.integers(1, 30))
def test_pixels_lie_where_onnx_says(mode, pixels, more):
    places = places_of_mode(mode, pixels, pixels + more)
    before, behind, weight = places.between()
    for x in range(places.size):
        place = coordinate(mode, x, pixels, places.size)
        share = Fraction(int(weight[x]), places.parts) if before[x] != behind[x] else 0
        assert before[x] + share == place
        assert behind[x] - before[x] in (0, 1)
    # What the hardware relies on: no pixel is skipped, and the last one is reached.
    assert set(before) | set(behind) == set(range(pixels))
    assert before[-1] == pixels - 1


@settings(max_examples=30)
@given(st.sampled_from(MODES), st.tuples(st.integers(1, 4), st.integers(1, 4)),
       st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(0, 99))
def test_the_values_are_onnx_in_exact_arithmetic(mode, size, factors, seed):
    net = Net((1, 1, *size), seed=seed)
    net.quant(upsampled(net, net.quant("x", 4, -2), *factors, mode), 5, -2)
    graph = ingest(net.model())
    image = np.random.default_rng(seed).integers(0, 16, (1, *size, 1)) / 4
    tensors = run_graph(graph.model, image)
    found = tensors[graph.model.graph.node[-1].input[0]]
    expected = linear(image[0, :, :, 0], size[0] * factors[0], size[1] * factors[1], mode)
    assert found.shape[1:3] == (len(expected), len(expected[0]))
    assert all(float(value) == seen for row, line in zip(expected, found[0, :, :, 0], strict=True)
               for value, seen in zip(row, line, strict=True))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("mode", "rows", "columns"), [
    ("half_pixel", 2, 4), ("pytorch_half_pixel", 1, 2), ("asymmetric", 2, 2), ("half_pixel", 8, 1)])
def test_powers_of_two_are_fixed_point_numbers_in_both_layouts(mode, rows, columns, last):
    net = Net((1, 3, 4, 2) if last else (1, 2, 3, 4), last=last)
    net.relu(upsampled(net, net.quant("x", 4, -2, signed=1), rows, columns, mode))
    graph = ingest(net.model())
    assert op_types(graph.model)[1:-1] == ["Interpolation"] * ((rows > 1) + (columns > 1))
    image = image_for(tidy(net.model())) - 1
    result = run_graph(graph.model, graph.from_original("x", image))[graph.model.graph.output[0].name]
    assert np.array_equal(result, graph.from_original(net.nodes[-1].output[0], execute(tidy(net.model()), image)))


@given(st.sampled_from([("half_pixel", 2), ("half_pixel", 4), ("asymmetric", 4), ("half_pixel", 3)]),
       st.integers(1, 5), st.booleans())
def test_the_type_is_the_narrowest_that_holds_every_value(kind, bits, signed):
    mode, factor = kind
    net = Net((1, 1, 3, 3))
    x = upsampled(net, net.quant("x", bits + signed, -2, signed=int(signed)), factor, factor, mode)
    net.quant(x, 4, -2)
    types = infer_types(ingest(net.model()).model)
    port, *layers = types.layers.values()
    found = layers[1].result
    # A value between pixels lies between their values, and each pixel's own value occurs.
    assert found.integer == port.result.integer
    assert found.signed == port.result.signed
    if factor != 3:
        assert found.fraction - port.result.fraction == {("half_pixel", 2): 4, ("half_pixel", 4): 6,
                                                         ("asymmetric", 4): 4}[kind]


def refused(net: Net) -> list[tuple[str, str]]:
    return [(error.rule, error.remedy) for error in violations(tidy(net.model()))]


def test_fractions_need_a_quantizer_right_behind():
    net = Net()
    x = upsampled(net, net.quant("x"), 2, 2, "align_corners")
    net.relu(x)
    ((rule, remedy),) = refused(net)
    assert rule == "values between its pixels are fractions of 77, and no fixed-point numbers"
    assert "quantizer right behind it" in remedy
    assert "without align_corners" in remedy
    # Both remedies work.
    for mode, quantized in (("align_corners", True), ("half_pixel", False)):
        net = Net()
        x = upsampled(net, net.quant("x"), 2, 2, mode)
        net.relu(net.quant(x) if quantized else x)
        assert refused(net) == []


@pytest.mark.parametrize(("attributes", "rule"), [
    ({"coordinate_transformation_mode": "tf_crop_and_resize"}, "coordinates tf_crop_and_resize"),
    ({"exclude_outside": 1}, "leave out what lies outside"),
    ({"mode": "cubic"}, "cubic upsampling has no hardware kernel"),
])
def test_other_ways_to_resize(attributes, rule):
    net = Net()
    settings = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"} | attributes
    net.relu(net.resize(net.quant("x"), **settings))
    ((found, _),) = refused(net)
    assert rule in found


def test_channels_are_not_upsampled():
    net = Net()
    net.relu(net.resize(net.quant("x"), 2, 2, channels=2, mode="linear", coordinate_transformation_mode="half_pixel"))
    with pytest.raises(IllegalGraphError, match="only height and width can be upsampled"):
        ingest(net.model())


def test_a_size_that_stays_is_a_copy():
    net = Net()
    net.relu(upsampled(net, net.quant("x"), 1, 1, "align_corners"))
    graph = ingest(net.model())
    assert "Interpolation" not in op_types(graph.model)


def bilinear_unet(mode: str, factor: int, *, quantized: bool, seed: int) -> Net:
    """Down by a factor, up again bilinearly, beside the skip connection."""
    net = Net((1, 2, 2 * factor, 3 * factor), seed=seed)
    skip = net.quant(net.relu(net.conv(net.quant("x", 5, -3), 3)), 3, -2)
    deep = net.quant(net.conv(net.pool(skip, (factor, factor)), 4), 4, -2, signed=1)
    up = upsampled(net, deep, factor, factor, mode)
    net.conv(net.concat(skip, net.quant(up, 4, -2, signed=1) if quantized else up), 2, kernel=1)
    return net


NETS = [("half_pixel", 2, False), ("pytorch_half_pixel", 4, False), ("asymmetric", 2, False),
        ("align_corners", 2, True), ("half_pixel", 3, True), ("align_corners", 4, True)]


@pytest.mark.parametrize(("mode", "factor", "quantized"), NETS)
def test_the_emulator_computes_the_same(mode, factor, quantized, tmp_path):
    case = Executors(bilinear_unet(mode, factor, quantized=quantized, seed=factor).model(), tmp_path)
    case.check_file()
    case.check_emulator()
    assert np.unique(case.expected).size > 8


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "factor", "quantized"), NETS)
def test_c_simulation_and_rtl_compute_the_same(mode, factor, quantized, tmp_path):
    case = Executors(bilinear_unet(mode, factor, quantized=quantized, seed=factor).model(), tmp_path)
    case.check_csim()
    case.check_rtl()
