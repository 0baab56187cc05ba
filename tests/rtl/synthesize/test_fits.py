from dataclasses import replace

import pytest

from quantunet_hls.boards import load
from quantunet_hls.core.errors import BoardError
from quantunet_hls.rtl.synthesize.fits import check_fits, layers_for_ultraram
from quantunet_hls.rtl.synthesize.mapping import MappedDesign, MappedModule
from quantunet_hls.targets import CellCount


def test_what_a_board_has_too_little_of_is_named():
    with pytest.raises(BoardError, match=r"takes 3000 DSP, but .* has 1728"):
        check_fits(CellCount(lut=1000, dsp=3000), load("zcu104"))
    check_fits(CellCount(lut=1000, dsp=1000), load("zcu104"))


def test_memory_is_not_said_to_become_less_with_time():
    with pytest.raises(BoardError, match=r"takes 3000 BRAM_18K, but .* has 624; use smaller images, fewer channels"):
        check_fits(CellCount(lut=1000, bram_18k=3000), load("zcu104"))


def test_ultraram_is_for_boards_that_have_it_where_block_ram_is_short(tmp_path):
    def mapped(blocks):
        module = MappedModule("m", {}, CellCount(bram_18k=blocks), 0.0, True, tmp_path)
        small = replace(module, count=CellCount(bram_18k=15))
        return MappedDesign({"large": module, "small": small}, "")

    plenty, without = load("zcu104"), load("pynq-z2")
    short = plenty.resources.bram_18k
    assert layers_for_ultraram(mapped(short - 15), plenty) == []
    assert layers_for_ultraram(mapped(short - 14), plenty) == ["large"]
    assert without.resources.uram == 0
    assert layers_for_ultraram(mapped(short), without) == []
