import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.tuning.grids import Grid, Scales, best_grid


def error(values: np.ndarray, grid: Grid) -> float:
    return float(((grid.cast(torch.from_numpy(values)).numpy() - values) ** 2).mean())


@given(st.integers(2, 8), st.booleans(), st.sampled_from(Scales), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_no_step_near_the_best_one_is_better(width, signed, scales, seed):
    values = np.random.default_rng(seed).normal(size=2000) * 3.3
    values = values if signed else np.abs(values)
    grid = best_grid(values, signed, width, scales)
    assert (grid.width, grid.signed) == (width, signed)
    near = (0.5, 2) if scales is Scales.POWER_OF_TWO else (0.9, 1.1)
    assert all(error(values, grid) <= 1.001 * error(values, Grid(width, signed, grid.step * factor)) for factor in near)
    if scales is Scales.POWER_OF_TWO:
        assert np.log2(grid.step) == round(np.log2(grid.step))


@pytest.mark.parametrize("scales", Scales)
def test_values_that_are_all_zero_have_a_grid(scales):
    assert best_grid(np.zeros(10), False, 4, scales).step > 0


def test_values_go_to_the_nearest_that_there_are():
    grid = Grid(3, True, 0.5)
    assert grid.cast(torch.tensor([-9.0, -0.25, 0.25, 0.75, 9.0])).tolist() == [-2.0, 0.0, 0.0, 1.0, 1.5]
    assert Grid(3, False, 0.5).cast(torch.tensor([-1.0, 9.0])).tolist() == [0.0, 3.5]
