import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.data.phantoms import draw_phantoms


@settings(deadline=None, max_examples=30)
@given(
    count=st.integers(1, 3),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
    classes=st.integers(1, 6),
    seed=st.integers(0, 2**40),
)
def test_any_shape_and_number_of_classes(count, height, width, channels, classes, seed):
    drawn = draw_phantoms(count, height, width, channels=channels, classes=classes, seed=seed)
    assert drawn.images.shape == (count, channels, height, width)
    assert drawn.masks.shape == (count, height, width)
    assert drawn.images.dtype == drawn.masks.dtype == np.uint8
    assert drawn.masks.max() < max(2, classes)
    assert len(set(drawn.names)) == count


def test_the_seed_decides_and_fewer_are_the_first_of_more():
    five, two = draw_phantoms(5, 24, 32, seed=7), draw_phantoms(2, 24, 32, seed=7)
    assert np.array_equal(five.images[:2], two.images)
    assert np.array_equal(five.masks[:2], two.masks)
    assert not np.array_equal(two.images, draw_phantoms(2, 24, 32, seed=8).images)
    assert not np.array_equal(five.images[0], five.images[1])


def test_every_class_is_drawn_and_lesions_are_brighter_than_tissue():
    drawn = draw_phantoms(16, 64, 48, classes=4, seed=1)
    assert set(np.unique(drawn.masks)) == {0, 1, 2, 3}
    grey = drawn.images[:, 0].astype(float)
    for index in range(len(drawn)):
        inside = drawn.masks[index] > 0
        assert inside.any()
        assert grey[index][inside].mean() > grey[index][~inside].mean()


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"height": 0}, {"width": -1}, {"channels": 0}, {"classes": 0}, {"classes": 257}, {"seed": -1}],
)
def test_impossible_numbers_are_refused_by_name(wrong):
    numbers = {"count": 1, "height": 8, "width": 8} | wrong
    with pytest.raises(ConfigurationError, match=r"seed|classes" if "seed" in wrong else next(iter(wrong))):
        draw_phantoms(**numbers)
