import pytest

from quantunet_hls.folding.width_costs import width_costs


def test_costs_follow_the_work_and_the_memory():
    costs = width_costs({"a": 8_000_000, "b": 2_000_000}, {"a": 36864, "b": 18432}, {"a": 0, "b": 18432},
                        frames_per_second=100, clock_mhz=200)
    # 8 million products 100 times a second are four multipliers at 200 MHz.
    assert costs.luts["a"] == pytest.approx(4 * 9292 / (192 * 32))
    assert costs.luts["a"] == pytest.approx(4 * costs.luts["b"])
    assert costs.weight_blocks == {"a": 2.0, "b": 1.0}
    assert costs.line_blocks == {"a": 0.0, "b": 1.0}
