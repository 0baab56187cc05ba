import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.tuning.rounding import bias_type, fit, fit_filters, moments, weight_type


def layer(seed: int, filters: int = 3, channels: int = 4):
    """Correlated, positive inputs as a ReLU gives them, weights, biases and the sums they make."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(channels * 9, channels * 9)) / 4 + np.eye(channels * 9)
    patches = np.maximum(random.normal(size=(2000, channels * 9)) @ mixing, 0)
    weights = random.normal(size=(filters, 3, 3, channels)) / 4
    biases = random.normal(size=filters)
    sums = patches @ weights.reshape(filters, -1).T + biases
    return patches, weights, biases, sums


def error(patches, weights, biases, sums):
    return float(np.mean((patches @ weights.reshape(len(weights), -1).T + biases - sums) ** 2))


@pytest.mark.parametrize("width", [2, 3, 4, 6])
def test_sums_are_kept_better_than_by_rounding_each_weight_to_any_step(width):
    patches, weights, biases, sums = layer(1)
    fitted = fit(weights, moments(patches[:, None, :], sums[:, None, :]), width)
    codes = fitted.weights * 2.0**fitted.type.fraction
    assert np.array_equal(codes, np.rint(codes))
    assert codes.min() >= fitted.type.lowest
    assert codes.max() <= fitted.type.high
    assert fitted.type.width == width
    # Every step there is, biases free to take up the mean.
    for fraction in range(-4, 12):
        kind = weight_type(width, fraction)
        plain = np.clip(np.rint(weights * 2.0**fraction), kind.lowest, kind.high) / 2.0**fraction
        shift = biases + (sums - patches @ plain.reshape(len(plain), -1).T - biases).mean(0)
        assert error(patches, fitted.weights, fitted.biases, sums) < error(patches, plain, shift, sums)


def test_the_mean_of_the_sums_is_kept():
    patches, weights, _, sums = layer(2)
    fitted = fit(weights, moments(patches[:, None, :], sums[:, None, :]), 2)
    left = patches @ fitted.weights.reshape(3, -1).T + fitted.biases - sums
    assert np.abs(left.mean(0)).max() < 1e-5 * np.abs(sums).max()


def test_many_bits_give_the_weights_back():
    patches, weights, biases, sums = layer(3)
    fitted = fit(weights, moments(patches[:, None, :], sums[:, None, :]), 14)
    assert np.abs(fitted.weights - weights).max() < 2e-3
    assert np.abs(fitted.biases - biases).max() < 2e-2


def test_a_depthwise_layer_keeps_its_channels_apart():
    random = np.random.default_rng(4)
    patches = np.maximum(random.normal(size=(500, 3, 9)), 0)
    weights = random.normal(size=(3, 3, 3, 1))
    sums = np.einsum("nct,ct->nc", patches, weights.reshape(3, 9))
    fitted = fit(weights, moments(patches, sums[:, :, None]), 8)
    assert fitted.weights.shape == weights.shape
    assert np.abs(fitted.weights - weights).max() < 0.05
    assert np.abs(fitted.biases).max() < 0.1


def test_two_bits_leave_the_lowest_code_out():
    patches, weights, _, sums = layer(5)
    fitted = fit(weights, moments(patches[:, None, :], sums[:, None, :]), 2)
    assert set(np.unique(fitted.weights * 2.0**fitted.type.fraction)) <= {-1, 0, 1}


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=6), st.integers(-4, 24))
@settings(max_examples=50)
def test_a_bias_has_the_grid_of_the_products_while_24_bits_hold_it(values, fraction):
    kind = bias_type(np.array(values), fraction)
    codes = [round(value * 2.0**kind.fraction) for value in values]
    assert all(kind.low <= code <= kind.high for code in codes)
    assert kind.width <= 24
    if kind.fraction < fraction:
        assert max(abs(round(value * 2.0 ** (kind.fraction + 1))) for value in values) >= 2**23
    else:
        assert kind.fraction == fraction


def test_each_filter_has_its_own_step():
    """Of filters a thousand times smaller than others no bit is lost, where one step for all leaves nothing of them."""
    patches, weights, _, _ = layer(5)
    sizes = np.where(np.arange(len(weights)) % 2, 1e-3, 1.0)[:, None, None, None]
    small = weights * sizes
    sums = patches @ small.reshape(len(small), -1).T
    seen = moments(patches[:, None, :], sums[:, None, :])
    each, all_alike = fit_filters(small, seen, 6), fit(small, seen, 6)
    off = np.abs(each.weights - small).reshape(len(small), -1).max(1) / np.abs(small).reshape(len(small), -1).max(1)
    assert off.max() < 0.1
    assert not all_alike.weights[1].any()
    assert np.array_equal(each.steps, each.steps.astype(np.float32))
    codes = each.weights / each.steps[:, None, None, None]
    assert np.allclose(codes, np.rint(codes), atol=1e-6)
    assert -32 <= codes.min() <= codes.max() <= 31
    assert each.biases.shape == (len(small),)
