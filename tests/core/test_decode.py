"""Plain values become typed ones, or a sentence that says where they are wrong and what belongs there."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.decode import converted, load_json, load_yaml
from quantunet_hls.core.errors import BoardError, ConfigurationError


@dataclass(frozen=True)
class Layer:
    bits: int
    step: float = 1.0
    kind: Literal["plain", "odd"] = "plain"

    def __post_init__(self):
        if self.bits == 13:
            raise ConfigurationError("Thirteen bits are too many; take twelve.")
        if self.bits == 14:
            raise ValueError("fourteen bits are too many")


@dataclass(frozen=True)
class Net:
    name: str
    layers: Mapping[str, Layer] = field(default_factory=dict)
    heads: tuple[Layer, ...] = ()
    weights: int | str = 4
    quantized: bool = True
    roles: Mapping[str, Mapping[Literal["in", "out"], int]] = field(default_factory=dict)


def read(values, error=ConfigurationError):
    return converted(Net, values, "net.json is no network", "see the manual", error=error)


LAYERS = st.builds(Layer, st.integers(0, 12) | st.integers(15), st.floats(allow_nan=False, allow_infinity=False))


@given(st.builds(Net, st.text(), st.dictionaries(st.text(), LAYERS, max_size=3), st.lists(LAYERS, max_size=2).map(
    tuple), st.integers() | st.text(), st.booleans()))
def test_what_was_written_comes_back(tmp_path_factory, net):
    path = tmp_path_factory.mktemp("decode") / "net.json"
    path.write_text(json.dumps(asdict(net)))
    assert load_json(Net, path, "a network", "see the manual") == net


def test_a_whole_number_is_a_float_and_nothing_else_is_turned():
    assert read({"name": "a", "heads": [{"bits": 1, "step": 2}]}) == Net("a", heads=(Layer(1, 2.0),))
    for wrong in (True, 1.0, "1", None, [1]):
        with pytest.raises(ConfigurationError, match=r"heads\[0\]\.bits must be a whole number"):
            read({"name": "a", "heads": [{"bits": wrong}]})


GOOD = {"bits": 1}


@pytest.mark.parametrize(("values", "says"), [
    (None, "it must be keys with values, not null; see the manual."),
    ([1], "it must be keys with values, not a list; see the manual."),
    ({}, "it lacks the key name; see the manual."),
    ({"name": 5}, "name must be a text, not 5; see the manual."),
    ({"name": "a", "quantized": 1}, "quantized must be true or false, not 1; see the manual."),
    ({"name": "a", "weights": True}, "weights must be a whole number or a text, not true; see the manual."),
    ({"name": "a", "layers": {"x": GOOD, "y": {}, "z": GOOD}}, "it lacks the key layers.y.bits; see the manual."),
    ({"name": "a", "heads": [GOOD, {"bits": "x" * 500}]}, f"heads[1].bits must be a whole number, not {'x' * 500!r:.80}"
                                                          "...; see the manual."),
    ({"name": "a", "layers": {f"l{at}": GOOD | ({"step": []} if at in (5, 7) else {}) for at in range(9)}, "heads": 5},
     "layers.l5.step must be a number, not a list; see the manual."),
    ({"name": "a", "layers": {3: GOOD}}, "layers can't have the key 3; see the manual."),
    ({3: 4}, "it can't have the key 3; see the manual."),
    ({"name": "a", "roles": {"x": {"in": 1}, "y": {"in": 1, "out": 2, "inn": 3, "oot": 4}}},
     "roles.y can't have the key 'inn'; see the manual."),
    ({"name": "a", "heads": [{"bits": 1, "kind": "even"}]}, "heads[0].kind can't be 'even'; see the manual."),
    ({"name": "a", "heads": [{"bits": 1, "step": 10**400}]},
     f"heads[0].step can't be {'1' + '0' * 79}...; see the manual."),
    ({"name": "a", "layers": {"x": {"bits": 13}}}, "Thirteen bits are too many; take twelve."),
    ({"name": "a", "layers": {"x": {"bits": 14}}}, "layers.x: fourteen bits are too many; see the manual."),
    ({"name": "a", "nome": 1}, "nome is no key of it; did you mean name?"),
    ({"name": "a", "layers": {"x": GOOD | {"colour": 1}}},
     "layers.x.colour is no key of it; the keys are bits, step, kind."),
])
def test_what_is_wrong_is_one_sentence_with_its_place(values, says):
    with pytest.raises(BoardError) as caught:
        read(values, BoardError)
    assert str(caught.value) == f"net.json is no network: {says}"


@pytest.mark.parametrize(("load", "name"), [(load_json, "a.json"), (load_yaml, "a.yaml")])
def test_a_file_that_can_t_be_read_is_the_caller_s_error(load, name, tmp_path):
    path = tmp_path / name
    for content in (None, b"{", b"\xff", b"[" * 10_000, b"x: *x"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BoardError, match=name) as caught:
            load(Net, path, "a network", "see the manual", error=BoardError)
        assert "\n" not in str(caught.value)
    path.write_bytes(b'{"name": "a"}')
    assert load(Net, path, "a network", "see the manual") == Net("a")
    path.write_bytes(b'{"name": []}')
    with pytest.raises(ConfigurationError, match=rf"{name} is no network: name must be a text, not a list"):
        load(Net, path, "a network", "see the manual")


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    for most in (100, 1 << 20):
        with pytest.raises(BoardError, match="are the limit"):
            load_json(Net, path, "a network", "see the manual", most=most, error=BoardError)
