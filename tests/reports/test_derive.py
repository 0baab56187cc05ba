import pytest

from quantunet_hls.reports import Figure, Source, Subject, names
from quantunet_hls.reports.derive import seconds_from_cycles


def test_cycles_are_told_in_seconds_and_the_longest_interval_as_a_rate():
    cycles = [
        Figure(names.LATENCY_CYCLES_MIN, 1000, Source.COSIM, "t", "1", subject=Subject.CPP),
        Figure(names.INTERVAL_CYCLES_MIN, 400, Source.COSIM, "t", "1", subject=Subject.CPP),
        Figure(names.INTERVAL_CYCLES_MAX, 500, Source.COSIM, "t", "1", subject=Subject.CPP),
        Figure(names.LUT, 7, Source.COSIM, "t", "1", subject=Subject.CPP),
    ]
    # 1000 cycles of 4 ns are 4 us; 500 are 2 us, or half a million a second.
    found = {figure.name: figure for figure in seconds_from_cycles(cycles, 4.0)}
    assert found[names.LATENCY_S_MIN].value == pytest.approx(4e-6)
    assert found[names.INTERVAL_S_MIN].value == pytest.approx(1.6e-6)
    assert found[names.INTERVAL_S_MAX].value == pytest.approx(2e-6)
    assert found[names.FRAMES_PER_S].value == pytest.approx(500_000)
    assert {figure.key[1:] for figure in found.values()} == {(Subject.CPP, Source.COSIM, "t")}
    assert len(found) == len(cycles) + 4


def test_an_interval_of_nothing_has_no_rate():
    figures = seconds_from_cycles([Figure(names.INTERVAL_CYCLES_MAX, 0, Source.COSIM, "t")], 4.0)
    assert names.FRAMES_PER_S not in {figure.name for figure in figures}
