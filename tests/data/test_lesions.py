import pytest
import torch

from quantunet_hls.data.lesions import lesions_of


def masks(*areas, images=1, size=20):
    drawn = torch.zeros(images, size, size, dtype=torch.uint8)
    for image, rows, columns, index in areas:
        drawn[image, slice(*rows), slice(*columns)] = index
    return drawn


def test_an_outline_that_is_moved_lies_as_far_away():
    truth = masks((0, (4, 12), (4, 12), 1))
    found = lesions_of(masks((0, (4, 12), (7, 15), 1)), truth, 2)
    assert found.hausdorff_95 == 3.0
    assert (found.outlined, found.missed, found.invented) == (1, 0, 0)
    assert lesions_of(truth, truth, 2).hausdorff_95 == 0.0


def test_what_is_empty_is_counted_and_not_measured():
    truth = masks((0, (4, 8), (4, 8), 1), (1, (4, 8), (4, 8), 1), images=4)
    result = masks((0, (4, 8), (4, 8), 1), (2, (0, 2), (0, 2), 1), images=4)
    found = lesions_of(result, truth, 2)
    assert (found.outlined, found.missed, found.invented) == (1, 1, 1)
    assert found.hausdorff_95 == 0.0
    nothing = torch.zeros_like(truth)
    assert lesions_of(nothing, truth, 2).hausdorff_95 is None
    assert lesions_of(nothing, nothing, 2).recall is None


def test_a_lesion_is_found_by_one_pixel_and_touching_corners_make_one():
    truth = masks((0, (0, 2), (0, 2), 1), (0, (2, 4), (2, 4), 1), (0, (10, 14), (10, 14), 1), (0, (18, 20), (0, 5), 1))
    found = lesions_of(masks((0, (13, 16), (13, 16), 1), (0, (3, 4), (3, 9), 1)), truth, 2)
    assert found.lesions == 3
    assert found.recall == pytest.approx(2 / 3)


def test_classes_are_lesions_of_their_own():
    truth = masks((0, (0, 4), (0, 4), 1), (0, (0, 4), (4, 8), 2))
    found = lesions_of(masks((0, (0, 4), (0, 8), 1)), truth, 3)
    assert (found.lesions, found.recall, found.missed) == (2, 0.5, 1)
