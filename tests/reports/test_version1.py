import json
from dataclasses import replace

import pytest

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports import Figure, LayerReport, Report, Source, Subject, names
from tests.reports.examples import EXAMPLE


def of_version_1(report):
    value = {**json.loads(json.dumps(report.to_dict())), "version": 1}
    for group in (value, *value["layers"]):
        for figure in group["figures"]:
            del figure["subject"]
    return value


MULTIPLIERS = Figure("multipliers", 4, Source.ESTIMATE, "hls4ml reuse factors", unit="multipliers", subject=Subject.CPP)
OF_THE_FLOW = (
    MULTIPLIERS,
    Figure(names.FIFO_BITS, 9, Source.ESTIMATE, "hls4ml streams", subject=Subject.CPP),
    Figure(names.FRAME_BITS, 9, Source.ESTIMATE, "quantunet-hls", subject=Subject.NETWORK),
    Figure(names.LUT, 9, Source.ESTIMATE, "quantunet-hls", subject=Subject.RTL),
    Figure(names.LUT, 90, Source.ESTIMATE, "C-synthesis model", subject=Subject.CPP),
    Figure(names.COMPILE_SECONDS, 9, Source.MEASURED, "g++", subject=Subject.CPP),
    Figure(names.DICE, 0.9, Source.MEASURED, names.HARDWARE, subject=Subject.NETWORK),
    Figure(names.CLOCK_ESTIMATE_NS, 4, Source.ESTIMATE, "quantunet-hls, logic only, no routing", subject=Subject.RTL),
)
VIVADO = Figure(names.LUT, 9, Source.ROUTED, "Vivado")


@pytest.mark.parametrize("more", [
    (Figure(names.LUT, 9, Source.MAPPED, "yosys", subject=Subject.RTL), replace(VIVADO, subject=Subject.RTL)),
    (Figure(names.LUT, 9, Source.CSYNTH, "Vitis HLS", subject=Subject.CPP), replace(VIVADO, subject=Subject.CPP)),
    (Figure(names.FRAMES_PER_S, 9, Source.ROUTED, "Vivado, cycles of verilator", subject=Subject.RTL),
     replace(VIVADO, subject=Subject.RTL)),
    # Nothing tells what Vivado was given, nor what a program is that this package has never heard of.
    (VIVADO, Figure(names.DSP, 9, Source.ESTIMATE, "a spreadsheet")),
])
def test_what_a_report_of_version_1_means_is_assumed_and_said(caplog, more):
    report = replace(EXAMPLE, figures=(*OF_THE_FLOW, *more),
                     layers=(LayerReport("Conv_0", "Conv", (MULTIPLIERS, more[-1])),))
    assert Report.from_dict(of_version_1(report), "old.json") == report
    (said,) = caplog.messages
    assert said.startswith("old.json is of version 1")
    assert "C++ (C-synthesis model, " in said


def test_a_report_of_version_2_says_the_subject_itself(caplog):
    value = json.loads(json.dumps(EXAMPLE.to_dict()))
    del value["figures"][0]["subject"]
    with pytest.raises(ConfigurationError, match=r"it lacks the key figures\[0\]\.subject;"):
        Report.from_dict(value)
    old = of_version_1(EXAMPLE)
    old["figures"][0]["subject"] = "RTL"
    with pytest.raises(ConfigurationError, match="is of version 1, whose figures have no subject"):
        Report.from_dict(old)
    assert not caplog.messages
