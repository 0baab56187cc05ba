
from quantunet_hls.compare.roofline import roofline_of
from quantunet_hls.reports import Source, Subject, names
from tests.compare.builders import design, figure, full, report


def test_roofline():
    place = roofline_of(full("a").report, figure(names.INTERVAL_CYCLES_MAX, 5_000, Source.RTL_SIM))
    assert (place.intensity, place.attained, place.peak) == (1_000_000 / 2_000, 1_000_000 / 5_000, 1_728)
    assert roofline_of(report("b"), figure(names.INTERVAL_CYCLES_MAX, 5_000)) is None


def test_the_blocks_of_the_part_are_told_by_whichever_figure_says_them():
    told = figure(names.DSP, 90, Source.ESTIMATE, "model", available=220, subject=Subject.CPP)
    place = design("a", [figure(names.DSP, 4), told, figure(names.FRAME_BITS, 10)]).report
    assert roofline_of(place, figure(names.INTERVAL_CYCLES_MAX, 5_000)).peak == 220
