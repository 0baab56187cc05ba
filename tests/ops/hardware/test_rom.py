import numpy as np
import pytest

from quantunet_hls.ops.hardware.rom import packed_words


@pytest.mark.parametrize("width", [1, 4, 7, 48, 64])
def test_codes_are_packed_from_the_lowest_bits_on(width):
    low, high = (0, 2) if width == 1 else (-2**(min(width, 62) - 1), 2**(min(width, 62) - 1))
    words = np.random.default_rng(width).integers(low, high, (600, 5))
    mask = (1 << width) - 1
    assert packed_words(words, width) == [
        sum((int(code) & mask) << place * width for place, code in enumerate(word)) for word in words]


def test_no_words_are_no_numbers():
    assert packed_words(np.zeros((0, 3), np.int64), 4) == []
