from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.data.image_folders import to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.training.augment import augment
from quantunet_hls.training.settings import Augmentation

STILL = Augmentation(flip=False, rotation=0, shift=0, scale=0, gain=0, offset=0)
ALL = Augmentation(gamma=0.4, noise=0.1, elastic=0.05)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(height=16, width=24, channels=1, classes=1):
    drawn = draw_phantoms(4, height, width, channels=channels, classes=classes)
    return to_input(drawn.images), torch.from_numpy(drawn.masks)


def test_no_limits_change_nothing():
    images, masks = batch()
    after, masks_after = augment(images, masks, STILL, seeded())
    assert torch.equal(after, images)
    assert torch.equal(masks_after, masks)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), height=st.integers(4, 20), width=st.integers(4, 20), channels=st.integers(1, 3))
def test_images_stay_what_an_8_bit_port_carries_and_masks_keep_their_classes(seed, height, width, channels):
    images, masks = batch(height, width, channels, classes=4)
    after, masks_after = augment(images, masks, ALL, seeded(seed))
    grey = after * 256
    assert torch.equal(grey, grey.round())
    assert 0 <= grey.min() <= grey.max() <= 255
    assert after.shape == images.shape
    assert masks_after.dtype == masks.dtype
    assert set(masks_after.unique().tolist()) <= set(range(4))


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (96, 48)])
def test_the_mask_moves_with_its_image_and_shapes_stay_rigid(size):
    # A disc off the middle: the brightest part of the image and the mask are the same set of pixels.
    height, width = size
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    disc = ((y - height * 0.45) ** 2 + (x - width * 0.55) ** 2 < 12**2).to(torch.uint8).repeat(8, 1, 1)
    how = Augmentation(flip=True, rotation=80, shift=0.05, scale=0, gain=0, offset=0)
    after, masks = augment(disc[:, None].float() * 200 / 256, disc, how, seeded(4))
    bright = after[:, 0] > 100 / 256
    assert (bright != masks.bool()).float().mean() < 0.005
    for mask in masks:
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert abs(int(rows) - 23) <= 2
        assert abs(int(columns) - 23) <= 2


def test_flips_alone_are_exact_mirrors():
    images, masks = batch()
    how = Augmentation(flip=True, rotation=0, shift=0, scale=0, gain=0, offset=0)
    seen = set()
    for seed in range(6):
        after, masks_after = augment(images, masks, how, seeded(seed))
        for index in range(len(images)):
            for axes in ((), (1,), (2,), (1, 2)):
                if torch.equal(after[index], images[index].flip(axes)):
                    seen.add(axes)
                    assert torch.equal(masks_after[index], masks[index].flip([axis - 1 for axis in axes]))
                    break
            else:
                pytest.fail("the image is no mirror image of itself")
    assert seen == {(), (1,), (2,), (1, 2)}


def test_the_generator_decides():
    images, masks = batch()
    first, _ = augment(images, masks, Augmentation(), seeded(1))
    again, _ = augment(images, masks, Augmentation(), seeded(1))
    other, _ = augment(images, masks, Augmentation(), seeded(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_elastic_moves_neighbours_alike_and_the_mask_with_them():
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    disc = ((y - 32) ** 2 + (x - 32) ** 2 < 14**2).to(torch.uint8).repeat(8, 1, 1)
    how = replace(STILL, elastic=0.05)
    after, masks = augment(disc[:, None].float() * 200 / 256, disc, how, seeded(3))
    bright = after[:, 0] > 100 / 256
    assert (bright != masks.bool()).float().mean() < 0.005
    assert not torch.equal(masks, disc)
    for mask in masks.bool():
        # Nothing is torn: a pixel that lies three within the disc is still in it, one that lies eight outside is not.
        assert mask[(y - 32) ** 2 + (x - 32) ** 2 < 6**2].all()
        assert not mask[(y - 32) ** 2 + (x - 32) ** 2 > 22**2].any()


def test_gamma_keeps_black_and_the_order_of_grey_values():
    ramp = (torch.arange(16) / 16).repeat(4, 1, 16, 1)
    after, _ = augment(ramp, torch.zeros(4, 16, 16, dtype=torch.uint8), replace(STILL, gamma=0.5), seeded())
    assert (after[..., 0] == 0).all()
    assert (after.diff(dim=-1) >= 0).all()
    assert len({tuple(image[0, 0].tolist()) for image in after}) == 4


def test_noise_is_in_every_pixel_and_as_strong_as_asked_at_most():
    flat = torch.full((64, 1, 32, 32), 0.5)
    after, _ = augment(flat, torch.zeros(64, 32, 32, dtype=torch.uint8), replace(STILL, noise=0.1), seeded())
    spreads = (after - 0.5).flatten(1).std(dim=1)
    # Drawn evenly up to 0.1: half of that in the mean, give or take what 64 draws can be off.
    assert spreads.max() < 0.11
    assert 0.04 < spreads.mean() < 0.06
