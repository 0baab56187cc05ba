import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from quantunet_hls import boards, generate_accelerator
from quantunet_hls.cli.accuracy import accuracy
from quantunet_hls.cli.train import train
from quantunet_hls.core.errors import CheckpointError, ConfigurationError, DataError, QuantUNetError
from quantunet_hls.data.image_folders import Split, read_pairs
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.data.scores import evaluate
from quantunet_hls.flow.width_budget import RESERVE, design_shares
from quantunet_hls.nets import LayerWidths, QuantUNet, calibrate
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.rescore import rescore

SMALL = ["--depth", "1", "--base-channels", "2", "--epochs", "2", "--batch-size", "4"]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "phantom set"
    phantoms = draw_phantoms(8, 16, 24, seed=1)
    for kind, pictures in (("images", phantoms.images[:, 0]), ("masks", phantoms.masks * 255)):
        (folder / kind).mkdir(parents=True)
        for index, pixels in enumerate(pictures):
            Image.fromarray(np.asarray(pixels)).save(folder / kind / f"{index}.png")
    rows = [f"{index}.png,{1 + index % 4}" for index in range(8)]
    (folder / "index.csv").write_text("\n".join(["file,fold", *rows]) + "\n")
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path / "zoo"))
    return tmp_path


def invoke(*arguments):
    return CliRunner().invoke(train, [str(argument) for argument in arguments])


def test_a_float_net_and_a_quantized_one_from_it(data, here):
    done = invoke("--data", data, "--name", "base", "--float", *SMALL, "--save-to-zoo")
    assert done.exit_code == 0, done.output
    done = invoke("--data", data, "--name", "few_bits", "--init", "base", "--lr", "0.001", "--out", "elsewhere",
                  *SMALL, "--save-to-zoo")
    assert done.exit_code == 0, done.output
    assert zoo.names() == ("base", "few_bits")
    _, card = zoo.load("few_bits")
    assert card.architecture.quantized
    assert card.footprint.weight_bits == 4.0
    assert (card.height, card.width) == (16, 24)
    assert card.data["training_folds"] == [1, 2, 3]
    assert card.data["validation_images"] == 2
    assert card.training["start"].startswith("base (sha256")
    assert card.scores["dice"] == torch.load(
        here / "elsewhere" / "state.pt", weights_only=True)["history"][-1]["dice"]
    assert card.training["command"] == (
        "quantunet-hls train --data 'phantom set' --name few_bits --depth 1 --base-channels 2 --init base "
        "--epochs 2 --batch-size 4 --lr 0.001"
    )
    assert str(here) not in (here / "zoo" / "few_bits.json").read_text()
    assert (here / "runs" / "base" / "base.pt").is_file()


def test_the_same_command_again_finds_it_done(data, here):
    arguments = ("--data", data, "--name", "base", "--float", *SMALL)
    assert invoke(*arguments).exit_code == 0
    first = (here / "runs" / "base" / "base.pt").read_bytes()
    again = invoke(*arguments)
    assert again.exit_code == 0
    assert "epoch 2/2" not in again.output
    assert (here / "runs" / "base" / "base.pt").read_bytes() == first
    assert json.loads((here / "runs" / "base" / "base.json").read_text())["training"]["epochs"] == 2


def test_a_quantized_net_from_random_weights(data, here):
    done = invoke("--data", data, "--name", "fresh", "--weight-bits", "3", "--activation-bits", "5", *SMALL)
    assert done.exit_code == 0, done.output
    card = zoo.card_of(here / "runs" / "fresh" / "fresh.pt")
    assert card.footprint.weight_bits == 3.0
    assert card.training["start"] == "random"


def test_what_it_is_scored_on_chose_nothing(data, here):
    folds = ("--train-folds", "1", "--val-folds", "2,3", "--score-folds", "4")
    assert invoke("--data", data, "--name", "base", "--float", *SMALL, *folds, "--average", "0.9").exit_code == 0
    done = invoke("--data", data, "--name", "pupil", *SMALL, *folds, "--keep", "best",
                  "--teacher", "runs/base/base.pt", "--distillation", "0.5")
    assert done.exit_code == 0, done.output
    net, card = zoo.load(here / "runs" / "pupil" / "pupil.pt")
    unseen = read_pairs(data, Split("fold", (4,)).names(data))
    assert card.scores == {**evaluate(net, unseen).to_dict(), "meaning": card.scores["meaning"]}
    assert "on the scoring folds, which chose nothing" in card.scores["meaning"]
    assert "the epoch was chosen on the validation images" in card.scores["meaning"]
    assert card.data["scoring_folds"] == [4]
    assert card.data["scoring_images"] == len(unseen)
    assert "taught by base (sha256 " in card.training["start"]
    base = zoo.card_of(here / "runs" / "base" / "base.pt")
    assert base.scores["meaning"].startswith("on the scoring folds, which chose nothing; ")
    assert base.training["kept_epoch"] == base.training["epochs"]


@pytest.mark.parametrize(("arguments", "error", "says"), [
    (["--name", "no good"], ConfigurationError, "no good"),
    (["--name", "x", "--train-folds", "a"], ConfigurationError, "--train-folds"),
    (["--name", "x", "--train-folds", "1,4"], ConfigurationError, "Fold 4"),
    (["--name", "x", "--val-folds", "9"], DataError, "fold 9"),
    (["--name", "x", "--init", "nothing.pt"], CheckpointError, "nothing.pt"),
    (["--name", "x", "--weight-bits", "1"], ConfigurationError, "Weight bits"),
    (["--name", "x", "--epochs", "0"], ConfigurationError, "epochs"),
    (["--name", "x", "--data", "nowhere"], DataError, "nowhere"),
    (["--name", "x", "--mixed-precision"], ConfigurationError, "mixed precision"),
    (["--name", "x", "--recipe", "quantnet"], ConfigurationError, "quantunet"),
    (["--name", "x", "--weights", "ternery"], ConfigurationError, "ternery"),
    (["--name", "x", "--weights", "w0.4", "--weight-bits", "4"], ConfigurationError, "--weight-bits"),
    (["--name", "x", "--board", "zcu104"], ConfigurationError, "quantunet"),
    (["--name", "x", "--recipe", "quantunet", "--board", "zcu104", "--budget", "1e-9"], ConfigurationError, "budget"),
    (["--name", "x", "--recipe", "quantunet", "--board", "zcu104", "--budget", "1.5"], ConfigurationError, "budget"),
    (["--name", "x", "--recipe", "quantunet", "--board", "zcu104", "--frames-per-second", "1e7"], ConfigurationError,
     "frames a second"),
    (["--name", "x", "--recipe", "quantunet", "--float", "--target-bits", "1"], ConfigurationError, "narrowest"),
    (["--name", "x", "--val-slices", "8"], DataError, "slice 8"),
    (["--name", "x", "--train-slices", "0-3", "--val-slices", "3-5"], ConfigurationError, "Slice 3"),
    (["--name", "x", "--train-slices", "0-3"], ConfigurationError, ".png is asked for both"),
    (["--name", "x", "--val-slices", "1", "--val-folds", "1"], ConfigurationError, "not by both"),
    (["--name", "x", "--score-folds", "4"], ConfigurationError, "both in validation and in scoring"),
    (["--name", "x", "--score-slices", "1", "--score-folds", "1"], ConfigurationError, "not by both"),
    (["--name", "x", "--patience", "2"], ConfigurationError, "keep the best epoch"),
    (["--name", "x", "--teacher", "nothing.pt", "--distillation", "1"], CheckpointError, "nothing.pt"),
    (["--name", "x", "--distillation", "1"], ConfigurationError, "teacher"),
    (["--name", "x", "--device", "tpu"], ConfigurationError, "tpu"),
    (["--name", "x", "--crop", "64"], DataError, "64 pixels"),
])
def test_what_is_wrong_is_said_and_nothing_is_left(data, here, arguments, error, says):
    done = invoke("--data", data, *SMALL, *arguments)
    assert isinstance(done.exception, error)
    assert isinstance(done.exception, QuantUNetError)
    assert says in str(done.exception)
    assert not list(here.glob("**/*.pt"))


def test_a_name_that_ships_is_refused_before_anything_is_trained(data, here, monkeypatch):
    monkeypatch.setattr("quantunet_hls.zoo.folders.shipped_folder", lambda: here / "shipped")
    (here / "shipped").mkdir()
    (here / "shipped" / "base.json").write_text("{}")
    done = invoke("--data", data, "--name", "base", "--float", *SMALL, "--save-to-zoo")
    assert isinstance(done.exception, ConfigurationError)
    assert "another name" in str(done.exception)
    assert not (here / "runs").exists()


def test_what_is_not_ours_is_told_before_anything_is_trained(data, here):
    arguments = ("--data", data, "--name", "base", "--float", *SMALL, "--save-to-zoo")
    (here / "zoo").mkdir()
    (here / "zoo" / "base.json").write_text("mine")
    done = invoke(*arguments)
    assert "base.json is no card of a checkpoint of quantunet-hls" in str(done.exception)
    assert not (here / "runs").exists()
    (here / "zoo" / "base.json").unlink()
    (here / "runs" / "base").mkdir(parents=True)
    (here / "runs" / "base" / "base.pt").write_text("mine")
    done = invoke(*arguments)
    assert isinstance(done.exception, ConfigurationError)
    assert "holds files that are not quantunet-hls's, such as 'base.pt'" in str(done.exception)
    assert [file.read_text() for file in (here / "runs" / "base").iterdir()] == ["mine"]
    assert not list((here / "zoo").iterdir())


def test_another_architecture_than_the_start_is_refused(data):
    assert invoke("--data", data, "--name", "base", "--float", *SMALL, "--save-to-zoo").exit_code == 0
    done = invoke("--data", data, "--name", "wider", "--float", "--init", "base", *SMALL, "--base-channels", "3")
    assert isinstance(done.exception, ConfigurationError)
    assert "another architecture" in str(done.exception)


def test_learned_widths_whose_whole_design_fits_a_board(data, here):
    few = ["--epochs", "2", "--batch-size", "4", "--train-slices", "0-5", "--val-slices", "6,7", "--depth", "1",
           "--base-channels", "2"]
    done = invoke("--data", data, "--name", "fitted", "--recipe", "quantunet", "--board", "pynq-z2",
                  "--budget", "0.055", "--frames-per-second", "20000", *few)
    assert done.exit_code == 0, done.output
    net, card = zoo.load(here / "runs" / "fitted" / "fitted.pt")
    config, board = card.architecture, boards.load("pynq-z2")
    assert max(design_shares(net, 16, 24, board, 20_000).values()) <= 0.055
    # Eight bits everywhere, where learning starts, would be too many.
    widest = QuantUNet(replace(config, layer_widths=dict.fromkeys(config.layer_names, LayerWidths(8, 8))))
    calibrate(widest, torch.rand(4, 1, 16, 24))
    assert max(design_shares(widest.eval(), 16, 24, board, 20_000).values()) > 0.055
    said = card.training["settings"]["widths"]["board"]
    assert "0.055 of pynq-z2 at 20000 frames/s" in said["source"]
    assert said["budget"] == pytest.approx(0.055 * (1 - RESERVE))
    # Thousands of numbers that nobody reads.
    assert "layers" not in said
    assert "Estimated on" in done.output
    assert card.training["recipe"] == "quantunet"
    assert card.data["training_slices"] == [0, 1, 2, 3, 4, 5]
    assert "--train-slices 0,1,2,3,4,5" in card.training["command"]
    assert [epoch["epoch"] for epoch in card.training["history"]] == [1, 2]
    assert list((here / "runs" / "fitted" / "tensorboard").glob("events*"))
    assert not config.batch_norm


@pytest.mark.slow
def test_a_ternary_net_from_a_float_one(data, here):
    assert invoke("--data", data, "--name", "base", "--recipe", "float", *SMALL, "--save-to-zoo").exit_code == 0
    done = invoke("--data", data, "--name", "few", "--recipe", "ternary", "--init", "base", *SMALL)
    assert done.exit_code == 0, done.output
    net, card = zoo.load(here / "runs" / "few" / "few.pt")
    assert card.footprint.weight_bits_by_layer == pytest.approx((2 * 6 + 8 * 2) / 8)
    magnitudes = net.mida.conv.weight.detach().abs().flatten(1)
    assert all(len({value for value in filter_.tolist() if value}) <= 1 for filter_ in magnitudes)


@pytest.fixture
def kinds(tmp_path):
    """Colour images that are not square, with two kinds of foreground."""
    folder = tmp_path / "kinds"
    phantoms = draw_phantoms(8, 16, 24, channels=3, seed=1)
    for kind, pictures in (("images", np.moveaxis(phantoms.images, 1, 3)), ("masks", phantoms.masks * 255)):
        (folder / kind).mkdir(parents=True)
        for index, pixels in enumerate(pictures):
            Image.fromarray(np.asarray(pixels)).save(folder / kind / f"{index}.png")
    rows = [f"{index}.png,{'ab'[index // 2 % 2]},{1 + index % 4}" for index in range(8)]
    (folder / "index.csv").write_text("\n".join(["file,class,fold", *rows]) + "\n")
    return folder


def several(data, *options):
    return invoke("--data", data, "--classes", "2", "--in-channels", "3", *SMALL, "--save-to-zoo", *options)


@pytest.mark.slow
def test_kinds_of_foreground_in_colour_images_from_training_to_the_hardwares_scores(kinds, here):
    assert several(kinds, "--name", "base", "--float").exit_code == 0
    done = several(kinds, "--name", "few_bits", "--init", "base")
    assert done.exit_code == 0, done.output
    assert "dice_class_2" in done.output
    _, card = zoo.load("few_bits")
    assert (card.architecture.classes, card.architecture.in_channels) == (3, 3)
    assert (card.height, card.width) == (16, 24)
    assert card.data["classes"] == ["a", "b"]
    assert card.scores["dice"] == pytest.approx((card.scores["dice_class_1"] + card.scores["dice_class_2"]) / 2)
    (_, found) = rescore(here)
    assert found.scores.to_dict() == {key: value for key, value in card.scores.items() if key != "meaning"}
    # Wide enough for a row a line, whatever the shell of the tests says.
    shown = CliRunner().invoke(accuracy, ["few_bits", "--data", str(kinds), "--fold", "4"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "class 2" in shown.output
    hardware, brevitas = (next(line.split()[-6:-1] for line in shown.output.splitlines() if word in line)
                          for word in ("hardware", "Brevitas"))
    assert hardware == brevitas
    assert float(hardware[0]) == pytest.approx(card.scores["dice"], abs=1e-4)
    made = generate_accelerator("few_bits", "zcu104", toolchain="none", images=2, data=kinds, folds=(4,), output="mask",
                                projects=here / "projects", reports=here / "reports")
    assert made.differing == 0
    dice = {figure.tool: figure.value for figure in made.report.figures if figure.name == "dice"}
    assert dice["Brevitas"] == dice["hardware (emulated)"] == card.scores["dice"]
    # Two kinds more would be two classes that nobody has.
    assert "has 2 ('a', 'b')" in str(invoke("--data", kinds, "--name", "more", "--classes", "4", "--in-channels", "3",
                                            *SMALL).exception)
