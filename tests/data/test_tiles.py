import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import DataError
from quantunet_hls.data.tiles import spread_tiles, tiling_of

_SIDES = st.tuples(st.integers(1, 40), st.integers(0, 60))


@given(_SIDES, _SIDES, st.booleans())
def test_what_was_cut_joins_to_the_image_again(rows, columns, as_tensor):
    image, tile = (rows[0] + rows[1], columns[0] + columns[1]), (rows[0], columns[0])
    pixels = np.arange(2 * image[0] * image[1]).reshape(2, 1, *image)
    tiling = tiling_of(image, tile)
    if as_tensor:
        whole = tiling.join(tiling.cut(torch.from_numpy(pixels)), torch.full(pixels.shape, -1)).numpy()
    else:
        whole = tiling.join(tiling.cut(pixels), np.full(pixels.shape, -1))
    assert np.array_equal(whole, pixels)


@given(_SIDES)
def test_neighbours_overlap_by_a_quarter_and_no_tile_could_be_left_out(side):
    length, tile = side[0] + side[1], side[0]
    rows = tiling_of((length, 1), (tile, 1)).rows
    steps = np.diff(rows)
    assert rows[0] == 0
    assert rows[-1] + tile == length
    assert (steps > 0).all()
    assert (steps <= tile - tile // 4).all()
    assert (len(rows) - 2) * (tile - tile // 4) < length - tile or len(rows) == 1


def test_a_pixel_comes_from_the_tile_in_which_it_lies_deepest():
    tiling = tiling_of((1, 14), (1, 8))
    assert tiling.columns == (0, 6)
    own = tiling.join([np.full((1, 1, 1, 8), tile) for tile in range(2)], np.empty((1, 1, 1, 14), dtype=int))
    assert own.ravel().tolist() == [0] * 7 + [1] * 7


def test_the_tiles_of_a_check_are_of_all_images_and_of_all_places():
    images = np.arange(2 * 8 * 8).reshape(2, 1, 8, 8)
    tiles = spread_tiles(images, 100, (4, 4))
    assert len(tiles) == 2 * 9
    assert len(np.unique(tiles[:, 0, 0, 0])) == 18
    assert spread_tiles(images, 3, (4, 4))[:, 0, 0, 0].tolist() == [0, 64 + 2, 2]
    assert np.array_equal(spread_tiles(images, 5, (8, 8)), images)


@pytest.mark.parametrize("image", [(7, 8), (8, 7)])
def test_an_image_smaller_than_the_network_is_refused(image):
    with pytest.raises(DataError, match="enlarge them or build the network for a smaller size"):
        tiling_of(image, (8, 8))
