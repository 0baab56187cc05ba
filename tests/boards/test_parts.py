import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls import boards
from quantunet_hls.boards import Resources
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.targets import check_part, part_named


@pytest.mark.parametrize(
    ("part", "device", "family", "toolchains"),
    [
        ("xc7z020clg400-1", "xc7z020", "xc7", ("vitis", "vivado", "open")),
        ("xc7z007sclg225-1", "xc7z007s", "xc7", ("vitis", "vivado", "open")),
        ("xc7a100tcsg324-1", "xc7a100t", "xc7", ("vitis", "vivado", "open")),
        ("xc7vx690tffg1761-2", "xc7vx690t", "xc7", ("vitis", "vivado", "open")),
        ("xczu7ev-ffvc1156-2-e", "xczu7ev", "xcup", ("vitis", "vivado", "open")),
        ("xck26-sfvc784-2LV-c", "xck26", "xcup", ("vitis", "vivado", "open")),
        ("xcu55c-fsvh2892-2L-e", "xcu55c", "xcup", ("vitis", "vivado", "open")),
        ("xcvu9p-flga2104-2-e", "xcvu9p", "xcup", ("vitis", "vivado", "open")),
        ("xcku5p-ffva676-1-e", "xcku5p", "xcup", ("vitis", "vivado", "open")),
        ("xcku115-flvb2104-2-e", "xcku115", "xcu", ("vitis", "vivado", "open")),
        ("xcvc1902-vsva2197-2MP-e-S", "xcvc1902", "versal", ("vitis", "vivado")),
        ("LFE5U-25F-6BG256C", "lfe5u-25f", "ecp5", ("open",)),
        ("LFE5UM5G-85F-8BG381I", "lfe5um5g-85f", "ecp5", ("open",)),
    ],
)
def test_the_prefix_tells_the_family(part, device, family, toolchains):
    board = boards.for_part(part)
    assert part_named(part).device == device
    assert (board.part, board.family, board.toolchains) == (part, family, toolchains)


def test_resources_that_nobody_knows_are_unknown():
    board = boards.for_part("xcvu9p-flga2104-2-e")
    assert board.resources == Resources(None, None, None, None, None, None)
    assert board.sources == ()
    assert board.memory == ()


def test_another_package_of_a_known_device_has_its_resources():
    assert boards.for_part("xczu7ev-ffvf1517-1-e").resources == boards.load("zcu104").resources


def test_a_device_whose_name_begins_like_a_known_one_does_not_have_its_resources():
    # The catalogue has the U50.
    assert boards.for_part("xcu50c-fsvh2104-2-e").resources == Resources()


def test_the_user_has_the_last_word():
    board = boards.for_part("xczu7ev-ffvf1517-1-e", clock_ns=3.2, resources=Resources(lut=1000))
    assert board.resources == Resources(lut=1000)
    assert board.clock_ns == 3.2


@pytest.mark.parametrize(
    "part",
    ["", " ", "xc7z020 clg400-1", "xc7z020;exit", "xc7z020[exec ls]", "xc7$a", "xc7z020\n", 'xc7"', "-xc7", "a" * 65],
)
def test_a_malformed_part_is_refused(part):
    with pytest.raises(ConfigurationError, match="can't be the name of a part"):
        check_part(part)


@given(st.text(max_size=20).filter(lambda text: any(not (c.isascii() and c.isalnum()) and c != "-" for c in text)))
def test_nothing_but_letters_digits_and_hyphens_gets_through(text):
    with pytest.raises(ConfigurationError):
        check_part(text)


def test_a_part_of_no_known_family_is_refused():
    with pytest.raises(BoardError, match="families are"):
        boards.for_part("10AX115S2F45I1SG")


@pytest.mark.parametrize("clock_ns", [0.0, -5.0, float("nan"), float("inf")])
def test_a_clock_that_is_none_is_refused(clock_ns):
    with pytest.raises(ConfigurationError, match="clock"):
        boards.for_part("xc7z020clg400-1", clock_ns=clock_ns)
