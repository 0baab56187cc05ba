import pytest
import torch

from quantunet_hls.training.losses import distillation_loss, focal_loss, segmentation_loss, tversky_loss


@pytest.mark.parametrize("classes", [1, 3])
def test_better_logits_lose_less_and_perfect_ones_nothing(classes):
    masks = torch.randint(0, max(2, classes), (2, 6, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    right = (
        masks[:, None].float() * 2 - 1 if classes == 1
        else torch.nn.functional.one_hot(masks.long(), classes).permute(0, 3, 1, 2).float()
    )
    loss = segmentation_loss(classes)
    values = [float(sum(loss(scale * right, masks))) for scale in (-5.0, 0.0, 5.0, 50.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 1e-3


def test_dice_is_taken_over_the_batch():
    # By image, the second one (nothing there, nothing found) would count as half the loss.
    masks = torch.zeros(2, 8, 8, dtype=torch.uint8)
    masks[0, :4] = 1
    logits = torch.where(masks[:, None] > 0, 0.0, -60.0)
    # Cross entropy: 32 of 128 pixels at ln 2. Dice: 2 * 16 / (16 + 32), as half of every pixel is found.
    expected = 0.25 * torch.log(torch.tensor(2.0)) + 1 - 2 * 16 / 48
    assert float(sum(segmentation_loss(1)(logits, masks))) == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("classes", [1, 3])
def test_nothing_is_nearer_to_a_teacher_than_the_teacher(classes):
    generator = torch.Generator().manual_seed(0)
    teacher, other = torch.randn(2, 2, classes, 4, 4, generator=generator)
    least = distillation_loss(teacher, teacher)
    assert 0 < least < distillation_loss(teacher + 0.1 * other, teacher) < distillation_loss(other, teacher)
    # Where it is all but sure, what is left to learn is the class that it is sure of.
    sure = 1000 * teacher
    assert float(distillation_loss(sure, sure)) < 1e-3


@pytest.mark.parametrize("classes", [1, 3])
def test_missed_foreground_weighs_what_it_is_given(classes):
    masks = torch.zeros(1, 10, 10, dtype=torch.uint8)
    masks[0, :5] = 1

    def logits(rows):
        found = torch.zeros(1, 10, 10, dtype=torch.uint8)
        found[0, :rows] = 1
        if classes == 1:
            return torch.where(found[:, None] > 0, 60.0, -60.0)
        return 60 * torch.nn.functional.one_hot(found.long(), classes).permute(0, 3, 1, 2).float()

    missed, invented = tversky_loss(classes, 0.9), tversky_loss(classes, 0.1)
    assert missed(logits(3), masks) > missed(logits(7), masks)
    assert invented(logits(3), masks) < invented(logits(7), masks)
    if classes == 1:
        assert float(tversky_loss(classes, 0.5)(logits(3), masks)) == pytest.approx(
            float(segmentation_loss(classes)(logits(3), masks)[0]), abs=1e-5)
        # 30 of 50 found, none invented: 1 - 30 / (30 + 0.9 x 20).
        assert float(missed(logits(3), masks)) == pytest.approx(1 - 30 / 48, abs=1e-5)


@pytest.mark.parametrize("classes", [1, 3])
def test_focal_loss_forgets_what_is_right(classes):
    masks = torch.zeros(1, 4, 4, dtype=torch.uint8)
    sure = -3.0 if classes == 1 else torch.tensor([3.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    right = torch.ones(1, classes, 4, 4) * sure
    focal, entropy = focal_loss(classes), segmentation_loss(classes)
    assert float(focal(right, masks)) < 0.02 * float(entropy(right, masks)[1])
    assert float(focal(-right, masks)) > 0.5 * float(entropy(-right, masks)[1]) / (1 if classes == 1 else 2)
