import pytest

from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.targets.memories import Layout, Memory, layout, ultra_of_buffer
from quantunet_hls.targets.xc7 import XC7
from quantunet_hls.targets.xcup import XCUP


@pytest.mark.parametrize(("depth", "width", "blocks"), [
    # UG573: a block of 18 kbit is 512 words of 36 bits, 1024 of 18, ... 16384 of one; two of them 512 of 72.
    (512, 36, 1), (513, 36, 2), (512, 72, 2), (261, 96, 3), (2048, 6, 1), (16_384, 8, 8), (20, 8, 0)])
def test_memories_take_the_blocks_that_their_shape_needs_on_amd_parts(depth, width, blocks):
    assert layout(Memory(depth, width), XCUP).blocks == blocks


@pytest.mark.parametrize(("depth", "width", "blocks"), [
    # FPGA-TN-02204: 512 words of 36 bits where one port writes and the other reads, 1024 of 18, ... 16384 of one.
    (512, 36, 1), (1024, 18, 1), (512, 72, 2), (16_384, 1, 1), (16, 8, 0), (70, 24, 1)])
def test_memories_take_the_blocks_that_their_shape_needs_on_the_ecp5(depth, width, blocks):
    assert layout(Memory(depth, width), ECP5).blocks == blocks


def test_what_is_read_without_a_clock_is_made_of_luts():
    # UG574: eight LUTs hold 14 bits of 32 words, or 7 of 64. UG474: four hold 6 bits of 32 words, or 3 of 64.
    # FPGA-DS-02012: four hold 4 bits of 16 words.
    assert layout(Memory(3, 24, registered=False), XCUP) == Layout(cells=16)
    assert layout(Memory(33, 7, registered=False), XCUP) == Layout(cells=8)
    assert layout(Memory(3, 24, registered=False), XC7) == Layout(cells=16)
    assert layout(Memory(33, 7, registered=False), XC7) == Layout(cells=12)
    assert layout(Memory(3, 24, registered=False), ECP5) == Layout(cells=24)
    assert layout(Memory(17, 4, registered=False), ECP5) == Layout(cells=8, copies=2)


def test_tables_become_blocks_where_logic_would_cost_more():
    # 64 bits of a table cost as much as one of logic on AMD parts, 16 on the ECP5; a block there costs 128.
    assert layout(Memory(72, 64, rom=True), XCUP).blocks == 0
    assert layout(Memory(72, 64, rom=True), ECP5).blocks == 2
    assert layout(Memory(72, 16, rom=True), ECP5).blocks == 0
    # From 128 words and 4096 bits on the generator asks for blocks.
    assert layout(Memory(128, 32, rom=True), XCUP).blocks == 1
    assert layout(Memory(127, 32, rom=True), XCUP).blocks == 0


@pytest.mark.parametrize(("depth", "width", "blocks", "of_a_buffer"), [
    # As Yosys 0.70 mapped them: 2,048 words of 144 bits with one address, 4,096 of 72 with two; words stand in a row of
    # blocks side by side.
    (1152, 288, 2, 4), (4608, 256, 6, 8), (18_432, 128, 8, 9), (36_864, 64, 8, 8), (4096, 100, 2, 2)])
def test_memories_take_the_ultraram_that_their_shape_needs(depth, width, blocks, of_a_buffer):
    memory = Memory(depth, width, ultra=True)
    assert layout(memory, XCUP).ultra == blocks
    assert ultra_of_buffer(memory) == of_a_buffer
