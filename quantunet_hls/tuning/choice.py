"""A choice of widths, and the network that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.tuning.requantize import Constants, Requantized
from quantunet_hls.tuning.rounding import Fitted, bias_type
from quantunet_hls.types import FixedType

__all__ = ["Choice", "Move", "changes_of", "groups_of", "moves", "start_of"]

#: Narrowest weights and activations that are tried: ternary weights, and two levels of an activation.
_LEAST_WEIGHT, _LEAST_ACTIVATION = 2, 1


@dataclass(frozen=True)
class Choice:
    """Types of a network.

    Attributes:
        activations: of each group of quantizers, by its first one's name; the input port is none of them.
        weights: width of each convolution's weights.
    """

    activations: Mapping[str, FixedType]
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Move:
    """One bit less in one place.

    Attributes:
        layer: convolution, or first quantizer of a group.
        part: "weight", or which end of an activation: "top" or "bottom".
    """

    layer: str
    part: str

    def __call__(self, choice: Choice) -> Choice:
        """The choice after it."""
        if self.part == "weight":
            return replace(choice, weights={**choice.weights, self.layer: choice.weights[self.layer] - 1})
        kind = choice.activations[self.layer]
        cut = replace(kind, width=kind.width - 1, fraction=kind.fraction - (self.part == "bottom"))
        return replace(choice, activations={**choice.activations, self.layer: cut})


def moves(choice: Choice, values: Mapping[str, np.ndarray]) -> list[Move]:
    """Every bit that can go; an activation's from the end where it does less harm to the values.

    Args:
        choice: where from.
        values: what calibration images put into each group of quantizers.
    """
    found = [Move(name, "weight") for name, width in choice.weights.items() if width > _LEAST_WEIGHT]
    for name, kind in choice.activations.items():
        if kind.width > _LEAST_ACTIVATION + kind.signed:
            ends = (Move(name, "bottom"), Move(name, "top"))
            found.append(min(ends, key=lambda move: _error(values[move.layer], move(choice).activations[move.layer])))
    return found


def _error(values: np.ndarray, kind: FixedType) -> float:
    codes = np.clip(np.rint(np.ldexp(values, kind.fraction)), kind.lowest, kind.high)
    return float(np.mean((np.ldexp(codes, -kind.fraction) - values) ** 2))


def groups_of(graph: HardwareGraph) -> dict[str, tuple[str, ...]]:
    """Quantizers by groups that keep one type: those that meet in one result and have one type already.

    So a concatenation stays free of arithmetic, and as narrow as its parts. The input port's quantizer is left out.
    """
    types = infer_types(graph.model)
    source: dict[str, frozenset[str]] = {}
    group: dict[str, int] = {}
    port = True
    for node in graph.model.graph.node:
        before = frozenset[str]().union(*(source.get(name, frozenset()) for name in node.input))
        if node.op_type in QUANT_OPS:
            before = frozenset() if port else frozenset({str(node.name)})
            if not port:
                group[str(node.name)] = len(group)
            port = False
        elif kind_of(node).new_values:
            before = frozenset()
        elif kind_of(node).joins:
            kinds = {types.layers[name].result for name in before}
            if len(kinds) == 1:
                joined = {group[name] for name in before}
                group = {name: min(joined) if number in joined else number for name, number in group.items()}
        source[node.output[0]] = before
    return {next(iter(names)): names for names in (
        tuple(name for name, number in group.items() if number == wanted) for wanted in sorted(set(group.values())))}


def start_of(graph: HardwareGraph) -> Choice:
    """The types that a network has: each quantizer's, and the widths that its weights need."""
    types = infer_types(graph.model)
    weights = {}
    for node in graph.model.graph.node:
        kind = types.layers[node.name].weight
        if kind is not None:
            weights[str(node.name)] = max(kind.width, _LEAST_WEIGHT)
    return Choice({name: types.layers[name].result for name in groups_of(graph)}, weights)


def changes_of(graph: HardwareGraph, groups: Mapping[str, tuple[str, ...]], choice: Choice,
               fitted: Mapping[str, Fitted]) -> Requantized:
    """The quantizers of a choice.

    Args:
        graph: the network to start from.
        groups: of :func:`groups_of`.
        choice: types of its activations; those that the graph has already change nothing.
        fitted: weights and biases of the convolutions that get new ones.
    """
    activations = {name: choice.activations[first] for first, names in groups.items() for name in names}
    weights, biases = {}, {}
    fractions: dict[str, int] = {}
    before = infer_types(graph.model).ranges
    for node in graph.model.graph.node:
        name = str(node.name)
        given = [fractions[tensor] for tensor in node.input if tensor in fractions]
        fraction = max(given, default=0)
        if node.op_type in QUANT_OPS:
            scale = constant(graph.model, node.input[1])
            assert scale is not None
            fraction = activations[name].fraction if name in activations else -int(np.log2(scale.flat[0]))
        elif kind_of(node).weighted:
            kernel = constant(graph.model, node.input[1])
            assert kernel is not None
            bias = constant(graph.model, node.input[2]) if len(node.input) > 2 else None
            if name in fitted:
                new = fitted[name]
                weights[name] = Constants(new.type, new.weights)
                kernel, bias = new.weights, new.biases
            fraction -= to_steps(kernel)[1] if np.any(kernel) else 0
            moved = name in fitted or fractions[node.input[0]] != -before[node.input[0]].exponent
            if bias is not None and moved:
                # On the grid of the products, where adding it costs the accumulator nothing.
                biases[name] = Constants(bias_type(bias, fraction), np.asarray(bias, np.float64))
        else:
            fraction += kind_of(node).finer(node)
        fractions[str(node.output[0])] = fraction
    return Requantized(activations, weights, biases)
