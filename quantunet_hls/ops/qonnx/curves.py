"""Quantizers behind monotone functions that are no lines in pieces: behind sums they are step functions of these.

Where each of their levels begins is found among the integers that come, by halving: the level of a number is proven by
bounds of the function's value, and between two numbers of one level all have that level.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from onnx import GraphProto, NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from quantunet_hls.ops.qonnx.functions import Function, straight
from quantunet_hls.ops.qonnx.graph import linked
from quantunet_hls.ops.qonnx.quantizers import quantizers_of
from quantunet_hls.ops.stages.requantize.steps import Line, Piece, Quantizer, Tread

__all__ = ["Curve", "curves_of", "written_down"]


class Curve:
    """A quantizer with a function in front of it: see :class:`.steps.Rounding`.

    Args:
        model: holds the function's constants.
        function: it never falls, or never rises.
        quantizer: behind it, of one channel or of all.
    """

    def __init__(self, model: ModelWrapper, function: Function, quantizer: Quantizer):
        self._model, self._function, self._quantizer = model, function, quantizer
        # For each level the least number that is known to reach it, and the largest one that does not: of numbers as
        # they are where the function rises, else of their negatives.
        self._reached: dict[int, Fraction] = {}
        self._missed: dict[int, Fraction] = {}
        self.scale, self.zero, self.low, self.high = quantizer.scale, quantizer.zero, quantizer.low, quantizer.high
        self.rises, self.evens = function.direction(model) > 0, False

    def level(self, value: Fraction) -> int:
        """The level of the function's value.

        Raises:
            UnboundedError: it can't be told.
        """
        return self._function.level(self._model, value, self._quantizer)

    def starts(self, piece: Piece, end: int) -> list[tuple[int, int]]:
        """The first integer of each tread of a piece, and its level."""
        levels = self._level_at(piece, piece.first), self._level_at(piece, end)
        found = [(piece.first, levels[0])]
        rises = levels[0] < levels[1]
        for step in range(1, abs(levels[1] - levels[0]) + 1):
            level = levels[0] + step if rises else levels[0] - step
            # Rising, a level begins where it is reached; falling, where the level above is no longer reached.
            x = self._first(piece, (found[-1][0], end), level if rises else level + 1, rises=rises)
            if found[-1][0] == x:
                found.pop()
            found.append((x, level))
        return found

    def lines(self, pieces: Sequence[Piece], treads: Sequence[Tread]) -> list[Line]:
        """The one through the beginnings of the second tread and of the last."""
        if len(treads) < 3:
            return [(Fraction(treads[-1].level - treads[0].level), Fraction(0))]
        first, last = treads[1], treads[-1]
        slope = Fraction(last.level - first.level, last.first - first.first)
        return [(slope, first.level - slope * first.first)]

    def nearest(self, piece: Piece, x: int) -> Fraction | None:
        """Nobody looks: it takes many digits, and the sides of all integers are proven."""
        return None

    def _first(self, piece: Piece, ends: tuple[int, int], level: int, *, rises: bool) -> int:
        """The first integer that reaches a level; falling, the first that does not."""
        low, high = ends
        while low < high:
            middle = (low + high) // 2
            if self._reaches(piece, middle, level) == rises:
                high = middle
            else:
                low = middle + 1
        return low

    def _reaches(self, piece: Piece, x: int, level: int) -> bool:
        number = self._place(piece, x)
        if level in self._reached and number >= self._reached[level]:
            return True
        if level in self._missed and number <= self._missed[level]:
            return False
        return self._level_at(piece, x) >= level

    def _level_at(self, piece: Piece, x: int) -> int:
        """Computed, and kept in mind for the levels next to it."""
        found, number = self.level(piece.at(x)), self._place(piece, x)
        if found not in self._reached or number < self._reached[found]:
            self._reached[found] = number
        if found + 1 not in self._missed or number > self._missed[found + 1]:
            self._missed[found + 1] = number
        return found

    def _place(self, piece: Piece, x: int) -> Fraction:
        return piece.at(x) if self.rises else -piece.at(x)


def written_down(model: ModelWrapper, function: Function) -> str:
    """A function and its quantizer, with their constants, as a graph of their own that :func:`curves_of` reads."""
    nodes = [*function.nodes, function.quantizer]
    written = {function.source, *(name for node in nodes for name in node.output)}
    constants = {name for node in nodes for name in node.input if name} - written
    kept = [tensor for tensor in model.graph.initializer if tensor.name in constants]
    graph = helper.make_graph(nodes, "curve", [], [], kept)
    return b64encode(graph.SerializeToString(deterministic=True)).decode()


@lru_cache(maxsize=64)
def curves_of(text: str) -> tuple[Curve, ...]:
    """What was written down, for each scale of the quantizer."""
    graph = GraphProto.FromString(b64decode(text))
    model = linked(ModelWrapper(qonnx_make_model(graph)))
    quantizer: NodeProto = model.graph.node[-1]
    function = straight(model, quantizer)
    assert function is not None, "it was one when it was written down"
    return tuple(Curve(model, function, each) for each in quantizers_of(model, quantizer))
