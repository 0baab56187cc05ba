import shutil
from pathlib import Path

import pytest

from quantunet_hls.compare import open_designs
from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.files import write_json
from quantunet_hls.reports import Source, names
from tests.compare.builders import figure, report

FIXTURES = Path(__file__).parents[1] / "reports" / "fixtures"
HLS4ML = """\
Backend: {backend}
ClockPeriod: 5.0
HLSConfig:
  Model: {{Precision: &one "fixed<16,6>", Other: *one}}
IOType: io_stream
KerasModel: !keras_model 'model.keras'
OnnxModel: !!python/object:onnx.ModelProto {{}}
OutputDir: somewhere
Part: xczu7ev-ffvc1156-2-e
ProjectName: unet
"""


def project(folder, fixture=None, backend="Vitis", solution="solution1"):
    folder.mkdir(parents=True)
    (folder / "hls4ml_config.yml").write_text(HLS4ML.format(backend=backend))
    if fixture:
        shutil.copytree(FIXTURES / fixture, folder / "unet_prj" / solution)
    return folder


def test_reports_and_folders_of_them(tmp_path):
    for name in ("one", "two"):
        report(name).save(tmp_path / f"{name}.json")
    (tmp_path / "other.json").write_text("[1]")
    designs = open_designs([tmp_path, tmp_path / "two.json", f"mine={tmp_path / 'one.json'}"])
    assert [design.label for design in designs] == ["one", f"two ({tmp_path / 'two.json'})",
                                                    f"two ({tmp_path / 'two.json'}) #2", "mine"]
    assert designs[3].report == report("one")


def test_a_path_with_an_equals_sign_is_a_path(tmp_path):
    report("one").save(tmp_path / "a=b.json")
    assert [design.label for design in open_designs([tmp_path / "a=b.json"])] == ["one"]


def test_a_designs_folder_is_what_its_steps_measured(tmp_path):
    write_json(tmp_path / "steps.json", {})
    report("a", [figure(names.LUT, 5, Source.ESTIMATE)]).save(tmp_path / "project.json")
    report("a", [figure(names.LUT, 6)]).save(tmp_path / "synthesis.json")
    (design,) = open_designs([tmp_path])
    assert [each.value for each in design.report.figures] == [5, 6]
    (tmp_path / "project.json").unlink()
    (tmp_path / "synthesis.json").unlink()
    with pytest.raises(QuantUNetError, match="measured nothing yet"):
        open_designs([tmp_path])


def test_any_hls4ml_project(tmp_path):
    # The figures are those of the hand-written fixtures; see the README beside them.
    (design,) = open_designs([project(tmp_path / "p", "vitis_hls_2022.2/solution1")])
    assert design.report.name == "unet"
    assert {each.source for each in design.report.figures} == {Source.CSYNTH, Source.COSIM}
    assert design.report.figure(names.LUT, Source.CSYNTH).tool == "Vitis HLS"
    assert design.report.tools["Vitis HLS"]
    assert design.report.layers


def test_vivados_own_synthesis_counts_memory_in_blocks_of_18_kbit(tmp_path):
    folder = project(tmp_path / "p", backend="Vivado")
    shutil.copy(FIXTURES / "vivado" / "usplus_2022.2_utilization.rpt", folder / "vivado_synth.rpt")
    (design,) = open_designs([folder])
    # The fixture says that its design is routed; the name of hls4ml's file says nothing of that.
    assert design.report.figure(names.LUT).source is Source.ROUTED
    tiles = next(line for line in (folder / "vivado_synth.rpt").read_text().splitlines() if "Block RAM Tile" in line)
    assert design.report.figure(names.BRAM_18K).value == 2 * float(tiles.split("|")[2])


@pytest.mark.parametrize(("make", "message"), [
    (lambda folder: project(folder / "p"), "no tool has left a report"),
    (lambda folder: project(folder / "p", backend="Quartus"), "backend 'Quartus'"),
    (lambda folder: folder / "absent", "There is nothing at"),
    (lambda folder: folder, "neither a report nor a project"),
])
def test_what_holds_no_report_is_refused_in_one_sentence(tmp_path, make, message):
    with pytest.raises(QuantUNetError, match=message) as caught:
        open_designs([make(tmp_path)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "ProjectName: ../../etc\nBackend: Vitis\nClockPeriod: 5",
                                  "ProjectName: unet\nBackend: Vitis\nClockPeriod: fast", "\0", "&a [*a]",
                                  "ProjectName: unet\nBackend: [Vitis]\nClockPeriod: 5",
                                  "x: !!python/object/apply:os.system ['touch owned']"])
def test_a_damaged_hls4ml_project(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "hls4ml_config.yml").write_text(text)
    with pytest.raises(QuantUNetError) as caught:
        open_designs([tmp_path / "p"])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "owned").exists()


def test_a_damaged_synthesis_report(tmp_path):
    folder = project(tmp_path / "p", "vitis_hls_2022.2/solution1")
    for path in (folder / "unet_prj").rglob("*csynth.xml"):
        path.write_text("<profile>")
    with pytest.raises(QuantUNetError, match="no sound report"):
        open_designs([folder])
