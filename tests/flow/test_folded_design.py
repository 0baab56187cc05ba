"""Goals and folding files through the flow, as far as the project, whose RTL is folded with it."""

import copy
import json
import re

import pytest
import torch

from quantunet_hls import generate_accelerator
from quantunet_hls.core.errors import BoardError, ConfigurationError, QuantUNetError
from quantunet_hls.folding.written import StreamFolding, WrittenFolding, read_folding
from quantunet_hls.nets import QuantUNet, calibrate

CLOCK_NS = 5.0


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    unet = QuantUNet(depth=1, base_channels=2)
    calibrate(unet, torch.rand(2, 1, 8, 8))
    return unet.eval()


def folded(net, folder, toolchain="open", board="zcu104", **goal):
    made = generate_accelerator(net, board, name="net", input_shape=(1, 8, 8), toolchain=toolchain, last="project",
                                projects=folder / "projects", reports=folder / "reports", **goal)
    return made, json.loads((made.folder / "folding.json").read_text())


@pytest.mark.parametrize("toolchain", ["open", "none"])
def test_a_rate_goes_into_both_kinds_of_project(net, tmp_path, toolchain):
    _, folding = folded(net, tmp_path, toolchain, target_fps=50_000)
    assert folding["cycles_per_frame"] <= 1e9 / (50_000 * CLOCK_NS)
    assert ("streaming" in folding) == (toolchain == "open")
    if toolchain == "open":
        assert folding["streaming"]["cycles_per_frame"] <= 1e9 / (50_000 * CLOCK_NS)


def test_estimates_stand_in_the_report_before_anything_is_mapped(net, tmp_path):
    made, _ = folded(net, tmp_path, target_share=0.5)
    figures = {figure.name: figure for figure in made.report.figures if figure.tool == "quantunet-hls"}
    for name in ("lut", "dsp", "bram_18k"):
        assert str(figures[name].source) == "estimate"
        assert figures[name].value <= 0.5 * figures[name].available


def test_what_a_board_cannot_hold_is_refused_when_it_is_folded_with_what_it_holds(net, tmp_path):
    path, said = tmp_path / "tiny.json", []
    path.write_text(json.dumps({"title": "A tiny board", "family": "xcup", "part": "xcau7p-sbvc484-1-e",
                                "clock_ns": 5, "resources": {"lut": 2000, "dsp": 4, "bram_18k": 8, "uram": 0}}))

    def generated(**goal):
        return generate_accelerator(net, str(path), name="net", input_shape=(1, 8, 8), toolchain="open",
                                    projects=tmp_path / "projects", reports=tmp_path / "reports", progress=said.append,
                                    **goal)

    told = (r"A tiny board can't hold the RTL: it takes about [\d,]+ LUTs, of which there are 2,000\. "
            r"What fits by the same estimate: \d+ frames a second \(--fps ")
    with pytest.raises(BoardError, match=told) as no:
        generated(target_fps=300_000)
    # Nothing has been written but the network.
    assert not (tmp_path / "projects" / "net" / "hls").exists()
    assert "(--board pynq-z2)" in str(no.value)
    rate = float(re.search(r"--fps (\d+)", str(no.value))[1])
    made = generated(target_fps=rate, last="project")
    (lut,) = (figure for figure in made.report.figures if (figure.name, figure.tool) == ("lut", "quantunet-hls"))
    assert lut.value <= lut.available
    assert not any("can't hold" in line for line in said)
    # Who does not ask for its mapping has it all the same.
    generated(target_fps=300_000, last="project")
    assert any(line.startswith("A tiny board can't hold the RTL") for line in said)


def test_a_part_that_nothing_open_maps_is_folded_and_estimated(net, tmp_path):
    made, folding = folded(net, tmp_path, board="vek280")
    assert "streaming" in folding
    figures = {figure.name: figure for figure in made.report.figures if figure.tool == "quantunet-hls"}
    assert [figures[name].available for name in ("lut", "dsp", "bram_18k")] == [520_704, 1_312, 1_200]
    assert figures["lut"].value > 0
    with pytest.raises(BoardError, match=r"vitis, vivado, or open up to the step rtl \(--to rtl\)"):
        generate_accelerator(net, "vek280", input_shape=(1, 8, 8), toolchain="open", projects=tmp_path)


def test_an_edited_file_is_taken(net, tmp_path):
    _, folding = folded(net, tmp_path, multiplier_budget=4)
    layer = max(folding["reuse_factors"], key=folding["reuse_factors"].get)
    folding["reuse_factors"][layer] = 1
    del folding["streaming"]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(folding))
    made, taken = folded(net, tmp_path / "again", folding=path)
    assert taken["reuse_factors"] == folding["reuse_factors"]
    config = (made.project / "firmware" / "parameters.h").read_text()
    assert "reuse_factor = 1;" in config
    # The RTL follows the file's pace where the file does not say more.
    assert taken["streaming"]["cycles_per_frame"] >= taken["cycles_per_frame"]


@pytest.mark.parametrize(("toolchain", "goal", "says"), [
    ("open", {"target_fps": 1e7}, "can't be reached"),
    ("none", {"target_fps": 1e7}, "can't be reached"),
    ("open", {"target_latency_us": 0.01}, "can't be reached"),
    ("none", {"target_latency_us": 100}, "open tool chain"),
    ("open", {"target_share": 2}, "share"),
    ("open", {"target_share": 0.5, "target_fps": 3}, "one of them"),
    ("open", {"target_share": 1e-5}, "smallest folding"),
])
def test_what_can_t_be_met_is_one_sentence_with_what_can(net, tmp_path, toolchain, goal, says):
    with pytest.raises(QuantUNetError, match=says):
        folded(net, tmp_path, toolchain, **goal)


@pytest.mark.parametrize(("change", "says"), [
    (lambda f: f.pop("reuse_factors"), "reuse_factors"),
    (lambda f: f["reuse_factors"].update(other=1), "other"),
    (lambda f: f["reuse_factors"].update({min(f["reuse_factors"]): 7}), "reuse factor 7"),
])
def test_a_file_that_does_not_fit_is_refused(net, tmp_path, change, says):
    _, folding = folded(net, tmp_path, "none")
    change(folding)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(folding))
    with pytest.raises(ConfigurationError, match=says):
        folded(net, tmp_path, "none", folding=path)


SOUND = {"reuse_factors": {"a": 1}, "streaming": {"layers": {"a": {"lanes": 1, "multipliers": "dsp"}},
                                                  "fifo_depths": {"a>b": 2}}}


@pytest.mark.parametrize(("place", "value"), [
    ((), []), ((), 3), (("reuse_factors",), None), (("reuse_factors",), [1]), (("streaming",), 3),
    (("streaming", "layers"), []), (("streaming", "layers", "a"), 3), (("streaming", "fifo_depths"), None),
    (("reuse_factors", "a"), 10**399), (("reuse_factors", "a"), 1.0), (("reuse_factors", "a"), {}),
    (("reuse_factors", "a"), False), (("streaming", "layers", "a", "lanes"), 10**9),
    (("streaming", "layers", "a", "multipliers"), ["dsp"]), (("streaming", "fifo_depths", "a>b"), 10**9),
    (("streaming", "fifo_depths", "a>b"), 0)], ids=str)
def test_a_file_of_another_form_or_of_numbers_that_nothing_has_is_refused(tmp_path, place, value):
    path = tmp_path / "folding.json"
    content = {"": copy.deepcopy(SOUND)}
    path.write_text(json.dumps(content[""]))
    assert read_folding(path) == WrittenFolding(
        {"a": 1}, StreamFolding({"a": {"lanes": 1, "multipliers": "dsp"}}, {"a>b": 2}))
    holder = content
    for key in ("", *place)[:-1]:
        holder = holder[key]
    holder[("", *place)[-1]] = value
    path.write_text(json.dumps(content[""]))
    with pytest.raises(ConfigurationError, match=r"start from a design's folding\.json\.") as caught:
        read_folding(path)
    assert len(str(caught.value)) < 1300
