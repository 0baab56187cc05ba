"""Constant weights as shifts and additions: for a layer that is fully unrolled, so that no weight ever changes.

Each weight becomes canonical signed digits, the sum of the fewest powers of two
with signs (Reitwiesner, 1960). Then the pair of terms that occurs most often,
``x + y * 2**s`` or ``x - y * 2**s``, over all outputs and at any shift, is
computed once and takes the pair's place, until none occurs twice (Hartley,
"Subexpression sharing in filters using canonic signed digit multipliers", 1996).
What is left of each output is added in a balanced tree.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["Adder", "AdderGraph", "Term", "adder_bits", "adder_graph", "node_ranges", "signed_digits", "sum_bits"]

#: Subexpressions are sought in matrices of at most so many digits; their number of pairs grows with the square.
MOST_DIGITS = 6_000


@dataclass(frozen=True, order=True)
class Term:
    """``node * 2**shift``, negated or not; nodes are the inputs first, then the adders in order."""

    node: int
    shift: int = 0
    negative: bool = False


@dataclass(frozen=True)
class Adder:
    """``first + second * 2**shift``, or minus where ``negative``; both are nodes."""

    first: int
    second: int
    shift: int
    negative: bool


@dataclass(frozen=True)
class AdderGraph:
    """Adders that multiply a vector by a matrix.

    Attributes:
        inputs: length of the vector.
        adders: each reads inputs and earlier adders.
        outputs: one term each, None for an output that is always zero.
    """

    inputs: int
    adders: tuple[Adder, ...]
    outputs: tuple[Term | None, ...]

    def coefficients(self) -> Integers:
        """What each node is of the inputs: (nodes, inputs)."""
        rows = list(np.eye(self.inputs, dtype=np.int64))
        for adder in self.adders:
            rows.append(rows[adder.first] + (rows[adder.second] << adder.shift) * (-1 if adder.negative else 1))
        return np.array(rows)

    def depths(self) -> list[int]:
        """Adders one behind the other up to each node."""
        depths = [0] * self.inputs
        for adder in self.adders:
            depths.append(max(depths[adder.first], depths[adder.second]) + 1)
        return depths


def signed_digits(number: int) -> list[tuple[int, bool]]:
    """(place, negative) of a number's canonical signed digits: no two neighbouring places are used."""
    digits, place, left = [], 0, abs(int(number))
    while left:
        if left & 1:
            digit = 2 - (left & 3)
            digits.append((place, (digit < 0) != (number < 0)))
            left -= digit
        left >>= 1
        place += 1
    return digits


def adder_graph(matrix: Integers) -> AdderGraph:
    """Adders for ``matrix @ x``, with a matrix of whole numbers (outputs, inputs)."""
    codes = np.ascontiguousarray(matrix, np.int64)
    return _adder_graph(codes.tobytes(), codes.shape)


@lru_cache(maxsize=16)
def _adder_graph(codes: bytes, shape: tuple[int, int]) -> AdderGraph:
    matrix = np.frombuffer(codes, np.int64).reshape(shape)
    rows: list[dict[tuple[int, int], bool]] = [
        {(column, place): negative for column, weight in enumerate(row) for place, negative in signed_digits(weight)}
        for row in matrix]
    inputs = matrix.shape[1]
    adders: list[Adder] = []
    if sum(len(row) for row in rows) <= MOST_DIGITS:
        _share_pairs(rows, inputs, adders)
    depths = AdderGraph(inputs, tuple(adders), ()).depths()
    outputs = [_summed(row, inputs, adders, depths) for row in rows]
    return AdderGraph(inputs, tuple(adders), tuple(outputs))


_Pair = tuple[int, int, int, bool]
_Place = tuple[int, int]


def _pair(a: _Place, b: _Place, signs: dict[_Place, bool]) -> tuple[_Pair, _Place, _Place]:
    """What two terms are but for shift and sign, and the one at the lower shift first."""
    if (a[1], a[0]) > (b[1], b[0]):
        a, b = b, a
    return (a[0], b[0], b[1] - a[1], signs[a] != signs[b]), a, b


def _share_pairs(rows: list[dict[_Place, bool]], inputs: int, adders: list[Adder]) -> None:
    counts: Counter[_Pair] = Counter()
    readers: defaultdict[_Pair, set[int]] = defaultdict(set)
    for index, row in enumerate(rows):
        places = list(row)
        for at, a in enumerate(places):
            for b in places[at + 1:]:
                pair = _pair(a, b, row)[0]
                counts[pair] += 1
                readers[pair].add(index)
    queue = [(-count, pair) for pair, count in counts.items() if count > 1]
    heapq.heapify(queue)
    while queue:
        expected, pair = heapq.heappop(queue)
        if counts[pair] != -expected:
            if counts[pair] > 1:
                heapq.heappush(queue, (-counts[pair], pair))
            continue
        found = {index: _places_of(pair, rows[index]) for index in sorted(readers[pair])}
        if sum(map(len, found.values())) < 2:
            counts[pair] = 0
            continue
        node = inputs + len(adders)
        adders.append(Adder(*pair))
        fresh: set[_Pair] = set()
        for index, pairs in found.items():
            for a, b in pairs:
                fresh |= _replace(rows[index], a, b, (node, a[1]), index, counts, readers)
        for new in sorted(fresh):
            if counts[new] > 1:
                heapq.heappush(queue, (-counts[new], new))
        if counts[pair] > 1:
            heapq.heappush(queue, (-counts[pair], pair))


def _places_of(pair: _Pair, row: dict[_Place, bool]) -> list[tuple[_Place, _Place]]:
    """Where a row has the pair, no term in two of them."""
    first, second, shift, differ = pair
    used: set[_Place] = set()
    found = []
    for a in sorted(place for place in row if place[0] == first):
        b = (second, a[1] + shift)
        if b in row and a != b and a not in used and b not in used and (row[a] != row[b]) == differ:
            used |= {a, b}
            found.append((a, b))
    return found


def _replace(row: dict[_Place, bool], a: _Place, b: _Place, new: _Place, index: int, counts: Counter[_Pair],
             readers: defaultdict[_Pair, set[int]]) -> set[_Pair]:
    """Two terms of a row replaced by one; returns the pairs that came with it."""
    sign = row[a]
    for gone in (a, b):
        for other in row:
            if other != gone:
                counts[_pair(gone, other, row)[0]] -= 1
        del row[gone]
    row[new] = sign
    fresh = set()
    for other in row:
        if other != new:
            pair = _pair(new, other, row)[0]
            counts[pair] += 1
            readers[pair].add(index)
            fresh.add(pair)
    return fresh


def _summed(row: dict[_Place, bool], inputs: int, adders: list[Adder], depths: list[int]) -> Term | None:
    """A row's terms in a tree, the shallowest two first; a negative sum where all of them are."""
    queue = [(depths[node], shift, node, negative) for (node, shift), negative in row.items()]
    heapq.heapify(queue)
    while len(queue) > 1:
        pair = sorted((heapq.heappop(queue), heapq.heappop(queue)), key=lambda term: (term[1], term[3], term[2]))
        (_, low, first, minus), (_, high, second, other) = pair
        adders.append(Adder(first, second, high - low, minus != other))
        depths.append(max(depths[first], depths[second]) + 1)
        heapq.heappush(queue, (depths[-1], low, inputs + len(adders) - 1, minus))
    return Term(queue[0][2], queue[0][1], queue[0][3]) if queue else None


def node_ranges(graph: AdderGraph, source: FixedType) -> list[tuple[int, int]]:
    """The least and the largest value of each node."""
    rows = graph.coefficients()
    positive, negative = np.maximum(rows, 0).sum(axis=1), np.minimum(rows, 0).sum(axis=1)
    return [(int(p) * source.low + int(n) * source.high, int(p) * source.high + int(n) * source.low)
            for p, n in zip(positive, negative, strict=True)]


def sum_bits(low: int, high: int) -> int:
    """Bits of a sum of that range: signed only where it can be negative."""
    return bits_for(low, high) if low < 0 else max(high.bit_length(), 1)


def adder_bits(graph: AdderGraph, source: FixedType) -> int:
    """Bits of all carry chains together."""
    ranges = node_ranges(graph, source)
    return sum(sum_bits(*ranges[graph.inputs + index]) - adder.shift for index, adder in enumerate(graph.adders))
