import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from quantunet_hls.core.errors import CheckpointError, DataError
from quantunet_hls.data.image_folders import Split, read_pairs
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.data.scores import counts_of, dice_spread, evaluate
from quantunet_hls.nets import QuantUNet
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.rescore import rescore, scored_split


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "phantoms"
    phantoms = draw_phantoms(6, 16, 16, seed=1)
    for kind, pictures in (("images", phantoms.images[:, 0]), ("masks", phantoms.masks * 255)):
        (folder / kind).mkdir(parents=True)
        for index, pixels in enumerate(pictures):
            Image.fromarray(np.asarray(pixels)).save(folder / kind / f"{index}.png")
    return folder


@pytest.fixture
def entry(tmp_path, data, monkeypatch, nothing_shipped):
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path / "zoo"))
    torch.manual_seed(0)
    net = QuantUNet(depth=1, base_channels=2, quantized=False)
    unseen = read_pairs(data, Split("slice", (1, 4, 5)).names(data))

    def save(size=16, **changes):
        scores = evaluate(net, unseen, window=None if size == 16 else size).to_dict()
        about = {"name": "phantoms", "validation_slices": [0], "scoring_slices": [1, 4, 5]}
        zoo.save(net, "one", height=size, width=size, scores=scores | changes.pop("scores", {}), data=about | changes)
        return scores
    return save


@pytest.mark.parametrize("size", [16, 8])
def test_a_cards_figures_come_out_again(entry, data, size):
    scores = entry(size)
    (found,) = rescore(data.parent)
    assert found.scores.to_dict() == scores
    assert found.same
    assert found.images == 3


def test_a_figure_that_nobody_measured_is_found(entry, data):
    right = entry()["dice"]
    entry(scores={"dice": right + 1e-3})
    (found,) = rescore(data.parent)
    assert not found.same
    assert found.scores.dice == right


def test_images_that_chose_nothing_come_first(entry):
    entry()
    card = zoo.card_of("one")
    assert scored_split(card) == Split("slice", (1, 4, 5))
    assert scored_split(replace(card, data={"validation_folds": [4]})) == Split("fold", (4,))
    with pytest.raises(CheckpointError, match="names no folds or slices"):
        scored_split(replace(card, data={"validation_folds": ["../x"]}))


@pytest.mark.parametrize(("wrong", "error", "says"), [
    ({"name": "../phantoms"}, CheckpointError, "no folder's name"), ({"name": ""}, CheckpointError, "no folder's name"),
    ({"name": "elsewhere"}, DataError, "elsewhere"), ({"scoring_slices": [9]}, DataError, "slice 9"),
])
def test_a_card_that_leads_nowhere_is_refused(entry, data, wrong, error, says):
    entry(**wrong)
    with pytest.raises(error, match=says):
        list(rescore(data.parent))


def test_a_card_without_a_figure_is_refused(entry, data, tmp_path):
    entry()
    card = tmp_path / "zoo" / "one.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"scores": {"dice": "much"}}))
    with pytest.raises(CheckpointError, match="states no Dice"):
        list(rescore(data.parent))


def test_the_spread_is_what_other_draws_of_images_give(data):
    # Of n images, each all right or all wrong and alike in size, Dice of a draw is a binomial's share.
    right, images = 30, 40
    counts = torch.zeros(images, 2, 4, dtype=torch.int64)
    counts[:right, 1, 0] = 10
    counts[right:, 1, 1] = counts[right:, 1, 3] = 10
    share = right / images
    # A thousand draws know their standard deviation to 2 %; 10 % is five of those.
    assert dice_spread(counts) == pytest.approx((share * (1 - share) / images) ** 0.5, rel=0.1)
    assert dice_spread(counts[:right]) == 0
    net = QuantUNet(depth=1, base_channels=2, quantized=False)
    assert 0 <= dice_spread(counts_of(net, read_pairs(data, Split("slice", (0, 1)).names(data)))) <= 0.5
