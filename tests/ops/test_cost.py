"""What LUTs and blocks are counted of tables and of requantizers, lane by lane."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.ops.cost import rom_luts, staged_content
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType

SUMS = FixedType(16, 0)
FOUR = Requantize(FixedType(4, 0, False), 0, 15, 12, ((371, 222, 501, 95),), ((30_000, 9_000, -4_000, 100),))


@pytest.mark.parametrize(("words", "luts"), [
    ([5] * 16, 0), ([0, 1, 2, 3], 2), ([1, 2, 1, 1], 1), ([-1, 0, -1, -1], 1),
    (np.arange(64), 6), (np.arange(128), 12), (np.arange(128) // 64, 0)])
def test_a_table_takes_a_lut_for_each_64_words_of_a_bit_that_differs(words, luts):
    assert rom_luts(np.array(words)) == luts


def test_bits_that_two_tables_share_are_looked_up_once():
    one, other = np.array([0, 1, 2, 3]), np.array([3, 2, 1, 0])
    assert rom_luts(one, other) == rom_luts(one) == 2


def test_a_lane_has_the_numbers_of_its_own_channels():
    one, four = (staged_content(lanes, SUMS, [FOUR], XCUP) for lanes in (1, 4))
    assert (one.dsp, four.dsp) == (1, 4)
    # Four lanes of one channel each look nothing up.
    assert four.parts.requantizers < 4 * one.parts.requantizers
    shifts = replace(FOUR, factors=((64, 222, 501, 16),))
    assert staged_content(4, SUMS, [shifts], XCUP).dsp == 2
    assert staged_content(1, SUMS, [shifts], XCUP).dsp == 1


def test_without_blocks_a_product_takes_luts():
    content = staged_content(1, SUMS, [FOUR], XCUP)
    without = content.without_blocks()
    assert without.dsp == 0
    assert without.parts.products > content.parts.products == 0
