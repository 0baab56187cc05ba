"""A quantized network whose scales may be any, with fewer bits: new ranges, new weights, and everything behind anew.

It starts as it is. A quantizer that gets fewer bits gets the scale that comes nearest to what it made of calibration
images; a layer whose weights do gets a scale for each filter. Whatever follows from these (requantizers, accumulators)
is proven anew when the file is ingested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor

from quantunet_hls.ingest.execute import run_node
from quantunet_hls.ops.qonnx.graph import (
    QUANT_OPS,
    IndexedModel,
    LinkedModel,
    add_constant,
    constant,
    copy_of,
    drop_unused,
    linked,
    needed_for,
    replace_nodes,
    set_attribute,
)
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.quantizers import levels_of, quantizers_of
from quantunet_hls.ops.qonnx.ranges import to_steps
from quantunet_hls.tuning.calibrate import Calibration, Cast, calibrate, fit_layers
from quantunet_hls.tuning.file_quantizers import (
    FileQuantizer,
    fewer_levels,
    file_quantizers,
    groups_of_scales,
    sources_of,
)
from quantunet_hls.tuning.filters import with_filters
from quantunet_hls.tuning.grids import Grid
from quantunet_hls.tuning.rounding import FittedFilters, fit_filters
from quantunet_hls.tuning.widths import LEAST_BITS, Widths
from quantunet_hls.types import covering

__all__ = ["GivenNetwork", "given_network", "with_constants"]


@dataclass(frozen=True, eq=False)
class GivenNetwork:
    """A quantized network, and what calibration images say about it.

    Attributes:
        file: the graph as it was given, tidied.
        model: the same with constants for weights and biases.
        images: that it was calibrated with, in the order of axes that it takes.
        seen: what they say; in front of quantizers in steps of their scales.
        groups: quantizers whose scales change together, by the first one's name; none that shares the image's.
        reads: for each layer the groups whose values it reads.
        levels: of each layer's weights, whole numbers in the file's order of axes.
    """

    file: ModelWrapper
    model: LinkedModel
    images: Tensor
    seen: Calibration
    groups: Mapping[str, tuple[FileQuantizer, ...]]
    reads: Mapping[str, frozenset[str]]
    levels: Mapping[str, np.ndarray]
    # A layer's weights and a group's scales at a width are the same whatever the others have.
    _fitted: dict[tuple[str, int], FittedFilters] = field(default_factory=dict, repr=False)
    _grids: dict[tuple[str, int], dict[str, Grid]] = field(default_factory=dict, repr=False)

    @cached_property
    def natural(self) -> Widths:
        """The bits that it has."""
        weights = {name: max(LEAST_BITS, covering(int(levels.min()), int(levels.max()), signed=True).width)
                   for name, levels in self.levels.items()}
        return Widths({first: min(one.width for one in group) for first, group in self.groups.items()}, weights)

    def narrowed(self, widest: int) -> Widths:
        """The same, none wider than that."""
        return Widths({first: min(width, widest) for first, width in self.natural.activations.items()},
                      {layer: min(width, widest) for layer, width in self.natural.weights.items()})

    def casts(self, widths: Widths) -> dict[str, Cast]:
        """Of quantizers that have other bits than in the file."""
        found: dict[str, Cast] = {}
        for group, grids in self._changed(widths):
            for one in group:
                found[one.name] = one.cast(grids[one.name])
        return found

    def fitted(self, layer: str, width: int) -> FittedFilters | None:
        """Weights of a layer, fitted by themselves; None where it keeps those that it has."""
        if width == self.natural.weights[layer]:
            return None
        if (layer, width) not in self._fitted:
            self._fitted[layer, width] = fit_filters(self.seen.filters[layer], self.seen.moments[layer], width)
        return self._fitted[layer, width]

    def each_fitted(self, widths: Widths) -> ModelWrapper:
        """The file with these widths, each layer's weights fitted by themselves."""
        layers = {name: found for name, width in widths.weights.items()
                  if (found := self.fitted(name, width)) is not None}
        return self._written(widths, layers)

    def fitted_in_turn(self, widths: Widths) -> ModelWrapper:
        """The same, each layer's weights making up for what those before it lost."""
        return self._written(widths, fit_layers(self.seen, self.model, self.images, widths.weights, fit_filters,
                                                self.casts(widths)))

    def _changed(self, widths: Widths) -> list[tuple[tuple[FileQuantizer, ...], dict[str, Grid]]]:
        found = []
        for first, width in widths.activations.items():
            less = self.natural.activations[first] - width
            if less and (first, width) not in self._grids:
                self._grids[first, width] = fewer_levels(self.groups[first], self.seen.values, less)
            if less:
                found.append((self.groups[first], self._grids[first, width]))
        return found

    def _written(self, widths: Widths, layers: Mapping[str, FittedFilters]) -> ModelWrapper:
        model = copy_of(self.file)
        nodes = {str(node.name): node for node in model.graph.node}
        for group, grids in self._changed(widths):
            for one in group:
                _write(model, one, grids[one.name])
        quantizers = {name: with_filters(model, nodes[name], layer) for name, layer in layers.items()}
        every = [part for node in model.graph.node for part in (
            [quantizers[node.name], node] if node.name in quantizers else [node])]
        replace_nodes(model, needed_for(every, [tensor.name for tensor in model.graph.output]))
        drop_unused(model)
        return model


def _write(model: IndexedModel, quantizer: FileQuantizer, grid: Grid) -> None:
    """Give a node of the file a grid that counts in steps of its scales."""
    (node,) = [node for node in model.graph.node if node.name == quantizer.name]
    # Constants of its own: exporters let quantizers share them.
    numbers = {"scale": quantizer.scales * np.float32(grid.step), "zero": np.array(float(grid.zero)),
               "bits": np.array(float(grid.width))}
    constants = [add_constant(model, f"{node.output[0]}_{role}", values.astype(np.float32))
                 for role, values in numbers.items()]
    del node.input[:]
    node.input.extend([quantizer.source, *constants])
    set_attribute(node, "rounding_mode", "FLOOR" if grid.down else "ROUND")


def given_network(file: ModelWrapper, images: Tensor) -> GivenNetwork:
    """Look what images do in a quantized network.

    Args:
        file: of a legal one, tidied.
        images: in the order of axes that it takes.
    """
    model = with_constants(file)
    quantizers = file_quantizers(model)
    sources = sources_of(model, quantizers)
    port = quantizers[0].name
    groups = {group[0].name: group for group in groups_of_scales(model, quantizers, sources)
              if port not in {one.name for one in group} and min(one.width for one in group) >= LEAST_BITS}
    first = {one.name: name for name, group in groups.items() for one in group}
    layers = [node for node in model.graph.node if kind_of(node).weighted]
    reads = {str(node.name): frozenset(first[name] for name in sources[node.input[0]] if name in first)
             for node in layers}
    writers = linked(copy_of(file))
    levels = {str(node.name): _levels(writers, node.input[1]) for node in layers}
    return GivenNetwork(file, model, images, calibrate(model, images, in_steps=True), groups, reads, levels)


def with_constants(file: ModelWrapper) -> LinkedModel:
    """The graph with the results of quantizers of constants as constants."""
    model = copy_of(file)
    kept = []
    for node in model.graph.node:
        given = [constant(model, name) for name in node.input]
        if node.op_type in QUANT_OPS and given[0] is not None:
            numbers = [np.asarray(values, np.float64) for values in given if values is not None]
            model.set_initializer(node.output[0], run_node(node, numbers).astype(np.float32))
        else:
            kept.append(node)
    replace_nodes(model, kept)
    return linked(model)


def _levels(model: LinkedModel, tensor: str) -> np.ndarray:
    """Weights as whole numbers."""
    node, values = model.find_producer(tensor), constant(model, tensor)
    if node is None:
        assert values is not None
        return to_steps(values)[0]
    raw, scales = constant(model, node.input[0]), constant(model, node.input[1])
    assert raw is not None
    assert scales is not None
    return levels_of(raw, np.broadcast_to(scales, raw.shape), quantizers_of(model, node)[0])
