import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.ops.packing import packed_codes


@given(st.lists(st.integers(-8, 7), min_size=1, max_size=9), st.integers(2, 4))
def test_packed_codes_are_the_bits_of_the_packed_word(weights, products):
    spacing = 7
    stored = packed_codes(np.array(weights)[None, :, None], products)[0, :, 0]
    for first in range(0, len(weights), products):
        group = range(first, min(first + products, len(weights)))
        word = sum(weights[index] << (spacing * (index - first)) for index in group)
        parts = sum((int(stored[index]) & 127) << (spacing * (index - first)) for index in group)
        assert (word - parts) % (1 << (spacing * len(group))) == 0
