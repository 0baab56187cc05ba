import numpy as np
import pytest
from PIL import Image

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.flow.preflight import check_data

SHAPE = (1, 8, 8)


@pytest.fixture
def data(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / part / "a.png")
    (tmp_path / "index.csv").write_text("file,fold\na.png,1\n")
    return tmp_path


@pytest.mark.parametrize("shape", [SHAPE, None])
def test_sound_data_is_taken(data, shape):
    check_data(data, 4, shape, ())
    check_data(data, 4, shape, (1,))
    check_data(None, 4, shape, ())
    check_data(np.zeros((1, 1, 8, 8)), 4, shape, ())


@pytest.mark.parametrize("shape", [SHAPE, None])
def test_what_will_be_missed_is_missed_at_once(data, shape):
    with pytest.raises(DataError, match="no image in fold 2"):
        check_data(data, 4, shape, (2,))
    with pytest.raises(DataError, match="has no images"):
        check_data(data / "nowhere", 4, shape, ())
    with pytest.raises(DataError, match="does not exist"):
        check_data(data / "nothing.npy", 4, shape, ())
    (data / "masks" / "a.png").unlink()
    with pytest.raises(DataError, match="has no mask"):
        check_data(data, 4, shape, ())


def test_folds_are_of_a_folder():
    with pytest.raises(ConfigurationError, match="--data"):
        check_data(None, 4, SHAPE, (1,))


def test_images_that_are_too_many_or_too_small(data):
    with pytest.raises(DataError, match="take at most"):
        check_data(None, 10**9, SHAPE, ())
    with pytest.raises(DataError, match="enlarge"):
        check_data(data, 1, (1, 16, 16), ())
