import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from quantunet_hls.data.image_folders import Samples
from quantunet_hls.data.scores import count_pixels, evaluate, predict, scores_from_counts

pairs = st.tuples(*[arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 2))] * 2)


@settings(deadline=None)
@given(pairs)
def test_scores_follow_their_definitions(pair):
    predicted, truth = pair
    scores = scores_from_counts(count_pixels(torch.from_numpy(predicted), torch.from_numpy(truth), 3))

    def dice(a, b):
        return 2 * (a & b).sum() / (a.sum() + b.sum()) if (a | b).any() else 1.0

    def iou(a, b):
        return (a & b).sum() / (a | b).sum() if (a | b).any() else 1.0

    assert scores.pixel_accuracy == pytest.approx((predicted == truth).mean())
    assert scores.dice == pytest.approx(np.mean([dice(predicted == c, truth == c) for c in (1, 2)]))
    assert scores.dice_of_classes == pytest.approx([dice(predicted == c, truth == c) for c in (1, 2)])
    assert scores.to_dict()["dice_class_2"] == scores.dice_of_classes[1]
    assert scores.iou == pytest.approx(np.mean([iou(predicted == c, truth == c) for c in (1, 2)]))
    each = [dice(p == c, t == c) for p, t in zip(predicted, truth, strict=True) for c in (1, 2) if (t == c).any()]
    assert scores.dice_per_image == pytest.approx(np.mean(each) if each else 1.0)


def test_all_background_scores_high_in_accuracy_only():
    truth = torch.zeros(2, 10, 10, dtype=torch.uint8)
    truth[0, 0, :2] = 1
    scores = scores_from_counts(count_pixels(torch.zeros_like(truth), truth, 2))
    assert scores.pixel_accuracy == 0.99
    assert scores.dice == scores.iou == scores.dice_per_image == 0.0


def test_counts_are_exact_beyond_float32():
    # 17 million pixels: a sum of ones in float32 ends at 2**24.
    truth = torch.ones(1, 4200, 4100, dtype=torch.uint8)
    counts = count_pixels(truth, truth, 2)
    assert counts[0, 1].tolist() == [4200 * 4100, 0, 0, 0]


def test_one_logit_is_foreground_above_zero_and_several_take_the_largest():
    one = torch.tensor([-1.0, 0.0, 1e-6, 3.0]).reshape(1, 1, 2, 2)
    assert predict(one).flatten().tolist() == [0, 0, 1, 1]
    three = torch.tensor([[0.1, 2.0, -1.0], [0.3, -5.0, 0.0]]).reshape(1, 2, 3).permute(2, 0, 1).reshape(3, 2, 1, 1)
    assert predict(three).flatten().tolist() == [1, 0, 1]


class Threshold(nn.Module):
    def forward(self, x):
        assert not self.training
        return x - 100 / 256 - 1e-4


def test_images_go_in_as_the_port_reads_them_and_the_mode_comes_back():
    images = np.array([[100, 101], [99, 255]], np.uint8).reshape(1, 1, 2, 2).repeat(5, axis=0)
    masks = np.array([[0, 1], [0, 1]], np.uint8)[None].repeat(5, axis=0)
    net = Threshold()
    scores = evaluate(net, Samples(images, masks, tuple("abcde")), batch_size=2)
    assert scores.dice == scores.pixel_accuracy == 1.0
    assert net.training
