"""Several rules that a network breaks, told at once."""

import pytest

from quantunet_hls.core.errors import FloatNetworkError, IllegalGraphError, IllegalNetworkError


def scales(*nodes):
    return [IllegalGraphError(node, f"its scale {0.3 + place} is no power of two", "use another")
            for place, node in enumerate(nodes)]


def test_each_reason_has_a_line_in_order():
    errors = [IllegalGraphError("b", "one rule", "one remedy"), IllegalGraphError("a", "another", "another remedy")]
    refused = IllegalNetworkError(errors)
    assert str(refused).split("\n") == ["The network can't be built, for 2 reasons:",
                                        "- Node 'b': one rule; one remedy.", "- Node 'a': another; another remedy."]
    assert (refused.node, refused.rule, refused.remedy) == ("b", "one rule", "one remedy")
    assert refused.violations == tuple(errors)
    assert errors[0].violations == (errors[0],)


def test_what_differs_in_names_and_numbers_is_said_once():
    refused = IllegalNetworkError([*scales("a", "b", "c", "d", "e"), IllegalGraphError("f", "another", "remedy")])
    first, one, other, last = str(refused).split("\n")
    assert first == "The network can't be built, for 2 reasons:"
    assert one == "- Node 'a': its scale 0.3 is no power of two; use another. (And 4 more like it: 'b', 'c', 'd', ...)"
    assert other == "- Node 'f': another; remedy."
    assert last == "quantunet-hls check MODEL lists them all, node by node."
    assert len(refused.violations) == 6


@pytest.mark.parametrize(("one", "other", "alike"), [
    ("its scale 0.3 is wrong", "its scale 1e-05, 2.5, 3, ... is wrong", True),
    ("weights of shape [1, 2] for 'x'", "weights of shape [3, 4, 5] for 'y z'", True),
    ("a window of 2 x 3", "a window of 12 x 5", True),
    ("its weights are wrong", "its biases are wrong", False),
    ("a 3-d pooling", "a 3-d convolution", False),
])
def test_which_sentences_are_alike(one, other, alike):
    lines = str(IllegalNetworkError(IllegalGraphError("n", rule, "r") for rule in (one, other))).split("\n")
    assert lines[0].endswith(f"for {1 if alike else 2} reason{'' if alike else 's'}:")


def test_many_reasons_are_counted():
    many = [IllegalGraphError("n", f"rule {chr(97 + place // 26)}{chr(97 + place % 26)}", "r") for place in range(100)]
    lines = str(IllegalNetworkError(many)).split("\n")
    assert len(lines) == 1 + 20 + 2
    assert lines[21] == "- and 80 more reasons."


def test_names_are_cut_and_made_fit_to_be_shown():
    refused = IllegalNetworkError(scales("a" * 5000, "b" * 5000, "\x1b[2J"))
    assert len(str(refused)) < 1000
    assert str(refused).replace("\n", " ").isprintable()


def test_a_float_network_is_a_sentence():
    assert str(FloatNetworkError("unet")) == (
        "unet is a float network, which has no exact hardware; quantize it with images of yours: "
        "quantunet-hls quantize MODEL --data DIR.")
