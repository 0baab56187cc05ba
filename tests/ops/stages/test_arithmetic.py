"""Every stage gives the same integers in numpy and on tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.stages.base import apply_stages, reduced
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.clip.stage import Clip
from quantunet_hls.ops.stages.leaky_relu.stage import LeakyRelu
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.quotient.stage import Quotient
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_TYPE, Sigmoid, sigmoid_table
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.ops.stages.threshold.stage import Threshold
from quantunet_hls.ops.table import STAGES
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import compile_stages
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, covering

TYPES = st.builds(FixedType, st.integers(1, 12), st.integers(-4, 14), st.booleans(), st.sampled_from(ROUNDINGS),
                  st.sampled_from(SATURATIONS))


def quotients(source: FixedType):
    """A quotient's type holds every quotient and has no fewer fraction bits than the value."""
    return st.builds(lambda more, divisor: Quotient(
        FixedType(source.width + more + 1, source.fraction + more, True, "TRN_ZERO"), divisor),
        st.integers(0, 5), st.integers(1, 30))


def tables(source: FixedType):
    """A table has an entry for all that comes, here in steps of its own that are as fine or finer by a bit."""
    narrow = st.builds(FixedType, st.integers(1, 12), st.integers(-4, 14), st.booleans())
    return st.tuples(narrow, st.integers(0, 1), st.randoms(use_true_random=False)).map(
        lambda drawn: _random_table(source, *drawn))


def clips(source: FixedType):
    """Limits within a type that holds all that comes and is as fine or finer."""
    def of(finer: int, limits: list[int]) -> Clip:
        kind = covering(source.low << finer, source.high << finer, source.fraction + finer)
        low, high = sorted(min(max(limit, kind.low), kind.high) for limit in limits)
        return Clip(kind, low, high)
    return st.builds(of, st.integers(0, 3), st.lists(st.integers(-3000, 3000), min_size=2, max_size=2))


def _random_table(source: FixedType, kind: FixedType, finer: int, random) -> Table:
    first, last = source.low << finer, source.high << finer
    return Table(kind, first, source.fraction + finer,
                 tuple(random.randint(kind.low, kind.high) for _ in range(first, last + 1)))


def requantizers(source: FixedType):
    """One line or two for all channels; integers that come in have the source's step, or another."""
    numbers = st.integers(-500, 500)
    lines = st.sampled_from([1, 2]).flatmap(lambda count: st.tuples(
        st.lists(numbers, min_size=count, max_size=count), st.lists(numbers, min_size=count, max_size=count),
        st.just(()) if count == 1 else st.tuples(numbers)))
    return st.builds(lambda lines, low, high, shift, fraction, even: Requantize(
        covering(-low, high), -low, high, shift, tuple((factor,) for factor in lines[0]),
        tuple((offset,) for offset in lines[1]), lines[2], fraction, even),
        lines, st.integers(0, 40), st.integers(0, 300), st.integers(0, 10), st.integers(-4, 14), st.booleans())


def thresholds(source: FixedType):
    """A row for all channels, of one to three bits."""
    def of(bits: int, numbers: list[int], low: int, falls: bool, fraction: int) -> MultiThreshold:
        row = tuple(sorted(numbers[: (1 << bits) - 1]))
        return MultiThreshold(covering(low, low + len(row)), low, (row,), (falls,), fraction)
    return st.builds(of, st.integers(1, 3), st.lists(st.integers(-600, 600), min_size=7, max_size=7),
                     st.integers(-5, 5), st.booleans(), st.integers(-4, 14))


#: For each kind random stages that take values of a type.
INSTANCES = {
    "cast": lambda source: st.builds(Cast, TYPES),
    "relu": lambda source: st.builds(Relu, TYPES),
    "leaky_relu": lambda source: st.builds(LeakyRelu, TYPES, st.integers(-40, 40), st.integers(0, 6)),
    "requantize": requantizers,
    "quotient": quotients,
    "sigmoid": lambda source: st.builds(lambda size: Sigmoid(SIGMOID_TYPE, sigmoid_table(size, SIGMOID_TYPE,
                                                                                         SIGMOID_TYPE)),
                                        st.sampled_from([16, 64, 1024])),
    "threshold": lambda source: st.builds(Threshold, st.integers(-300, 300), st.integers(-3, 8)),
    "table": tables,
    "clip": clips,
    "multi_threshold": thresholds,
}


def on_tensors(codes: np.ndarray, source: FixedType, stages) -> np.ndarray:
    chain = compile_stages(Codes(source.low, source.high, source.fraction), stages)
    work = torch.float32 if chain.peak < 1 << 24 else torch.float64
    values = chain(torch.from_numpy(codes).to(work, copy=True)).double().numpy()
    assert values.min() >= chain.result.low
    assert values.max() <= chain.result.high
    return np.ldexp(values, stages[-1].type.fraction - chain.result.fraction)


@pytest.mark.parametrize("kind", STAGES)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_stage_gives_the_same_integers_in_numpy_and_on_tensors(kind, data):
    source = data.draw(TYPES)
    stage = data.draw(INSTANCES[kind](source))
    codes = np.arange(source.low, source.high + 1)
    assert np.array_equal(on_tensors(codes, source, [stage]), stage.apply(codes, source))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_stages_one_after_the_other(data):
    source = data.draw(TYPES)
    stages = [data.draw(INSTANCES[kind](source)) for kind in data.draw(st.lists(
        st.sampled_from(["cast", "relu", "leaky_relu", "sigmoid"]), min_size=2, max_size=3))]
    codes = np.arange(source.low, source.high + 1)
    assert np.array_equal(on_tensors(codes, source, stages), apply_stages(codes, source, stages))


def test_every_stage_has_instances():
    assert set(INSTANCES) == set(STAGES)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_limits_behind_another_stage_give_what_they_gave_in_front_of_it(data):
    source = data.draw(TYPES)
    stages = (data.draw(clips(source)), data.draw(st.one_of(INSTANCES["cast"](source), INSTANCES["relu"](source))))
    fewer = reduced(source, stages)
    codes = np.arange(source.low, source.high + 1)
    assert np.array_equal(apply_stages(codes, source, fewer), apply_stages(codes, source, stages))
    if stages[1].type.saturation in ("SAT", "SAT_SYM"):
        assert not isinstance(fewer[0], Clip)
