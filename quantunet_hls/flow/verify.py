"""The same images through every executor, compared integer by integer.

Brevitas module, QONNX graph, channels-last graph and simulation all hold
fixed-point numbers, exactly, in floats wide enough for them. So equal means
``==``; there is no tolerance anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from quantunet_hls.core.errors import MismatchError
from quantunet_hls.ingest import HardwareGraph, run_graph, trace_module
from quantunet_hls.ingest.exact import ExactTensor, run_exact
from quantunet_hls.ingest.export import ModuleTrace
from quantunet_hls.ingest.limits import numbers_of
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, constant, only
from quantunet_hls.ops.qonnx.node_kinds import behind_real_values, kind_of
from quantunet_hls.ops.qonnx.values import IDENTITY
from quantunet_hls.reports.schema import Check

__all__ = ["BREVITAS", "CHANNELS_LAST", "CSIM", "QONNX", "RTL", "RTL_LAYERS", "Reference", "batches", "compare_layers",
           "entering", "reference", "require_equal", "together"]

#: Names of the executors, as reports show them.
BREVITAS, QONNX, CHANNELS_LAST, CSIM, RTL, RTL_LAYERS = (
    "Brevitas", "QONNX", "channels-last QONNX", "C-simulation", "RTL simulation", "RTL simulation, layer by layer"
)

#: Numbers of a graph's tensors that are held at once, several times over, where there is more than one image.
_AT_A_TIME = 1 << 24


@dataclass(frozen=True)
class Reference:
    """What the network computes for some images.

    Attributes:
        images: float64 (images, height, width, channels), as the input port takes them.
        tensors: for every tensor of the hardware graph float64 (images, height, width, channels).
        output: name of the tensor that is the result.
        checks: Brevitas against QONNX, and QONNX against the hardware graph. A sigmoid's table is no sigmoid, so what
            comes of it is not among them; from the table on the hardware graph is what simulations must equal.
        float_levels: in how many places quantizers of the module, which computes in floats, have another level than the
            file in exact arithmetic; None where they are among the checks, or there is no module.
        table_error: how far the table's entries are from the sigmoids of the QONNX graph, at most; None without one.
    """

    images: np.ndarray
    tensors: Mapping[str, np.ndarray]
    output: str
    checks: tuple[Check, ...]
    table_error: float | None = None
    float_levels: int | None = None

    @property
    def result(self) -> np.ndarray:
        """The network's output, (images, height, width, classes)."""
        return self.tensors[self.output]


def batches(graph: HardwareGraph, images: np.ndarray) -> list[np.ndarray]:
    """The images in groups for :func:`reference`, in order: one each where one has millions of numbers."""
    each = max(1, _AT_A_TIME // max(numbers_of(graph.model), 1))
    return [images[first:first + each] for first in range(0, len(images), each)]


def entering(graph: HardwareGraph, images: np.ndarray) -> np.ndarray:
    """Images (images, height, width, channels) as the input port takes them."""
    return graph.scales.to_port(images) if graph.scales.whole else images


def together(groups: Sequence[Sequence[Check]]) -> tuple[Check, ...]:
    """The comparisons of several groups of images as one: each made the same ones, in the same order."""
    return tuple(replace(same[0], values=sum(each.values for each in same),
                         differing=sum(each.differing for each in same)) for same in zip(*groups, strict=True))


def reference(graph: HardwareGraph, images: np.ndarray, module: nn.Module | None = None) -> Reference:
    """Run the network in all forms that exist before hardware, and compare them.

    Args:
        graph: the network.
        images: float (images, height, width, channels).
        module: the Brevitas module it was exported from, where there is one.
    """
    if graph.scales.whole:
        return _exact_reference(graph, images, module)
    original = run_graph(graph.original, graph.to_original(images))
    tensors = run_graph(graph.model, images)
    checks = []
    errors = [np.abs(tensors[node.output[0]] - graph.from_original(origin, original[origin])).max()
              for node in graph.model.graph.node if kind_of(node).real
              for origin in [graph.origins[node.output[0]]]]
    behind_tables = behind_real_values(graph.original, _looked_up(graph))
    if module is not None:
        checks += _against_module(graph, original, images, module)
    for name, values in tensors.items():
        origin = graph.origins[name]
        if origin in original and origin not in behind_tables:
            expected = graph.from_original(origin, original[origin])
            checks.append(_check(QONNX, CHANNELS_LAST, _layer(graph, name), expected, values))
    return Reference(images, tensors, only(graph.model, "output"), tuple(checks),
                     float(max(errors)) if errors else None)


def _exact_reference(graph: HardwareGraph, images: np.ndarray, module: nn.Module | None) -> Reference:
    """The same where scales are no powers of two: each number stands for the very number of the graph, as fractions.

    A module rounds after every operation there, so it is no judge, and is told apart: :attr:`Reference.float_levels`.
    """
    exact = run_exact(graph.meant, graph.to_original(images))
    coming = entering(graph, images)
    tensors = run_graph(graph.model, coming)
    result = only(graph.model, "output")
    checks = []
    # A mean of three, say, is no number of a double's; what the quantizer behind it makes of it is compared.
    fractions = {node.output[0] for node in graph.model.graph.node if not kind_of(node).exact(node)}
    for name, values in tensors.items():
        origin = graph.origins[name]
        if origin in exact and name not in fractions:
            chains = graph.scales.tensors.get(origin) or (IDENTITY,) * values.shape[-1]
            differing = exact[origin].differing(graph.as_original(origin, values), chains)
            checks.append(Check(QONNX, CHANNELS_LAST, _layer(graph, name), values.size, differing))
    if graph.scales.output is not None:
        origin = only(graph.original, "output")
        differing = exact[origin].differing(graph.as_original(origin, tensors[result]), graph.scales.output)
        checks.append(Check(QONNX, CHANNELS_LAST, None, tensors[result].size, differing))
    levels = None if module is None else _float_levels(graph, exact, images, module)
    return Reference(coming, tensors, result, tuple(checks), float_levels=levels)


def _float_levels(graph: HardwareGraph, exact: Mapping[str, ExactTensor], images: np.ndarray, module: nn.Module
                  ) -> int | None:
    """In how many places a module's quantizers have another level; None where its layers aren't those of the graph."""
    _, _, activations = trace_module(module, images.transpose(0, 3, 1, 2))
    quantizers = [exact[node.output[0]] for node in graph.meant.graph.node if node.output[0] in exact
                  and node.op_type in QUANT_OPS]
    if not _same_shapes(activations, [quantizer.whole for quantizer in quantizers]):
        return None
    return sum(quantizer.other_levels(values) for (_, values), quantizer in zip(activations, quantizers, strict=True))


def _looked_up(graph: HardwareGraph) -> set[str]:
    """Tensors of the original graph that tables between two quantizers hold, which are exact."""
    return {graph.origins[node.output[0]] for node in graph.model.graph.node if kind_of(node).tabulated}


def _against_module(graph: HardwareGraph, original: Mapping[str, np.ndarray], images: np.ndarray,
                    module: nn.Module) -> list[Check]:
    output, weighted, activations = trace_module(module, images.transpose(0, 3, 1, 2))
    model = graph.original
    result = only(model, "output")
    checks = []
    convolutions = [node.output[0] for node in model.graph.node if kind_of(node).weighted]
    quantizers = [node.output[0] for node in model.graph.node
                  if node.op_type in QUANT_OPS and constant(model, node.input[0]) is None]
    inexact = behind_real_values(model, _looked_up(graph))
    for trace, names in ((weighted, convolutions), (activations, quantizers)):
        # The export runs the module once, so its layers stand in the graph in the order they ran.
        if _same_shapes(trace, [original[name] for name in names]):
            checks += [_check(BREVITAS, QONNX, layer, values, original[name])
                       for (layer, values), name in zip(trace, names, strict=True) if name not in inexact]
    if result not in inexact:
        checks.append(_check(BREVITAS, QONNX, None, output, original[result]))
    return checks


def _same_shapes(trace: ModuleTrace, values: list[np.ndarray]) -> bool:
    return [seen.shape for _, seen in trace] == [value.shape for value in values]


def compare_layers(reference: Reference, graph: HardwareGraph, candidate: str, layers: Mapping[str, np.ndarray],
                   tensors: Mapping[str, str], output: np.ndarray) -> tuple[Check, ...]:
    """Compare a simulation with the hardware graph, layer by layer and at the output.

    Args:
        reference: what the graph computes.
        graph: the hardware graph.
        candidate: name of the simulation.
        layers: for each simulated layer its values, (images, ...), in the order height, width, channels.
        tensors: for each simulated layer the tensor that it must equal.
        output: the simulation's result, (images, ...).
    """
    checks = [_check(CHANNELS_LAST, candidate, _layer(graph, tensors[layer]), reference.tensors[tensors[layer]], values)
              for layer, values in layers.items()]
    return (*checks, _check(CHANNELS_LAST, candidate, None, reference.result, output))


def _check(held: str, candidate: str, layer: str | None, expected: np.ndarray, values: np.ndarray) -> Check:
    differing = int(np.count_nonzero(expected.reshape(-1) != values.reshape(-1)))
    return Check(held, candidate, layer, expected.size, differing)


def _layer(graph: HardwareGraph, tensor: str) -> str:
    producer = graph.model.find_producer(tensor)
    return tensor if producer is None else str(producer.name)


def require_equal(checks: tuple[Check, ...]) -> None:
    """Refuse a difference.

    Raises:
        MismatchError: names the first executor and layer that differ.
    """
    for check in checks:
        if check.differing:
            where = f"layer {check.layer!r}" if check.layer else "the output"
            raise MismatchError(
                f"{check.candidate} differs from {check.reference} at {where} in {check.differing} of {check.values} "
                "values; this is a fault of the conversion, please report it with the network."
            )
