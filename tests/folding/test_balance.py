from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.folding import ConvWork, balanced_reuse, frame_cycles, multipliers, valid_reuse

works = st.builds(ConvWork, st.integers(1, 12), st.integers(1, 6), st.sampled_from([1, 4, 16, 60]))


@given(works)
def test_valid_reuse_divides_the_products_and_keeps_whole_rows(work):
    factors = valid_reuse(work)
    assert factors == sorted(set(factors))
    assert factors[0] == 1
    assert factors[-1] == work.inputs * work.outputs
    for reuse in factors:
        assert work.inputs * work.outputs % reuse == 0
        assert work.inputs % reuse == 0 or reuse % work.inputs == 0


@given(works)
def test_hls4mls_own_resource_kernel_accepts_every_valid_reuse(work):
    """The conditions that hls4ml's nnet_dense_resource.h states in its static assertions."""
    for reuse in valid_reuse(work):
        multipliers_of = -(-work.inputs * work.outputs // reuse)
        assert multipliers_of % work.outputs == 0 or reuse >= work.inputs
        assert reuse <= work.inputs or reuse % work.inputs == 0


@given(st.lists(works, min_size=1, max_size=3), st.integers(1, 60))
@settings(max_examples=40)
def test_no_choice_within_the_budget_is_faster(layers, budget):
    work = {f"layer{index}": layer for index, layer in enumerate(layers)}
    reuse = balanced_reuse(work, budget)
    every = [dict(zip(work, choice, strict=True)) for choice in product(*(valid_reuse(layer) for layer in layers))]
    affordable = [choice for choice in every if multipliers(work, choice) <= budget]
    assert all(reuse[name] in valid_reuse(layer) for name, layer in work.items())
    if affordable:
        assert multipliers(work, reuse) <= budget
        assert frame_cycles(work, reuse) == min(frame_cycles(work, choice) for choice in affordable)
    else:
        assert reuse == {name: layer.inputs * layer.outputs for name, layer in work.items()}


def test_macs_multipliers_and_cycles():
    work = {"a": ConvWork(9, 4, 100), "b": ConvWork(36, 2, 25)}
    assert [layer.macs for layer in work.values()] == [3600, 1800]
    assert multipliers(work, {"a": 9, "b": 36}) == 4 + 2
    assert frame_cycles(work, {"a": 9, "b": 36}) == 900


@pytest.mark.parametrize("budget", [1, 100])
def test_a_network_without_convolutions(budget):
    assert balanced_reuse({}, budget) == {}
    assert frame_cycles({}, {}) == 0
