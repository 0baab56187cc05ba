import contextlib
import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.compare import compare, open_designs
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, StepError
from quantunet_hls.reports import Source, Subject, names
from quantunet_hls.reports.parsers.finn import FILES, read_finn
from tests.compare.builders import report as report_of
from tests.reports import FIXTURES

# In the form that FINN's builder writes; every number differs from its neighbours.
REPORTS = {
    "op_and_param_counts.json": {
        "MVAU_hls_0": {"op_mac_4bx8b": 1000.0, "param_weight_4b": 100.0, "param_threshold_12b": 7.0},
        "MVAU_rtl_1": {"op_mac_2bx4b": 300.0, "param_weight_2b": 300.0},
        "total": {"op_mac_4bx8b": 1000.0, "param_weight_4b": 100.0, "param_threshold_12b": 7.0, "op_mac_2bx4b": 300.0,
                  "param_weight_2b": 300.0},
    },
    "estimate_layer_cycles.json": {"MVAU_hls_0": 784, "MVAU_rtl_1": 640, "StreamingFIFO_rtl_0": 0},
    "estimate_layer_resources.json": {
        "MVAU_hls_0": {"BRAM_18K": 3, "BRAM_efficiency": 0.4, "LUT": 1501, "URAM": 1, "URAM_efficiency": 1, "DSP": 5},
        "MVAU_rtl_1": {"BRAM_18K": 4, "BRAM_efficiency": 1, "LUT": 1602, "URAM": 0, "URAM_efficiency": 1, "DSP": 8},
        "total": {"BRAM_18K": 7.0, "LUT": 3103.0, "URAM": 1.0, "DSP": 13.0},
    },
    "estimate_layer_resources_hls.json": {
        "MVAU_hls_0": {"BRAM_18K": "2", "FF": "901", "LUT": "1301", "DSP48E": 0, "URAM": "0", "DSP": "6"},
        "Thresholding_hls_0": {"BRAM_18K": 0, "FF": 0, "LUT": 0, "DSP48E": 0, "URAM": 0},
    },
    "estimate_network_performance.json": {
        "critical_path_cycles": 1424, "max_cycles": 784, "max_cycles_node_name": "MVAU_hls_0",
        "estimated_throughput_fps": 127551.02, "estimated_latency_ns": 14240.0,
    },
    "rtlsim_performance.json": {
        "N_IN_TXNS": 7840, "N_OUT_TXNS": 100, "cycles": 9_500, "N": 11, "latency_cycles": 1_500, "TIMEOUT": 0,
        "UNFINISHED_INS": 0, "UNFINISHED_OUTS": 0, "runtime[ms]": 0.095, "throughput[images/s]": 115_789.5,
        "fclk[mhz]": 100.0, "stable_throughput[images/s]": 137_500.0,
    },
    "ooc_synth_and_timing.json": {
        "vivado_proj_folder": "x", "LUT": 2801.0, "LUTRAM": 90.0, "FF": 3502.0, "DSP": 9.0, "BRAM": 11.0,
        "BRAM_18K": 3.0, "BRAM_36K": 10.0, "URAM": 1.0, "Carry": 45.0, "WNS": 1.6, "Delay": 1.6,
        "vivado_version": 2022.2, "vivado_build_no": 3671981.0, "": 0, "fmax_mhz": 1000 / 8.4,
        "estimated_throughput_fps": 151_842.0,
    },
    "post_synth_resources.json": {
        "(top)": {"LUT": 9901, "SRL": 12, "FF": 12002, "BRAM_36K": 20, "BRAM_18K": 5, "URAM": 2, "DSP": 9},
        "MVAU_hls_0": {"LUT": 1401, "SRL": 1, "FF": 1002, "BRAM_36K": 1, "BRAM_18K": 1, "URAM": 1, "DSP": 4},
    },
}


def written(folder, *left_out, **changed):
    """A builder's output; a file named is changed member by member."""
    (folder / "report").mkdir(parents=True, exist_ok=True)
    for file, content in REPORTS.items():
        if file not in left_out:
            more = changed.get(file.removesuffix(".json"), {})
            (folder / "report" / file).write_text(json.dumps({**content, **more}))
    return folder


def values(figures, source, tool=None):
    return {figure.name: figure.value for figure in figures
            if figure.source is source and tool in (None, figure.tool)}


def test_every_figure_is_what_finn_says_it_is(tmp_path):
    build = read_finn(written(tmp_path) / "report")
    assert build.clock_ns == 10.0
    assert values(build.figures, Source.ESTIMATE) == pytest.approx({
        names.LUT: 3103, names.BRAM_18K: 7, names.URAM: 1, names.DSP: 13,
        names.LATENCY_CYCLES_MAX: 1424, names.LATENCY_S_MAX: 14.24e-6,
        names.INTERVAL_CYCLES_MAX: 784, names.INTERVAL_S_MAX: 7.84e-6, names.FRAMES_PER_S: 1 / 7.84e-6,
    })
    # Ten frames behind the first took 8,000 cycles.
    assert values(build.figures, Source.RTL_SIM) == pytest.approx({
        names.LATENCY_CYCLES_MAX: 1500, names.LATENCY_S_MAX: 15e-6,
        names.INTERVAL_CYCLES_MAX: 800, names.INTERVAL_S_MAX: 8e-6, names.FRAMES_PER_S: 125_000,
    })
    # 10 RAMB36 are 20 blocks of 18 kbit, and 3 more are RAMB18.
    assert values(build.figures, Source.ROUTED, "Vivado") == {
        names.LUT: 2801, names.LUTRAM: 90, names.FF: 3502, names.DSP: 9, names.URAM: 1, names.CARRY: 45,
        names.BRAM_18K: 23, names.WNS_NS: 1.6, names.CLOCK_ACHIEVED_NS: 8.4,
    }
    assert values(build.figures, Source.ROUTED, "Vivado, with the shell") == {
        names.LUT: 9901, names.FF: 12002, names.DSP: 9, names.URAM: 2, names.BRAM_18K: 45,
    }
    assert {figure.subject for figure in build.figures} == {Subject.RTL}
    assert {figure.tool_version for figure in build.figures if figure.tool == "Vivado"} == {"2022.2"}
    assert all(isinstance(figure.value, int) for figure in build.figures if figure.name in names.resources())


def test_layer_by_layer(tmp_path):
    build = read_finn(written(tmp_path) / "report")
    layers = {layer.name: layer for layer in build.layers}
    # Nothing was reported of the thresholds, and a FIFO takes no cycles of its own.
    assert {name: layer.kind for name, layer in layers.items()} == {"MVAU_hls_0": "MVAU_hls", "MVAU_rtl_1": "MVAU_rtl"}
    first = layers["MVAU_hls_0"].figures
    assert values(first, Source.ESTIMATE) == {names.LUT: 1501, names.BRAM_18K: 3, names.URAM: 1, names.DSP: 5,
                                              names.INTERVAL_CYCLES_MAX: 784}
    assert values(first, Source.CSYNTH) == {names.LUT: 1301, names.FF: 901, names.BRAM_18K: 2, names.URAM: 0,
                                            names.DSP: 6}
    assert {figure.subject for figure in first if figure.source is Source.CSYNTH} == {Subject.CPP}
    assert values(first, Source.ROUTED) == {names.LUT: 1401, names.FF: 1002, names.BRAM_18K: 3, names.URAM: 1,
                                            names.DSP: 4}


def test_the_network_is_counted(tmp_path):
    network = read_finn(written(tmp_path) / "report").network
    assert (network.macs, network.parameters, network.average_weight_bits) == (1300, 400, 2.5)


@pytest.mark.parametrize("named", ["", "report", "report/rtlsim_performance.json"])
def test_a_build_stands_beside_a_report_of_this_package(tmp_path, named):
    written(tmp_path / "build")
    ours = report_of("ours", [])
    ours.save(tmp_path / "ours.json")
    designs = open_designs([tmp_path / "ours.json", tmp_path / "build" / named])
    assert [design.label for design in designs] == ["ours", "build"]
    row = compare(designs).row(names.LUT)
    assert row.cells[1].figure.value == 2801


def test_one_frame_has_no_interval(tmp_path):
    one = {"N": 1, "cycles": 1_501, "interval_cycles": 1_499, "stable_throughput[images/s]": 66_622.3}
    build = read_finn(written(tmp_path, rtlsim_performance=one) / "report")
    assert values(build.figures, Source.RTL_SIM) == pytest.approx({names.LATENCY_CYCLES_MAX: 1500,
                                                                   names.LATENCY_S_MAX: 15e-6})


@pytest.mark.parametrize(("change", "interval"), [({"cycles": 9_501}, 801), ({"interval_cycles": 810}, 810),
                                                  ({"interval_cycles": 700}, 800)])
def test_the_longest_interval_counts(tmp_path, change, interval):
    build = read_finn(written(tmp_path, rtlsim_performance=change) / "report")
    assert values(build.figures, Source.RTL_SIM)[names.INTERVAL_CYCLES_MAX] == interval


@pytest.mark.parametrize("change", [{"TIMEOUT": 1}, {"UNFINISHED_OUTS": 3}])
def test_a_simulation_that_did_not_end_is_refused(tmp_path, change):
    with pytest.raises(StepError, match="did not end"):
        read_finn(written(tmp_path, rtlsim_performance=change) / "report")


def test_reports_of_different_clocks_are_refused(tmp_path):
    with pytest.raises(StepError, match=r"different clocks \(rtlsim_performance\.json: 5 ns, estimate"):
        read_finn(written(tmp_path, rtlsim_performance={"fclk[mhz]": 200.0}) / "report")


def test_a_slack_that_is_not_known_gives_no_clock(tmp_path):
    # FINN writes 0 MHz there, and 0 for a version that is no number.
    change = {"WNS": 0, "fmax_mhz": 0, "vivado_version": 0}
    build = read_finn(written(tmp_path, ooc_synth_and_timing=change) / "report")
    found = values(build.figures, Source.ROUTED, "Vivado")
    assert not {names.WNS_NS, names.CLOCK_ACHIEVED_NS} & set(found)
    assert found[names.LUT] == 2801


def test_cycles_take_as_long_as_a_routed_clock_that_misses_its_target(tmp_path):
    missed = {"WNS": -2.5, "fmax_mhz": 80.0}
    build = read_finn(written(tmp_path, ooc_synth_and_timing=missed) / "report")
    assert build.clock_ns == 10.0
    assert values(build.figures, Source.ROUTED)[names.CLOCK_ACHIEVED_NS] == 12.5
    for source, interval in ((Source.RTL_SIM, 800), (Source.ESTIMATE, 784)):
        assert values(build.figures, source)[names.FRAMES_PER_S] == pytest.approx(1e9 / 12.5 / interval)


def test_the_routed_timing_beside(tmp_path):
    timing = (FIXTURES / "vivado" / "routed_met_timing.rpt").read_text()
    stateless = "\n".join(line for line in timing.splitlines() if "Design State" not in line)
    (written(tmp_path) / "report" / "post_route_timing.rpt").write_text(stateless)
    found = values(read_finn(tmp_path / "report").figures, Source.ROUTED, "Vivado, with the shell")
    assert (found[names.WNS_NS], found[names.CLOCK_ACHIEVED_NS]) == (0.313, 4.687)


@pytest.mark.parametrize("file", list(FILES))
def test_each_report_may_stand_alone(tmp_path, file):
    build = read_finn(written(tmp_path, *(set(FILES) - {file})) / "report")
    assert [path.name for path in build.files] == [file]
    assert bool(build.figures or build.layers) or build.network.macs


def test_no_report_is_none(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "other.json").write_text("{}")
    assert read_finn(tmp_path / "report") is None
    assert read_finn(tmp_path / "absent") is None


@pytest.mark.parametrize("file", list(FILES))
@pytest.mark.parametrize("content", ["", "[1]", "null", "{", "[" * 100_000, '{"(top)": 3, "total": 3, "a": 3, "N": 3}',
                                     '{"\\ud800": {"LUT": 1}, "total": {"\\ud800": 1}}', '{"total": {"LUT": 1e999}}',
                                     '{"cycles": ' + "9" * 400 + ', "fclk[mhz]": 1e-300, "LUT": ' + "9" * 400 + "}",
                                     '{"total": {"LUT": ' + "9" * 5_000 + "}}"])
def test_a_damaged_report_is_read_or_one_sentence(tmp_path, file, content):
    (written(tmp_path) / "report" / file).write_text(content)
    try:
        read_finn(tmp_path / "report")
    except QuantUNetError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert len(said) < 400
    assert said.isprintable()


def test_a_pipe_is_one_sentence(tmp_path):
    path = written(tmp_path) / "report" / "rtlsim_performance.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match="named pipe"):
        read_finn(tmp_path / "report")


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400) | st.just({})


@given(st.data())
def test_any_value_is_read_or_one_sentence(tmp_path_factory, data):
    file = data.draw(st.sampled_from(sorted(REPORTS)))
    content = {key: data.draw(st.just(value) | ODD | st.dictionaries(st.sampled_from(["LUT", "DSP", "BRAM_18K"]), ODD))
               for key, value in REPORTS[file].items()}
    folder = written(tmp_path_factory.mktemp("odd"))
    (folder / "report" / file).write_text(json.dumps(content))
    figures = ()
    with contextlib.suppress(QuantUNetError):
        figures = read_finn(folder / "report").figures
    assert all(math.isfinite(figure.value) for figure in figures)
