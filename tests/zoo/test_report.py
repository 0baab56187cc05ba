import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from quantunet_hls.cli.zoo import zoo as command
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.report import write_report


@pytest.fixture
def filled(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path / "zoo"))
    torch.manual_seed(0)
    phantoms = draw_phantoms(3, 16, 16)
    folder = tmp_path / "data" / "phantom_set"
    for kind, pictures in (("images", phantoms.images[:, 0]), ("masks", phantoms.masks * 255)):
        (folder / kind).mkdir(parents=True)
        for index, pixels in enumerate(pictures):
            Image.fromarray(np.asarray(pixels)).save(folder / kind / f"{index}.png")
    data = {"name": "phantom_set", "licence": "none needed", "validation_slices": [0, 1, 2]}
    zoo.save(QuantUNet(depth=1, base_channels=2, quantized=False), "base", height=16, width=16,
             scores={"dice": 0.75, "iou": 0.6, "pixel_accuracy": 0.9}, data=data,
             training={"recipe": "float", "epochs_done": 5})
    zoo.save(QuantUNet(depth=1, base_channels=2, quantized=False), "base_more", height=16, width=16,
             scores={"dice": 0.7625}, data=data,
             training={"recipe": "float", "start": "base (sha256 00)", "epochs_done": 3})
    net = QuantUNet(UNetConfig(depth=1, base_channels=2, layer_widths={"enc0a": LayerWidths(7, 5)}))
    calibrate(net, torch.rand(2, 1, 8, 8))
    history = [{"epoch": epoch, "loss": 1.0 / epoch, "dice": 0.2 * epoch, "bits": 5.0} for epoch in (1, 2)]
    zoo.save(net, "few_bits", height=16, width=16, scores={"dice": 0.7425, "iou": 0.59, "pixel_accuracy": 0.89},
             data=data, training={"recipe": "quantunet", "start": "base (sha256 00)", "epochs_done": 2,
                                   "history": history})
    return tmp_path


def row_of(name, text):
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
    return row.split("|")


def test_one_command_writes_tables_and_plots(filled):
    report = filled / "out" / "zoo.md"
    done = CliRunner().invoke(command, ["--report", str(report), "--data", str(filled / "data")])
    assert done.exit_code == 0, done.output
    text = report.read_text()
    cells = [cell.strip() for cell in row_of("few_bits", text)]
    assert cells[2:8] == ["quantunet", "5 + 2", "74.25", "-0.75", "-2.00", "59.00"]
    assert [cell.strip() for cell in row_of("base_more", text)][2:8] == ["float", "5 + 3", "76.25", "+1.25", "", ""]
    size = zoo.card_of("few_bits").footprint
    assert cells[9].startswith(f"{size.weight_bits:.2f} /")
    assert "Licence: none needed" in text
    assert "theirs" in text
    plots = {file.name for file in (report.parent / "zoo").iterdir()}
    assert plots == {"phantom_set_size.png", "phantom_set_curves.png", "few_bits_bits.png",
                     "phantom_set_predictions.png"}
    assert all(f"(zoo/{name})" in text for name in plots)
    for name in plots:
        Image.open(report.parent / "zoo" / name).verify()


def test_without_data_no_image_is_shown(filled):
    files = write_report(filled / "zoo.md")
    assert not any("predictions" in file.name for file in files)


def test_an_empty_zoo_has_nothing_to_report(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no networks"):
        write_report(tmp_path / "zoo.md")


def test_a_name_in_a_card_is_no_path_and_a_foreign_file_is_not_overwritten(filled):
    thesis = filled / "thesis.md"
    thesis.write_text("# Mine")
    with pytest.raises(ConfigurationError, match="was not written by this command"):
        write_report(thesis)
    card = filled / "zoo" / "base.json"
    card.write_text(card.read_text().replace('"name": "phantom_set"', '"name": "../../phantom_set"'))
    with pytest.raises(ConfigurationError, match="can't be the name of a data set"):
        write_report(filled / "out" / "zoo.md")
    assert thesis.read_text() == "# Mine"
    assert not list(filled.glob("*.png"))


def test_a_text_in_the_place_of_a_score_is_no_distance(filled):
    card = filled / "zoo" / "few_bits.json"
    card.write_text(card.read_text().replace('"dice": 0.7425', '"dice": "good"'))
    write_report(filled / "zoo.md")
    assert [cell.strip() for cell in row_of("few_bits", (filled / "zoo.md").read_text())][4:7] == ["", "", ""]
