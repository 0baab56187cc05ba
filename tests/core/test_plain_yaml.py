import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.plain_yaml import read_yaml

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-2**60, 2**60) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)


@given(PLAIN)
def test_plain_values_come_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("yaml") / "a.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    assert read_yaml(path, "a recipe") == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_a_byte_order_mark_is_no_value(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "a.yaml", "a recipe") == {"a": 1}


@pytest.mark.parametrize(("text", "says"), [
    ("a: &a [1]\nb: *a", "aliases are not taken.*line 2"), ("- a\n" * 30_000, "more than 20,000 values"),
    ("a: " + "9" * 65, "more than 64 digits"), ("a: " + "1:" * 5000 + "1", "more than 64 digits"),
    ("x" * 300_000, "bytes, and .* are the limit"), ("a: [", "line 1"), ("!!timestamp x", "can't be read"),
    ("!!int ''", "can't be read"), ("!!bool x", "can't be read"), ("[" * 10_000, "more than 50 deep"),
    ("!!python/object/apply:os.getpid []", "could not determine a constructor"),
])
def test_what_is_refused_is_one_short_sentence(tmp_path, text, says):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=says) as caught:
        read_yaml(tmp_path / "a.yaml", "a recipe")
    assert "a.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
