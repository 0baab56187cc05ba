import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from quantunet_hls.cli.zoo import zoo
from quantunet_hls.core.errors import CheckpointError
from quantunet_hls.nets import QuantUNet, calibrate
from quantunet_hls.zoo import checkpoints as models

_NAMES = ("brain_tumor_first_b8d3", "second")


@pytest.fixture
def folder(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path))
    # As wide as an ordinary terminal: no name may be cut or folded there.
    monkeypatch.setenv("COLUMNS", "80")
    torch.manual_seed(0)
    net = QuantUNet(depth=1, base_channels=2)
    calibrate(net, torch.rand(1, 1, 8, 8))
    for name in _NAMES:
        models.save(net, name, height=8, width=8, scores={"dice": 0.5678}, data={"name": "phantoms"})
    return tmp_path


def test_the_table_has_every_entry(folder):
    shown = CliRunner().invoke(zoo, [])
    assert shown.exit_code == 0, shown.output
    rows = {line.split()[0]: line for line in shown.output.splitlines() if "56.78" in line}
    assert tuple(rows) == _NAMES
    assert all(" 4/" in row for row in rows.values())


def test_verify_says_what_is_sound(folder):
    shown = CliRunner().invoke(zoo, ["--verify"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("yes") == 2


def test_verify_fails_where_an_entry_is_spoilt(folder):
    (folder / "second.pt").write_bytes(b"")
    shown = CliRunner().invoke(zoo, ["--verify"])
    assert isinstance(shown.exception, CheckpointError)
    assert "second.pt" in str(shown.exception)
    assert "no" in next(line for line in shown.output.splitlines() if "second" in line)


def test_scores_need_images_and_say_where_a_card_is_wrong(folder, tmp_path):
    assert "--data" in str(CliRunner().invoke(zoo, ["--score"]).exception)
    for kind in ("images", "masks"):
        (tmp_path / "sets" / "phantoms" / kind).mkdir(parents=True)
        Image.fromarray(np.full((8, 8), 255, np.uint8)).save(tmp_path / "sets" / "phantoms" / kind / "0.png")
    for name in _NAMES:
        net, _ = models.load(name)
        models.save(net, name, height=8, width=8, scores={"dice": 0.5678},
                    data={"name": "phantoms", "validation_slices": [0]})
    shown = CliRunner().invoke(zoo, ["--score", "--data", str(tmp_path / "sets")])
    assert isinstance(shown.exception, CheckpointError)
    assert f"{_NAMES[0]} has another Dice" in str(shown.exception)
    assert sum("56.78" in line for line in shown.output.splitlines()) == 2


def test_an_empty_zoo_is_an_empty_table(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path / "none"))
    shown = CliRunner().invoke(zoo, ["--verify"])
    assert shown.exit_code == 0
    assert "0 networks" in shown.output


def test_whose_an_entry_is_stands_below(folder, tmp_path, monkeypatch):
    shown = CliRunner().invoke(zoo, [])
    assert f"Your own, in {folder}: {', '.join(_NAMES)}." in shown.output
    assert "instead" not in shown.output
    monkeypatch.setattr("quantunet_hls.zoo.folders.shipped_folder", lambda: folder)
    assert f"All of them come with the package; your own go into {folder}." in CliRunner().invoke(zoo, []).output
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for suffix in (".pt", ".json"):
        (shipped / f"second{suffix}").write_bytes((folder / f"second{suffix}").read_bytes())
    monkeypatch.setattr("quantunet_hls.zoo.folders.shipped_folder", lambda: shipped)
    shown = CliRunner().invoke(zoo, [])
    assert "Taken instead of the package's of the same name: second." in shown.output
    assert "2 networks" in shown.output
