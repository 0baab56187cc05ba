"""What each layer multiplies with, for products and for levels: all layers the same, or each what suits the board.

LUTs are estimated from the parts of a layer (:mod:`quantunet_hls.ops.cost`), DSP blocks
are counted exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError, ConfigurationError
from quantunet_hls.ops.cost import product_cost
from quantunet_hls.ops.multipliers import BLOCKS, Multipliers
from quantunet_hls.ops.streaming import Staged, StreamGraph, StreamLayer
from quantunet_hls.ops.weighted import Weighted, weighted
from quantunet_hls.rtl.fold.estimate import cost
from quantunet_hls.rtl.fold.requantizers import in_all_forms, of_fewest_luts, taken
from quantunet_hls.targets import Family

__all__ = ["KINDS", "blocks", "candidates", "choose_multipliers", "in_fabric", "luts", "multiplying",
           "with_multipliers"]

#: What can be asked for, for all layers of a design.
KINDS = ("auto", "dsp", "packed", "lut")

#: LUTs of a DSP block where the part's numbers are not known: about what parts of all families have.
USUAL_LUTS_PER_BLOCK = 100


#: LUTs of a layer's line buffer and adapters, and of a layer without weights, roughly: they are the same
#: whatever a layer multiplies with.
LUTS_BESIDE = 150


def candidates(layer: Weighted, family: Family) -> Iterator[Multipliers]:
    """All that a layer can multiply with on a family, plain blocks first where its products are wide enough."""
    return layer.multiplier_choices(family.multiplier.operands)


def blocks(layer: Weighted, multipliers: Multipliers, family: Family) -> int:
    """Multiplier blocks that a layer's products and stages take."""
    return product_cost(layer).blocks(layer, multipliers, family)


def luts(layer: Weighted, multipliers: Multipliers, family: Family) -> float:
    """An estimate of the LUTs of a layer's matrix-vector unit."""
    return cost(product_cost(layer).parts(layer, multipliers, family), family)


def multiplying(graph: StreamGraph, kind: str, board: Board) -> StreamGraph:
    """The graph with the multipliers that were asked for, and requantizers that go with them.

    Where a kind is asked for, each requantizer has the form of the fewest LUTs.

    Args:
        kind: one of :data:`KINDS`.

    Raises:
        ConfigurationError: another kind.
        BoardError: products are to be packed for a family whose multipliers are not known.
    """
    if kind == "auto":
        return choose_multipliers(graph, board)
    if kind == "packed" and not board.part_family.mapped:
        raise BoardError(f"How products are packed on {board.title} is not known; use other multipliers or part.")
    made = with_multipliers(graph, kind, board.part_family)
    return made.with_layers({layer.name: of_fewest_luts(layer, board.part_family) for layer in made.inner})


def in_fabric(graph: StreamGraph) -> list[str]:
    """Names of the layers that are to be mapped without multiplier blocks."""
    return [layer.name for layer in weighted(graph) if layer.multipliers.kind in ("lut", "adders")]


def with_multipliers(graph: StreamGraph, kind: str, family: Family) -> StreamGraph:
    """The graph with every layer's multipliers of one kind; ``packed`` as densely as each layer allows.

    Args:
        kind: ``dsp``, ``packed`` or ``lut``.

    Raises:
        ConfigurationError: another kind.
    """
    if kind not in ("dsp", "packed", "lut"):
        raise ConfigurationError(f"There are no multipliers of kind {kind!r}; use one of {', '.join(KINDS)}.")
    changed = {}
    for layer in weighted(graph):
        fitting = [Multipliers(kind)]
        if kind == "packed":
            fitting = [choice for choice in candidates(layer, family) if choice.kind == "packed"] or [BLOCKS]
        changed[layer.name] = replace(layer, multipliers=min(
            fitting, key=lambda choice: (blocks(layer, choice, family), luts(layer, choice, family))))
    return graph.with_layers(changed)


def choose_multipliers(graph: StreamGraph, board: Board) -> StreamGraph:
    """The graph with multipliers such that the larger of its shares of LUTs and of DSP blocks is as small as can be.

    Requantizers multiply, too, or search among thresholds, which takes LUTs alone. For each number of blocks the
    fewest LUTs are found layer by layer (a knapsack); the estimate of LUTs is that of :func:`luts`. A family that
    can't be mapped keeps plain blocks.

    Args:
        graph: folded.
        board: whose numbers are weighed; usual ones where they are not known.
    """
    family = board.part_family
    if not family.mapped:
        return graph
    choices = [[(made, taken(made, family)) for made in _choices(layer, family)] for layer in graph.inner
               if isinstance(layer, Weighted) or (isinstance(layer, Staged) and layer.forms)]
    most = sum(max(found.blocks for _, found in options) for options in choices)
    beside = LUTS_BESIDE * len(graph.inner)
    fewest = np.zeros(most + 1)
    best = []
    for options in choices:
        reached = np.full((len(options), most + 1), np.inf)
        for index, (_, found) in enumerate(options):
            reached[index, found.blocks:] = fewest[: most + 1 - found.blocks] + found.luts
        best.append(reached.argmin(axis=0))
        fewest = reached.min(axis=0)
    have_blocks = board.resources.dsp or (board.resources.lut or USUAL_LUTS_PER_BLOCK**2) / USUAL_LUTS_PER_BLOCK
    have_luts = board.resources.lut or have_blocks * USUAL_LUTS_PER_BLOCK
    shares = np.stack([(fewest + beside) / have_luts, np.arange(most + 1) / have_blocks])
    # Of equal largest shares the one with the least in all.
    left = int(np.lexsort((shares.sum(axis=0), shares.max(axis=0)))[0])
    changed: dict[str, StreamLayer] = {}
    for options, of_fewest in reversed(list(zip(choices, best, strict=True))):
        made, found = options[int(of_fewest[left])]
        changed[made.name] = made
        left -= found.blocks
    return graph.with_layers(changed)


def _choices(layer: Staged, family: Family) -> Iterator[Staged]:
    """A layer with all that it can multiply with, and all that it can make levels with."""
    for formed in in_all_forms(layer, family):
        if isinstance(formed, Weighted):
            yield from (replace(formed, multipliers=choice) for choice in candidates(formed, family))
        else:
            yield formed
