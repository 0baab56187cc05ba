from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.ops.hardware.adder_graph import adder_graph, signed_digits


@given(st.integers(-1000, 1000))
def test_signed_digits_are_canonical(number):
    digits = signed_digits(number)
    assert sum(-(1 << place) if negative else 1 << place for place, negative in digits) == number
    places = [place for place, _ in digits]
    assert all(later - earlier > 1 for earlier, later in pairwise(places))


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 1000))
def test_an_adder_graph_is_its_matrix(outputs, inputs, seed):
    matrix = np.random.default_rng(seed).integers(-20, 21, (outputs, inputs))
    graph = adder_graph(matrix)
    rows = graph.coefficients()
    for wanted, term in zip(matrix, graph.outputs, strict=True):
        got = 0 * wanted if term is None else (rows[term.node] << term.shift) * (-1 if term.negative else 1)
        assert (got == wanted).all()


def test_what_outputs_share_is_added_once():
    row = np.array([1, 2, -1, 5])
    # Five digits take four adders, however many outputs there are.
    assert len(adder_graph(np.stack([row, row << 3, -row])).adders) == 4
