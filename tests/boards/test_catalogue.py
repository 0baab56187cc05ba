from dataclasses import fields
from pathlib import Path

import pytest

from quantunet_hls import boards
from quantunet_hls.core.errors import UnknownNameError
from quantunet_hls.targets import part_named

# Lookup tables, flip-flops, DSP blocks, 18 kbit blocks and UltraRAMs, from the makers' data sheets.
DATA_SHEETS = {
    "pynq-z2": (53_200, 106_400, 220, 280, 0),
    "ultra96v2": (70_560, 141_120, 360, 432, 0),
    "zcu102": (274_080, 548_160, 2_520, 1_824, 0),
    "zcu104": (230_400, 460_800, 1_728, 624, 96),
    "kv260": (117_120, 234_240, 1_248, 288, 64),
    "kr260": (117_120, 234_240, 1_248, 288, 64),
    "alveo-u50": (871_680, 1_743_360, 5_952, 2_688, 640),
    "alveo-u55c": (1_303_680, 2_607_360, 9_024, 4_032, 960),
    "vck190": (899_840, 1_799_680, 1_968, 1_934, 463),
    "vek280": (520_704, 1_041_408, 1_312, 1_200, 264),
    "alveo-u250": (1_728_000, 3_456_000, 12_288, 5_376, 1_280),
    "arty-a7-100": (63_400, 126_800, 240, 270, 0),
    "ulx3s-85f": (83_640, 83_640, 156, 208, 0),
}

DOCS = Path(__file__).parents[2] / "docs" / "boards.md"


def test_the_catalogue_has_just_these_boards():
    assert boards.names() == sorted(DATA_SHEETS)


@pytest.mark.parametrize(("name", "expected"), DATA_SHEETS.items())
def test_resources_are_those_of_the_data_sheet(name, expected):
    resources = boards.load(name).resources
    assert (resources.lut, resources.ff, resources.dsp, resources.bram_18k, resources.uram) == expected


@pytest.mark.parametrize("name", sorted(DATA_SHEETS))
def test_every_board_is_whole(name):
    board = boards.load(name)
    part = part_named(board.part)
    assert (board.vendor, board.family, board.series) == (part.family.vendor, part.family.name, part.series.title)
    assert board.toolchains == part.family.toolchains
    assert board.part_family is part.family
    assert board.clock_ns * board.clock_mhz == pytest.approx(1000)
    assert 2 <= board.clock_ns <= 100
    assert board.title
    assert board.sources
    assert not any("/" in source for source in board.sources)
    assert all(chip.megabytes > 0 and chip.attached_to in ("processor", "fabric") for chip in board.memory)
    for field in fields(board.resources):
        count = getattr(board.resources, field.name)
        assert count is None or (isinstance(count, int) and count >= 0)
    # Only look-up tables can be memory, and never all of them.
    assert board.resources.lutram is None or 0 < board.resources.lutram < board.resources.lut


def test_what_a_memory_moves_is_its_bus_times_its_rate():
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in DOCS.read_text().splitlines()
            if line.startswith("| `")]
    told = {}
    for name, kind, bits, rate, moved, *_ in rows:
        assert (bits == "-") == (rate == "-")
        moved = round(float(moved.removesuffix(" GB/s")) * 1e9) if moved != "unknown" else None
        if bits != "-":
            assert int(bits) * int(rate) * 10**6 // 8 == moved
        told.setdefault(name.strip("`"), []).append((kind, moved))
    assert told == {name: [(chip.kind, chip.bytes_per_s) for chip in boards.load(name).memory]
                    for name in boards.names()}


def test_an_unknown_board_names_the_nearest():
    with pytest.raises(UnknownNameError, match="zcu104"):
        boards.load("zcu-104")


@pytest.mark.parametrize("name", ["", "../zcu104", "zcu104.json", "/etc/passwd", "zcu104\n", "ZCU104 "])
def test_a_name_never_becomes_a_path(name):
    with pytest.raises(UnknownNameError):
        boards.load(name)
