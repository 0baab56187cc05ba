"""Widths of a network whose scales may be any, and what they do.

A choice is measured with every layer fitted by itself, in single precision. What is handed out is measured exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor, nn

from quantunet_hls.core.code_key import code_key
from quantunet_hls.emulate.accuracy import as_logits, segment_module
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.tuning.calibrate import Cast, constants_of
from quantunet_hls.tuning.cost import ConvLoad, Cost, loads
from quantunet_hls.tuning.measure import Meter
from quantunet_hls.tuning.rounding import FittedFilters
from quantunet_hls.tuning.search import Point
from quantunet_hls.tuning.walk import walk

__all__ = ["LEAST_BITS", "Narrowable", "WidthMove", "WidthTrials", "Widths", "width_moves"]

#: Narrowest weights and activations that are tried.
LEAST_BITS = 2


@dataclass(frozen=True)
class Widths:
    """Bits of a quantized network.

    Attributes:
        activations: of each group of quantizers, by the first one's name.
        weights: of each layer.
    """

    activations: Mapping[str, int]
    weights: Mapping[str, int]


@dataclass(frozen=True)
class WidthMove:
    """One bit less in one place.

    Attributes:
        layer: a layer, or the first quantizer of a group.
        part: "weight" or "activation".
    """

    layer: str
    part: str

    def __call__(self, choice: Widths) -> Widths:
        """The choice after it."""
        if self.part == "weight":
            return replace(choice, weights={**choice.weights, self.layer: choice.weights[self.layer] - 1})
        return replace(choice, activations={**choice.activations, self.layer: choice.activations[self.layer] - 1})


def width_moves(choice: Widths) -> list[WidthMove]:
    """Every bit that can go."""
    return [WidthMove(name, part) for part, widths in (("weight", choice.weights), ("activation", choice.activations))
            for name, width in widths.items() if width > LEAST_BITS]


class Narrowable(Protocol):
    """A network that takes any widths."""

    @property
    def model(self) -> ModelWrapper:
        """Its graph, with constants for weights."""

    @property
    def images(self) -> Tensor:
        """That it was calibrated with, in the order of axes that it takes."""

    @property
    def reads(self) -> Mapping[str, frozenset[str]]:
        """For each layer the groups of quantizers whose values it reads."""

    def casts(self, widths: Widths) -> Mapping[str, Cast]:
        """What quantizers make of their values, where that is not what their nodes say."""

    def fitted(self, layer: str, width: int) -> FittedFilters | None:
        """Weights of a layer, fitted by themselves; None where it keeps those that it has."""


@dataclass(frozen=True, eq=False)
class WidthTrials:
    """All that is needed to try widths.

    Attributes:
        network: that takes them.
        graph: hardware of the widest; ends in the same as all others.
        start: its widths.
        loads: what its convolutions need, by the names of the network's layers, and of others by their own.
        cost: of such.
        key: decides, by content, what a choice does.
    """

    network: Narrowable
    graph: HardwareGraph
    start: Widths
    loads: Mapping[str, ConvLoad]
    cost: Cost
    key: str

    @classmethod
    def of(cls, network: Narrowable, graph: HardwareGraph, start: Widths, cost: Cost, multipliers: int) -> WidthTrials:
        """Of a network.

        Args:
            network: that takes widths.
            graph: its hardware with those of the start.
            start: the widest.
            cost: what is to be small.
            multipliers: of all convolutions, for the cost.
        """
        digest = hashlib.sha256(code_key(type(network).__module__).encode())
        digest.update(network.images.contiguous().numpy().tobytes())
        for model in (network.model, graph.original):
            digest.update(model.model.SerializeToString(deterministic=True))
        named = {_layer_of(graph, name): load for name, load in loads(
            graph, infer_types(graph.model), multipliers).items()}
        assert set(network.reads) <= set(named), "every layer is a convolution in hardware"
        return cls(network, graph, start, named, cost, digest.hexdigest())

    def point(self, choice: Widths, meter: Meter) -> Point:
        """What a choice costs and does."""
        def masks() -> Tensor:
            layers = {name: found for name, width in choice.weights.items()
                      if (found := self.network.fitted(name, width)) is not None}
            module = _Module(self.network.model, self.network.casts(choice), layers)
            return segment_module(as_logits(module, self.graph), meter.samples, self.graph.input_shape[:2])

        inputs = {"network": self.key, "weights": dict(choice.weights), "activations": dict(choice.activations)}
        dice, agreement = meter.remembered(inputs, __name__, masks)
        return Point(self.cost([self._load(name, choice) for name in self.loads]), dice, 1 - agreement)

    def _load(self, name: str, choice: Widths) -> ConvLoad:
        """What a convolution needs with other widths than at the start."""
        load = self.loads[name]
        if name not in self.network.reads:
            return load
        weights = self.start.weights[name] - choice.weights[name]
        data = max(0, *(self.start.activations[first] - choice.activations[first]
                        for first in self.network.reads[name])) if self.network.reads[name] else 0
        return replace(load, weight_width=load.weight_width - weights, input_width=load.input_width - data,
                       accumulator_width=max(1, load.accumulator_width - weights - data))


def _layer_of(graph: HardwareGraph, name: str) -> str:
    """What the file calls the layer that a convolution of the hardware is, or of which it is a part."""
    (node,) = [node for node in graph.model.graph.node if node.name == name]
    source = graph.original.find_producer(graph.origins[str(node.output[0])])
    return name if source is None else str(source.name)


class _Module(nn.Module):
    """A network with other quantizers and weights, in single precision."""

    def __init__(self, model: ModelWrapper, casts: Mapping[str, Cast], layers: Mapping[str, FittedFilters]):
        super().__init__()
        self._model, self._casts, self._layers = model, casts, layers
        self.eval()

    @torch.inference_mode()
    def forward(self, images: Tensor) -> Tensor:
        result = images
        for visit in walk(self._model, images):
            name = str(visit.node.name)
            if name in self._casts:
                result = self._casts[name](visit.inputs[0])
                visit.keep(result)
                continue
            if name in self._layers:
                visit.inputs[1:] = constants_of(visit.node, self._layers[name])
            result = visit.compute(visit.inputs)
        return result
