"""What bit widths cost on a board: the estimates of a whole design (:mod:`.estimate`) as sums over its layers.

A network that was lowered once is re-typed to other widths, which takes milliseconds;
its weights are rounded as the quantizer of a narrower width rounds them. A layer's
module depends on the widths of its weights and of its input; the streams behind it
(FIFOs, poolings, upsamplings, skip connections) on the width of its result, and its own
rounding a little. So two tables a layer, filled by the estimator, say what a design of
any widths takes, up to how these depend on each other.

What the products are made of is chosen for all layers together
(:func:`.multipliers.choose_multipliers`): the larger of the shares of LUTs and of DSP
blocks shall be small. That has no sum over layers, but its dual has: whatever rate ``x``
a share of the blocks is exchanged for a share of the LUTs at,

    sum over layers of min over choices of x * blocks / all blocks + (1 - x) * LUTs / all LUTs

is no more than that larger share, and at the best rate falls short of it by less than one
layer's choice matters (Lagrangian duality; Everett, Operations Research 11(3), 1963). The
best rate moves with the widths, so there are tables for the best rates of all uniform
widths, and the largest of their sums counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.ops.weighted import Weighted, weighted
from quantunet_hls.rtl.fold.estimate import Content, estimated, module_content, shares, stream_content
from quantunet_hls.rtl.fold.multipliers import LUTS_BESIDE, blocks, candidates, choose_multipliers, luts
from quantunet_hls.rtl.fold.parallelism import fold, folded_layer, parallel

__all__ = ["NARROWEST", "WidthCosts", "result_owners", "width_costs", "with_widths"]

#: What is counted, in this order, as in :class:`quantunet_hls.boards.Resources`.
_RESOURCES = ("lut", "dsp", "bram_18k")

#: Narrowest weights and results that tables begin with.
NARROWEST = 2

#: Rates that shares of blocks and of LUTs may be exchanged at.
_RATES = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class WidthCosts:
    """Shares of a board that a design takes: ``rest``, and for every convolution an entry of each table.

    Attributes:
        resources: name of what each row of the tables counts; of several rows of a name the largest sum is the share.
        modules: by convolution, (rows, bits of its weights, bits of its input), widths from 2 on.
        results: by convolution whose result has a width of its own, (rows, bits of that result).
        rest: (rows,).
    """

    resources: tuple[str, ...]
    modules: Mapping[str, np.ndarray]
    results: Mapping[str, np.ndarray]
    rest: np.ndarray


def result_owners(graph: StreamGraph) -> dict[str, str]:
    """For every convolution but the last the one that decides its result's width: itself, or a skip connection's other.

    Both branches of a concatenation have one type.
    """
    owners = {layer.name: layer.name for layer in _convolutions(graph) if layer is not graph.output}
    for layer in graph.layers:
        if layer.in_turn:
            first, second = (_computing(graph, name) for name in layer.sources)
            owners[second] = owners[first]
    return owners


def with_widths(graph: StreamGraph, widest: int, weights: Mapping[str, int], results: Mapping[str, int]) -> StreamGraph:
    """A U-Net's graph as it would have been lowered with other widths, but for what training would change.

    Ranges stay: a narrower type has fewer fraction bits. Weights are rounded to theirs, and those that the
    symmetric range of a narrower width lacks saturate.

    Args:
        graph: of weights of ``widest`` bits, folded or not.
        widest: bits of every weight in it.
        weights: bits by convolution.
        results: bits by convolution that owns a result's width (:func:`result_owners`).

    Raises:
        IllegalGraphError: a kind of layer that no U-Net has.
    """
    owners = result_owners(graph)
    made: dict[str, StreamLayer] = {}
    computing = {layer.name: layer for layer in _convolutions(graph)}
    for layer in graph.layers:
        sources = [made[name] for name in layer.sources]
        if layer.name in computing:
            owner = owners.get(layer.name)
            made[layer.name] = computing[layer.name].narrowed(
                sources[0].type, widest, weights[layer.name], results[owner] if owner else None)
        else:
            made[layer.name] = layer.passing(sources)
    return graph.with_layers(made)


def width_costs(graph: StreamGraph, board: Board, cycles: int, share: float, widest: int) -> WidthCosts:
    """Tables for a network on a board, exact about the widest uniform width that takes no more than a share of it.

    There the FIFOs are sized.

    Args:
        graph: lowered with ``widest`` bits for all weights and results, not folded.
        board: with its clock.
        cycles: clocks that a frame may take.
        share: of the board that the design shall keep to.
        widest: most bits of a weight or a result.

    Raises:
        BoardError: the LUTs, DSP blocks or block RAM of the board are not known, or its multipliers.
        ConfigurationError: the network can't be that fast.
        IllegalGraphError: a kind of layer that no U-Net has.
    """
    if not board.part_family.mapped or not all(
            getattr(board.resources, name) for name in _RESOURCES):
        raise BoardError(f"What widths cost on {board.title} can't be estimated, for its family or its numbers of "
                         "LUTs, DSP blocks or memory blocks are not known; name another board.")
    return _Tables(graph, board, cycles, share, widest).costs()


class _Tables:
    """Fills the tables, about a design of uniform widths."""

    def __init__(self, graph: StreamGraph, board: Board, cycles: int, share: float, widest: int):
        self._graph, self._board, self._cycles, self._widest = graph, board, cycles, widest
        self._family = board.part_family
        self._have = np.array([getattr(board.resources, name) for name in _RESOURCES], float)
        self._widths = range(NARROWEST, widest + 1)
        self._owners = result_owners(graph)
        self._rates = np.unique([self._best_rate(parallel(self._uniform(bits), cycles)) for bits in self._widths])
        for bits in reversed(self._widths):
            folded = fold(self._uniform(bits), cycles)
            if max(shares(choose_multipliers(folded, board), board).values()) <= share:
                break
        self._bits, self._folded = bits, folded

    def costs(self) -> WidthCosts:
        middle = self._folded
        return WidthCosts(
            (*("lut", "dsp") * len(self._rates), "bram_18k"),
            {layer.name: self._module_table(layer.name) for layer in _convolutions(middle)},
            {name: self._result_table(name) for name in dict.fromkeys(self._owners.values())},
            self._rest(),
        )

    def _uniform(self, bits: int) -> StreamGraph:
        return self._with({layer.name: bits for layer in _convolutions(self._graph)},
                          dict.fromkeys(self._owners.values(), bits))

    def _with(self, weights: Mapping[str, int], results: Mapping[str, int]) -> StreamGraph:
        return with_widths(self._graph, self._widest, weights, results)

    # The exchange of LUTs for DSP blocks.

    def _options(self, layer: Weighted) -> list[tuple[float, float, Multipliers]]:
        """Shares of the blocks and of the LUTs of all that a layer can multiply with."""
        luts_of_all, blocks_of_all, _ = self._have
        family = self._family
        return [(blocks(layer, choice, family) / blocks_of_all, luts(layer, choice, family) / luts_of_all, choice)
                for choice in candidates(layer, family)]

    def _best_rate(self, folded: StreamGraph) -> float:
        options = [np.array([option[:2] for option in self._options(layer)])
                   for layer in _convolutions(folded)]
        largest = [sum(float((option @ [rate, 1 - rate]).min()) for option in options) + (1 - rate) * self._beside
                   for rate in _RATES]
        return float(_RATES[int(np.argmax(largest))])

    @property
    def _beside(self) -> float:
        """Share of the LUTs that the choice of multipliers takes for what is beside them."""
        return float(LUTS_BESIDE * len(self._graph.inner) / self._have[0])

    # Rows of the tables: LUTs and DSP blocks at each rate, block RAM.

    def _module(self, graph: StreamGraph, layer: StreamLayer) -> np.ndarray:
        """Of a layer's module."""
        for computing in _convolutions(graph):
            if computing is layer:
                return self._computing_module(computing, graph.sources_of(layer))
        return self._rows(self._taken(module_content(layer, graph.sources_of(layer), self._family)))

    def _computing_module(self, layer: Weighted, sources: list[StreamLayer]) -> np.ndarray:
        """Of a module with products; what these take counts as the same share of the LUTs and of the blocks."""
        options = self._options(layer)
        rows, found = [], {}
        for rate in self._rates:
            exchanged = [rate * of_blocks + (1 - rate) * of_luts for of_blocks, of_luts, _ in options]
            place = int(np.argmin(exchanged))
            if place not in found:
                of_blocks, of_luts, choice = options[place]
                taken = self._taken(module_content(replace(layer, multipliers=choice), sources, self._family))
                found[place] = taken - np.array([of_luts, of_blocks, 0])
            rows += [found[place][0] + exchanged[place], found[place][1] + exchanged[place]]
        # A ROM of packed weights is wider; which of the choices it will be is not known here.
        return np.array([*rows, max(taken[2] for taken in found.values())])

    def _taken(self, content: Content) -> np.ndarray:
        found = estimated(content, self._family)
        return np.array([getattr(found, name) for name in _RESOURCES]) / self._have

    def _rows(self, taken: np.ndarray) -> np.ndarray:
        return np.array([*[*taken[:2]] * len(self._rates), taken[2]])

    def _module_table(self, name: str) -> np.ndarray:
        """Of a convolution's module by bits of weights and of input, folded for each of them."""
        middle = self._folded
        (layer,) = (each for each in _convolutions(self._graph) if each.name == name)
        before = middle[layer.sources[0]]
        result = middle[name].type.width if name in self._owners else None
        # A concatenation may ask for more lanes than the cycles do.
        least = max((reader.lanes for reader in middle.layers if reader.in_turn and name in reader.sources),
                    default=1)
        fixed = before is middle.input
        table = np.zeros((2 * len(self._rates) + 1, len(self._widths), len(self._widths)))
        for row, bits in enumerate(self._widths):
            for column, width in enumerate(self._widths):
                if fixed and column:
                    table[:, row, column] = table[:, row, 0]
                    continue
                source = before if fixed else replace(before, type=before.type.of_width(width))
                module = folded_layer(layer.narrowed(source.type, self._widest, bits, result), self._cycles, least)
                table[:, row, column] = self._computing_module(module, [source])
        return table

    def _result_table(self, name: str) -> np.ndarray:
        """Of everything but the convolutions that read a result, by its bits, beyond what the rest has of it."""
        middle = self._folded
        weights = {layer.name: self._bits for layer in _convolutions(middle)}
        results = dict.fromkeys(self._owners.values(), self._bits)
        columns = []
        for bits in self._widths:
            other = with_widths(middle, self._bits, weights, results | {name: bits})
            more = self._streams(other) - self._streams(middle)
            for layer, before in zip(other.layers, middle.layers, strict=True):
                if layer.type != before.type:
                    more += self._module(other, layer) - self._module(middle, before)
            columns.append(more)
        return np.stack(columns, axis=1)

    def _streams(self, graph: StreamGraph) -> np.ndarray:
        return self._rows(self._taken(stream_content(graph)))

    def _rest(self) -> np.ndarray:
        middle = self._folded
        computing = {layer.name for layer in _convolutions(middle)}
        found = sum((self._module(middle, layer) for layer in middle.inner if layer.name not in computing),
                    self._streams(middle))
        # The choice of multipliers makes equal what it knows of: the products and a guess of what is beside them.
        guess = [part * self._beside for rate in self._rates for part in (-rate, 1 - rate)]
        return found + np.array([*guess, 0])


def _computing(graph: StreamGraph, name: str) -> str:
    """The convolution, or the input, whose result a layer passes on."""
    ends = {graph.input.name, *(layer.name for layer in _convolutions(graph))}
    return name if name in ends else _computing(graph, graph[name].sources[0])


def _convolutions(graph: StreamGraph) -> list[Weighted]:
    """The layers whose widths can be others; all others pass on what they read, or are refused."""
    return [layer for layer in weighted(graph) if layer.narrows]
