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
from quantunet_hls.reports.parsers.da4ml import read_da4ml, read_summary
from tests.compare.projects import profile, write
from tests.reports import FIXTURES

# As da4ml 0.6.0 and alkaid 0.8.2 write it: the members, in this order; the numbers are made up.
IO = {"clock_uncertainty": 0.1, "io_delay_min": 0.2, "io_delay_max": 0.4}
DA4ML = {"cost": 285.0, "flavor": "verilog", "part_name": "xcvu13p-flga2577-2-e", "adder_size": 1, "carry_size": -1,
         "latency": 2, "reg_bits": 238, "clock_period": 5, "latency_cutoff": 2, **IO}
DA4ML_COMB = {"cost": 285.0, "flavor": "vhdl", "part_name": "xcvu13p-flga2577-2-e", "adder_size": 1, "carry_size": -1}
DA4ML_HLS = {"cost": 285.0, "flavor": "vitis", "part_name": "xcvu13p-flga2577-2-e", "clock_period": 5, **IO}
ALKAID = {"flavor": "verilog", "top_module": "net", "part_name": "xcvu13p-flga2577-2-e", "signal_count": 2,
          "cost": 234.0, "adder_size": 1, "carry_size": 1, "reg_bits": 325, "latency": 3, "clock_period": 5,
          "max_comb_delay": 5.9, **IO}
ALKAID_FSM = {"flavor": "verilog", "top_module": "net", "part_name": "xcvu13p-flga2577-2-e", "signal_count": 4,
              "reg_bits": 325, "latency": 30, "clock_period": 5, "max_comb_delay": 5.9, **IO}


def project(folder, metadata, top="model"):
    write(folder / "metadata.json", json.dumps(metadata))
    write(folder / "build_vivado_prj.tcl", f'set project_name "{top}"\nset device "xcvu13p"\n')
    return folder


def vivado(name, **replaced):
    content = (FIXTURES / "vivado" / f"{name}.rpt").read_text()
    for old, new in replaced.items():
        content = content.replace(old, new)
    return content


def values(figures, source):
    return {figure.name: figure.value for figure in figures if figure.source is source}


@pytest.mark.parametrize(("metadata", "tool", "lut", "ff", "latency"), [(DA4ML, "da4ml", 285, 238, 2),
                                                                        (ALKAID, "alkaid", 234, 325, 3)])
def test_what_the_generator_knows_is_an_estimate(tmp_path, metadata, tool, lut, ff, latency):
    found = read_da4ml(project(tmp_path / "net", metadata))
    assert (found.network.name, found.part, found.clock_ns) == ("net", "xcvu13p-flga2577-2-e", 5)
    assert values(found.figures, Source.ESTIMATE) == pytest.approx({
        names.LUT: lut, names.FF: ff, names.LATENCY_CYCLES_MAX: latency, names.LATENCY_S_MAX: latency * 5e-9,
        # A pipeline takes an input in every cycle.
        names.INTERVAL_CYCLES_MAX: 1, names.INTERVAL_S_MAX: 5e-9, names.FRAMES_PER_S: 200e6,
    })
    assert {(figure.tool, figure.subject) for figure in found.figures} == {(tool, Subject.RTL)}


@pytest.mark.parametrize("saved", ["comb.json.gz", "fsm.json.gz"])
def test_alkaid_compresses_what_it_saves(tmp_path, saved):
    write(project(tmp_path, DA4ML_COMB) / "model" / saved, "")
    assert {figure.tool for figure in read_da4ml(tmp_path).figures} == {"alkaid"}


def test_logic_without_stages_has_no_clock(tmp_path):
    found = read_da4ml(project(tmp_path, DA4ML_COMB))
    assert found.clock_ns == 0
    assert values(found.figures, Source.ESTIMATE) == {names.LUT: 285}


def test_a_state_machine_need_not_take_an_input_in_every_cycle(tmp_path):
    found = values(read_da4ml(project(tmp_path, ALKAID_FSM)).figures, Source.ESTIMATE)
    assert found == pytest.approx({names.FF: 325, names.LATENCY_CYCLES_MAX: 30, names.LATENCY_S_MAX: 150e-9})


@pytest.mark.parametrize("size", [-1, 2, None])
def test_a_cost_that_counts_no_bits_of_adders_is_no_count_of_luts(tmp_path, size):
    found = values(read_da4ml(project(tmp_path, {**DA4ML, "adder_size": size})).figures, Source.ESTIMATE)
    assert names.LUT not in found


def test_a_users_own_latency_goes_first(tmp_path):
    found = read_da4ml(project(tmp_path, {**DA4ML, "latency_cycles": 29, "epoch": 7, "ebops": 1e4}))
    assert values(found.figures, Source.ESTIMATE)[names.LATENCY_CYCLES_MAX] == 29


def test_vivados_reports_beside(tmp_path):
    reports = project(tmp_path, ALKAID) / "output_net" / "reports"
    state = {"Design State : Routed": "Host : x"}
    write(reports / "net_post_synth_util.rpt", vivado("7series_2019.2_utilization"))
    write(reports / "net_post_route_util.rpt", vivado("usplus_2022.2_utilization", **state))
    write(reports / "net_post_route_timing.rpt", vivado("routed_violated_timing", **state))
    write(reports / "net_post_route_power.rpt", "| Total On-Chip Power (W) | 3.25 |\n")
    found = read_da4ml(tmp_path)
    assert values(found.figures, Source.MAPPED)[names.LUT] == 21_007
    routed = values(found.figures, Source.ROUTED)
    # 33 tiles of block RAM are 66 blocks.
    assert (routed[names.LUT], routed[names.BRAM_18K], routed[names.POWER_W]) == (31_019, 66, 3.25)
    assert (routed[names.CLOCK_TARGET_NS], routed[names.CLOCK_ACHIEVED_NS]) == (4.0, 4.871)
    assert {figure.subject for figure in found.figures} == {Subject.RTL}
    assert len(found.files) == 5


def test_cycles_take_as_long_as_the_routed_clock(tmp_path):
    reports = project(tmp_path, {**DA4ML, "clock_period": 4}) / "output_model" / "reports"
    write(reports / "model_post_route_timing.rpt", vivado("routed_violated_timing"))
    found = values(read_da4ml(tmp_path).figures, Source.ESTIMATE)
    assert found[names.LATENCY_S_MAX] == pytest.approx(2 * 4.871e-9)
    assert found[names.FRAMES_PER_S] == pytest.approx(1e9 / 4.871)
    (design,) = open_designs([tmp_path])
    assert next(row.cells[0].missed for row in compare([design]).headline if row.name == names.CLOCK_ACHIEVED_NS)


def test_c_synthesis_of_the_cpp(tmp_path):
    folder = project(tmp_path, DA4ML_HLS)
    write(folder / "output_model/test_ooc/syn/report/csynth.xml", profile("model_fn", version="2023.2"))
    found = read_da4ml(folder)
    assert values(found.figures, Source.CSYNTH)[names.LUT] == 11_413
    assert {figure.subject for figure in found.figures} == {Subject.CPP}


def test_a_summary_has_the_routed_designs(tmp_path):
    routed = {"LUT": 260, "LUT_available": 1_728_000, "LUT as Logic": 260, "LUT as Memory": 1, "FF": 230, "DSP": 4,
              "CARRY8": 21, "RAMB18": 1, "Block RAM Tile": 3.5, "Block RAM Tile_available": 2_688, "URAM": 2,
              "WNS(ns)": -1.0, "TNS(ns)": -3.0, "actual_period": 6.0, "Fmax(MHz)": 166.7, "latency(ns)": 12.0,
              "Total On-Chip Power (W)": "3.2"}
    write(tmp_path / "r.json", json.dumps([{**DA4ML, **routed}, {**ALKAID, "path": "designs/other"}]))
    first, second = read_summary(tmp_path / "r.json")
    # 3.5 tiles of block RAM are 7 blocks, of which "RAMB18" counts one.
    assert values(first.figures, Source.ROUTED) == {
        names.LUT: 260, names.LUTRAM: 1, names.FF: 230, names.DSP: 4, names.CARRY: 21, names.BRAM_18K: 7,
        names.URAM: 2, names.WNS_NS: -1.0, names.CLOCK_ACHIEVED_NS: 6.0, names.POWER_W: 3.2}
    assert values(first.figures, Source.ESTIMATE)[names.LATENCY_S_MAX] == pytest.approx(12e-9)
    assert (first.network.name, second.network.name) == ("r 1", "other")
    assert [design.label for design in open_designs([tmp_path / "r.json"])] == ["r 1", "other"]


def test_a_summary_of_quartus_has_no_luts_of_vivados(tmp_path):
    write(tmp_path / "r.json", json.dumps({**DA4ML, "ALMs": 100, "LUT": 180, "FF": 200}))
    (found,) = read_summary(tmp_path / "r.json")
    assert not values(found.figures, Source.ROUTED)


def test_peers_stand_in_one_table(tmp_path):
    project(tmp_path / "a", DA4ML)
    project(tmp_path / "b", ALKAID)
    designs = open_designs([tmp_path / "a", tmp_path / "b" / "metadata.json"])
    assert [cell.figure.value for cell in compare(designs).row(names.LUT).cells] == [285, 234]


def test_other_metadata_is_none_of_theirs(tmp_path):
    write(tmp_path / "metadata.json", '{"flavor": "sweet"}')
    assert read_da4ml(tmp_path) is None
    with pytest.raises(ConfigurationError, match="neither a report nor a project"):
        open_designs([tmp_path])


@pytest.mark.parametrize("top", ["../../etc", "a b", "\ud800", "a" * 300])
def test_a_top_that_is_no_name_is_refused(tmp_path, top):
    with pytest.raises(QuantUNetError) as caught:
        read_da4ml(project(tmp_path, {**ALKAID, "top_module": top}, top="../x"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("change", [{"cost": 10**400}, {"clock_period": 1e-300}, {"clock_period": 10**400}])
def test_what_no_design_has_is_one_sentence(tmp_path, change):
    with pytest.raises(StepError) as caught:
        read_da4ml(project(tmp_path, {**DA4ML, **change}))
    assert len(str(caught.value)) < 300


def test_a_pipe_is_one_sentence(tmp_path):
    os.mkfifo(tmp_path / "metadata.json")
    with pytest.raises(ConfigurationError, match="named pipe"):
        open_designs([tmp_path])


ODD = (st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
       | st.sampled_from([10**400, "\ud800", [], {}, 1e-300]))


@given(st.data())
def test_any_value_is_read_or_refused(tmp_path_factory, data):
    known = {**ALKAID, "LUT": 1, "Block RAM Tile": 1, "WNS(ns)": 0.1, "path": "a/b", "Total On-Chip Power (W)": "1"}
    content = {key: data.draw(st.just(value) | ODD) for key, value in known.items()}
    folder = project(tmp_path_factory.mktemp("odd"), content)
    found = []
    with contextlib.suppress(QuantUNetError):
        found += [read_da4ml(folder)]
        found += read_summary(folder / "metadata.json")
    assert all(math.isfinite(figure.value) for each in found if each is not None for figure in each.figures)
