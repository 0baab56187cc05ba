import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from quantunet_hls.cli.train import train
from quantunet_hls.training import recipes
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.about import about, repeating

_ROOT = Path(__file__).resolve().parents[2]
_FOLDS = {"name": "brain_tumor_mri", "licence": "CC BY 4.0", "validation_folds": [4], "validation_images": 613}


def shipped():
    return [zoo.card_of(name) for name in zoo.names()]


def test_every_card_that_ships_says_all_and_what_follows_from_the_rest():
    for card in shipped():
        assert all(vars(card.about).values())
        assert card.about == about(card.architecture, card.height, card.width, card.data, card.training)
        assert str(card.data["licence"]) in card.about.licence
        assert repeating(card.training) == card.training


def test_the_commands_on_the_cards_that_ship_ask_for_what_was_done():
    for card in shipped():
        program, command, *words = shlex.split(card.training["command"])
        assert (program, command) == ("quantunet-hls", "train")
        asked = train.make_context("train", words).params
        assert asked["name"] == card.name
        keep = asked["keep"] or recipes.load(asked["recipe"] or "uniform").keep
        assert keep == ("best" if "best_epoch" in card.training else card.training["settings"]["keep"])


@pytest.mark.parametrize(("data", "training", "epoch", "scored"), [
    (_FOLDS, {"best_epoch": 8, "epochs": 12}, "Epoch 8 of 12, the one with the best",
     "Fold 4 (613 images), which chose the epoch"),
    (_FOLDS, {"kept_epoch": 8, "epochs": 12, "settings": {"keep": "best"}}, "the one with the best", "which chose the"),
    (_FOLDS, {"kept_epoch": 12, "epochs": 12, "settings": {"keep": "last"}}, "the last one", "which chose nothing"),
    (_FOLDS | {"scoring_slices": [1, 2], "scoring_images": 2}, {"best_epoch": 8}, "best",
     "Slice 1, 2 (2 images), which chose nothing"),
    ({}, {}, "", ""),
])
def test_protocols(data, training, epoch, scored):
    said = about(shipped()[0].architecture, 8, 16, data, training)
    assert epoch in said.epoch
    assert scored in said.scored_on
    assert bool(said.epoch) == bool(training)
    assert "v / 256" in said.inputs
    assert "8x16" in said.inputs


def test_a_command_is_mended_once_and_only_where_the_best_epoch_was_kept():
    best = {"best_epoch": 1, "command": "quantunet-hls train --name x"}
    mended = repeating(best)
    assert mended["command"] == "quantunet-hls train --name x --keep best"
    assert repeating(mended) == mended
    last = {"kept_epoch": 1, "settings": {"keep": "last"}, "command": "quantunet-hls train"}
    assert repeating(last) == last


def test_the_script_finds_the_cards_that_ship_as_they_should_be():
    done = subprocess.run([sys.executable, _ROOT / "benchmarks" / "zoo_cards.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("as it was") == len(shipped())
