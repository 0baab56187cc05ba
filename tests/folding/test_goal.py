import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.folding import ConvWork, Goal, frame_cycles, multipliers, reuse_within, valid_reuse


def test_a_rate_is_clocks_a_frame():
    assert Goal(frames_per_s=200).cycles(5.0) == 1_000_000
    # Three frames in ten clocks: a frame may take three, not three and a third.
    assert Goal(frames_per_s=3e8).cycles(1.0) == 3
    assert Goal(share=0.5).cycles(5.0) is None


@pytest.mark.parametrize("wrong", [
    {"frames_per_s": 0}, {"frames_per_s": -3}, {"frames_per_s": float("nan")}, {"latency_us": float("inf")},
    {"share": 0}, {"share": 1.5}, {"multipliers": 0}, {"frames_per_s": 100, "share": 0.5},
])
def test_impossible_goals_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        Goal(**wrong)


def test_a_rate_beyond_the_clock_is_refused():
    with pytest.raises(ConfigurationError, match="200 MHz"):
        Goal(frames_per_s=1e9).cycles(5.0)


works = st.dictionaries(st.sampled_from("abcd"), st.builds(
    ConvWork, inputs=st.integers(1, 40), outputs=st.integers(1, 12), pixels=st.integers(1, 50)), min_size=1)


@given(works, st.integers(1, 20_000))
def test_no_choice_within_the_cycles_has_fewer_multipliers(work, cycles):
    chosen = reuse_within(work, cycles)
    for name, layer in work.items():
        within = [reuse for reuse in valid_reuse(layer) if reuse * layer.pixels <= cycles]
        if within:
            assert chosen[name] in within
            assert multipliers({name: layer}, chosen) == min(multipliers({name: layer}, {name: reuse})
                                                             for reuse in within)
    if all(layer.pixels <= cycles for layer in work.values()):
        assert frame_cycles(work, chosen) <= cycles
