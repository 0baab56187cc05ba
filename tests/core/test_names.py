import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.files import check_name
from quantunet_hls.core.names import LONGEST, Names, design_name, identifier
from quantunet_hls.core.reserved_words import taken_by_cpp, taken_by_tools

#: Texts as people and exporters write them: paths, words that mean something, characters that get replaced.
TEXTS = st.one_of(
    st.text(max_size=90),
    st.lists(st.sampled_from(["model", "submodule", "0", "1", "conv", "Conv", "ü", "a-b", ""]), max_size=40)
    .map("/".join),
    st.sampled_from(["EOF", "reg", "Module", "aux", "size_t", "w2", "layer3_out", "top", "\ud800", "x" * 200]))


@given(TEXTS)
def test_every_text_becomes_a_name_for_a_design_and_a_name_stays(text):
    name = design_name(text)
    assert check_name("project", f"{name}_probed") == f"{name}_probed"
    assert not taken_by_tools(name)
    assert not taken_by_cpp(name)
    assert design_name(name) == name == design_name(text)


@given(st.from_regex(r"[a-z]([a-z0-9]|_[a-z0-9]){0,9}", fullmatch=True))
def test_what_is_a_name_already_is_left_alone(text):
    expected = text if not (taken_by_tools(text) or taken_by_cpp(text)) else f"net_{text}"
    assert design_name(text).removesuffix("_net") == expected


@given(st.lists(TEXTS, max_size=20), st.integers(24, LONGEST))
def test_names_that_are_given_out_are_all_different_and_the_same_again(texts, longest):
    def given_out():
        names = Names(longest, ["top"], "zp2d_")
        return [names.take(text, "Conv") for text in texts]

    names = given_out()
    assert names == given_out()
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{0,{longest - 1}}}", name)
        assert not taken_by_tools(name)
        assert name.lower() != "top"
        assert not name.lower().startswith("zp2d_")


@pytest.mark.parametrize(("text", "expected"), [
    ("unet_zcu104", "unet_zcu104"), ("w4a4", "w4a4"), ("EOF", "net_EOF"), ("EXIT_SUCCESS", "net_EXIT_SUCCESS"),
    ("class", "net_class"), ("Reg", "net_Reg"), ("downto", "net_downto"), ("aux", "net_aux"), ("main", "net_main"),
    ("w2", "net_w2"), ("layer2_out", "net_layer2_out"), ("input_t", "net_input_t_net"), ("9 lives", "net_9_lives"),
    ("../up", "up"), ("a b;$(x)", "a_b_x"), ("größe", "gr_e"), ("日本", "net"), ("", "net"), ("a__b_", "a_b"),
])
def test_a_design_is_still_known_by_its_name(text, expected):
    assert design_name(text) == expected


def test_of_a_long_title_the_begin_is_kept_and_of_a_long_path_its_last_whole_parts():
    title, path = "brain tumours, 4 bits, " + "very " * 20 + "long", "model_" + "submodule_1_" * 20 + "conv"
    assert re.fullmatch(r"brain_tumours_4_bits_very_very_very_very_very_v_[0-9a-f]{8}", design_name(title))
    assert re.fullmatch(r"submodule_1_submodule_1_conv_[0-9a-f]{8}", identifier(path, 40, keep_end=True))
    assert design_name(title) != design_name(title + "er")
    assert identifier(path, 40, keep_end=True) != identifier("submodule_1_" + path, 40, keep_end=True)


def test_the_hash_is_of_the_whole_where_a_text_is_only_what_tells_most():
    short = [identifier("a" * 50, 40, whole=whole) for whole in ("/x/" + "a" * 50, "/y/" + "a" * 50)]
    assert short[0] != short[1]
    assert {name[:31] for name in short} == {"a" * 31}
