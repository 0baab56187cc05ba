import pytest

from quantunet_hls.core.errors import UnknownNameError

ZOO = [f"brain_tumor_{kind}_b8d3" for kind in ("float", "learned", "pynq", "ternary", "w4a6", "w04a60")]
ZOO += [f"isbi_{kind}_b8d3" for kind in ("float", "learned", "ternary")] + [f"nuclei_{i}" for i in range(8)]


@pytest.mark.parametrize(("name", "near"), [
    ("brain_tumor_w4a6_b8d2", "brain_tumor_w4a6_b8d3"), ("Isbi_Float_b8d3", "isbi_float_b8d3"),
    ("w4a6", "brain_tumor_w4a6_b8d3"), ("pynq", "brain_tumor_pynq_b8d3"),
])
def test_near_names_are_told_and_at_most_a_handful(name, near):
    text = str(UnknownNameError("zoo entry", name, ZOO, "quantunet-hls zoo"))
    told = text.split("the nearest names are: ")[1].rstrip(".").split(", ")
    assert told[0] == near
    assert len(told) <= 5


@pytest.mark.parametrize("name", ["unet", "", "x" * 1000, "\x1b[2J"])
def test_where_none_is_near_what_lists_them_is_told(name):
    text = str(UnknownNameError("zoo entry", name, ZOO, "quantunet-hls zoo"))
    assert text.endswith("; none of the 17 is called nearly so, and quantunet-hls zoo lists them.")
    assert len(text) < 250
    assert "\x1b" not in text


def test_few_names_are_all_told():
    assert str(UnknownNameError("step", "z", ["b", "a"])) == "There is no step named 'z'; the names are: a, b."
