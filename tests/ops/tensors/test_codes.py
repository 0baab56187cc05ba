import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.emulate.port import assign_reals
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.sigmoid.stage import Sigmoid
from quantunet_hls.ops.tensors.codes import Codes, assign, rounded
from quantunet_hls.ops.tensors.kernel import compile_stages
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, cast
from tests.emulate.ap_fixed import assigned

TYPES = st.builds(FixedType, st.integers(1, 12), st.integers(-4, 14), st.booleans(), st.sampled_from(ROUNDINGS),
                  st.sampled_from(SATURATIONS))


def all_codes(source: FixedType) -> np.ndarray:
    return np.arange(source.low, source.high + 1)


def run(codes: np.ndarray, source: FixedType, stages, dtype=torch.float32) -> np.ndarray:
    """Numbers behind the stages, as (code, fraction) pairs brought to the last stage's own step."""
    chain = compile_stages(Codes(int(codes.min()), int(codes.max()), source.fraction), stages)
    dtype = dtype if chain.peak < 1 << 24 else torch.float64
    values = chain(torch.from_numpy(codes).to(dtype, copy=True)).double().numpy()
    assert values.min() >= chain.result.low
    assert values.max() <= chain.result.high
    return np.ldexp(values, stages[-1].type.fraction - chain.result.fraction)


@settings(deadline=None, max_examples=300)
@given(TYPES, st.lists(TYPES, min_size=1, max_size=3))
def test_casts_equal_the_integer_reference(source, targets):
    codes = all_codes(source)
    expected, before = codes, source
    for target in targets:
        expected, before = cast(expected, before, target), target
    assert np.array_equal(run(codes, source, [Cast(target) for target in targets]), expected)


@settings(deadline=None, max_examples=300)
@given(TYPES, TYPES, TYPES)
def test_relu_equals_zero_or_the_cast(source, middle, target):
    codes = all_codes(source)
    cast_ = cast(codes, source, middle)
    expected = np.where(cast_ > 0, cast(cast_, middle, target), 0)
    assert np.array_equal(run(codes, source, [Cast(middle), Relu(target)]), expected)


@settings(deadline=None, max_examples=200)
@given(TYPES, TYPES, st.integers(-40, 40), st.integers(0, 6))
def test_leaky_relu(source, target, slope, slope_fraction):
    codes = all_codes(source)
    product = FixedType(40, source.fraction + slope_fraction)
    expected = np.where(codes > 0, cast(codes, source, target), cast(codes * slope, product, target))
    assert np.array_equal(run(codes, source, [LeakyRelu(target, slope, slope_fraction)]), expected)


@given(st.integers(-200, 200), st.integers(1, 12), st.sampled_from(ROUNDINGS))
def test_rounding_of_bounds_equals_rounding_of_values(code, drop, mode):
    target = FixedType(20, 0, True, mode)
    assert rounded(code, drop, mode) == cast(np.array(code), FixedType(20, drop), target)


def test_a_cast_that_changes_nothing_costs_nothing():
    assert assign(Codes(-8, 7, 2), FixedType(8, 4)).operations == ()
    assert assign(Codes(0, 63, 6), FixedType(6, 6, False, "RND", "SAT")).operations == ()


def test_a_relu_with_a_saturating_type_is_one_rounding_and_one_clamp():
    chain = compile_stages(Codes(-4000, 4000, 9), [Relu(FixedType(6, 6, False, "RND_CONV", "SAT"))])
    assert len(chain.operations) == 3


def test_far_below_the_last_bit():
    codes = np.array([-3, -1, 0, 1, 3])
    for mode in ROUNDINGS:
        target = FixedType(8, 0, True, mode)
        expected = cast(codes, FixedType(8, 200), target)
        assert np.array_equal(run(codes, FixedType(8, 200), [Cast(target)]), expected)


def test_sigmoid_table_is_read_at_the_truncated_index():
    table = tuple(range(32))
    stage = Sigmoid(FixedType(6, 0, False), table)
    # Two entries a unit: -0.25 and 0.25 both truncate to the middle; beyond 8 the last entry holds.
    codes = np.array([-40, -33, -3, -2, -1, 0, 1, 2, 31, 32, 40])
    assert run(codes, FixedType(8, 2), [stage]).tolist() == [0, 0, 15, 15, 16, 16, 16, 17, 31, 31, 31]


@pytest.fixture(scope="module")
def cpp(tmp_path_factory):
    """What the C++ types give, for every mode and for narrower, wider, finer, coarser and unsigned targets."""
    shapes = [(FixedType(7, 3), (5, 1)), (FixedType(7, 3), (4, 2)), (FixedType(6, 4, False), (5, 2)),
              (FixedType(6, 2), (9, 3)), (FixedType(6, 5), (3, 5))]
    modes = list(itertools.product(ROUNDINGS, SATURATIONS))
    # Each compiled pair costs a fifteenth of a second, so every mode meets two of the five shapes.
    chosen = [(mode, shapes[(index + turn * 2) % len(shapes)]) for index, mode in enumerate(modes) for turn in (0, 1)]
    pairs = [(source, FixedType(width, fraction, signed, *mode))
             for mode, (source, (width, fraction)) in chosen for signed in (True, False)]
    ports = [FixedType(6, 3, signed, *mode) for mode in modes
             for signed in (True, False)]
    steps = np.arange(-160, 161) / 16
    almost_half = 0.49999999999999994 / 8
    ends = [almost_half, -almost_half, 1e-300, -1e-300, 1e-5, -1e-5, 1e5, -1e5, 0.1, -0.1]
    reals = np.concatenate([steps, ends, [np.nextafter(4, 0), np.nextafter(-4, -5)]])
    return pairs, ports, reals, assigned(tmp_path_factory.mktemp("ap_fixed"), pairs, ports, reals)


def test_casts_equal_the_cpp_types(cpp):
    pairs, _, _, (rows, _) = cpp
    assert len(pairs) > 100
    for (source, target), expected in zip(pairs, rows, strict=True):
        values = run(all_codes(source), source, [Cast(target)])
        assert np.array_equal(values, expected), (source, target)


def test_images_enter_as_in_the_cpp_types(cpp):
    _, ports, reals, (_, rows) = cpp
    for port, expected in zip(ports, rows, strict=True):
        assert np.array_equal(assign_reals(reals, port), expected), port
