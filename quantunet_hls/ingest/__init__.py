"""From a checkpoint, a module or a QONNX file to a channels-last QONNX graph that hls4ml reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ingest import channels_last_ops
from quantunet_hls.ingest.axes import layouts_of
from quantunet_hls.ingest.execute import run_graph
from quantunet_hls.ingest.export import export_module, trace_module
from quantunet_hls.ingest.legality import check_legal, violations
from quantunet_hls.ingest.limits import check_sizes
from quantunet_hls.ingest.load import load_qonnx
from quantunet_hls.ingest.passes.absorb_padding import absorb_padding
from quantunet_hls.ingest.passes.absorb_scales import absorb_scales
from quantunet_hls.ingest.passes.channels_last import channels_last
from quantunet_hls.ingest.passes.drop_identities import drop_identities
from quantunet_hls.ingest.passes.drop_probabilities import drop_probabilities
from quantunet_hls.ingest.passes.explicit_attributes import explicit_attributes
from quantunet_hls.ingest.passes.fit_scales import fit_scales
from quantunet_hls.ingest.passes.linear_quantizers import linear_quantizers
from quantunet_hls.ingest.passes.lower_nodes import lower_nodes
from quantunet_hls.ingest.passes.name_nodes import name_nodes
from quantunet_hls.ingest.passes.plain_classes import plain_classes, with_classes
from quantunet_hls.ingest.passes.plain_nodes import plain_nodes
from quantunet_hls.ingest.passes.tabulate import tabulate
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ingest.reasons import all_reasons
from quantunet_hls.ingest.scales import Scales
from quantunet_hls.ops.qonnx.graph import linked, only, shape_of
from quantunet_hls.ops.qonnx.node_kinds import Layout

__all__ = ["OUTPUTS", "HardwareGraph", "as_meant", "check_legal", "export_module", "ingest", "load_qonnx", "run_graph",
           "trace_module", "violations"]


@dataclass(frozen=True)
class HardwareGraph:
    """A legal network, channels last, next to the graph it came from.

    Attributes:
        model: the channels-last graph; weights are exact constants, activations carry Quant nodes.
        original: the tidied graph as it was given, in its own layout, Quant nodes on weights included.
        meant: the same with tables in the place of the functions that they hold.
        origins: for each tensor of ``model`` the tensor of ``original`` that has the same values.
        layouts: for each tensor of ``original`` that the image reaches, on which axis batch, channels, height and
            width lie.
        scales: what the hardware's numbers mean where they are not the file's own.
        nearest_threshold: how near any integer that can come to a fitted quantizer comes to where its level changes, in
            steps; None without any. Those behind sums of two scales, and behind functions that are no lines in pieces,
            are not looked at.
        names: for each node of ``model`` what the network calls it, or the node that it was made of.
    """

    model: ModelWrapper
    original: ModelWrapper
    meant: ModelWrapper
    origins: dict[str, str]
    layouts: dict[str, Layout]
    names: dict[str, str]
    scales: Scales = field(default_factory=Scales)
    nearest_threshold: float | None = None

    @property
    def renamed(self) -> dict[str, str]:
        """Of those names the ones that a design can't have."""
        return {name: given for name, given in self.names.items() if name != given}

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the image."""
        height, width, channels = shape_of(self.model, only(self.model, "input"))[1:]
        return height, width, channels

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        height, width, channels = shape_of(self.model, only(self.model, "output"))[1:]
        return height, width, channels

    def to_original(self, images: np.ndarray) -> np.ndarray:
        """Images (batch, height, width, channels) in the order of axes that ``original`` takes."""
        return self.as_original(only(self.original, "input"), images)

    def as_original(self, tensor: str, values: np.ndarray) -> np.ndarray:
        """Values (batch, height, width, channels) in the order of axes that a tensor of ``original`` has."""
        logical = values.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(logical.transpose(np.argsort(self.layouts[tensor])))

    def from_original(self, tensor: str, values: np.ndarray) -> np.ndarray:
        """A tensor of ``original``, with a batch axis, as (batch, height, width, channels)."""
        logical = values.transpose(self.layouts[tensor])
        return np.ascontiguousarray(logical.transpose(0, 2, 3, 1))


def as_meant(graph: ModelWrapper) -> ModelWrapper:
    """The network in the one form that the legality check reads, whichever way its file puts it.

    Raises:
        ConfigurationError: the graph is malformed, leaves shapes open or is too large.
    """
    return absorb_padding(plain_classes(drop_identities(plain_nodes(linear_quantizers(tidy(graph))))))


#: What a design can send: what the network computes, or the class of each pixel.
OUTPUTS = ("logits", "mask")


def ingest(graph: ModelWrapper, output: str = "logits") -> HardwareGraph:
    """Check a QONNX graph and bring it into the one form that the rest of the package reads.

    Args:
        graph: the network.
        output: one of :data:`OUTPUTS`; a mask holds the largest channel, or 1 where a single one is positive.

    Raises:
        ConfigurationError: no such output; the graph is malformed, leaves shapes open or is too large.
        IllegalGraphError: a node can't be built exactly; says which, why, and what to do.
    """
    if output not in OUTPUTS:
        raise ConfigurationError(f"There is no output {output!r}; use {' or '.join(OUTPUTS)}.")
    channels_last_ops.register()
    original = as_meant(graph)
    if output == "mask":
        original = drop_probabilities(original)
    tabulated = tabulate(original)
    try:
        check_legal(tabulated)
        passed = _passed(tabulated, output)
    except IllegalGraphError as error:
        raise all_reasons(tabulated, error.violations, lambda mended: _passed(mended, output)) from error
    original = linked(explicit_attributes(original))
    return HardwareGraph(linked(passed.model), original, linked(passed.meant), passed.origins, layouts_of(original),
                         passed.names, passed.scales, passed.nearest_threshold)


class _Passed(NamedTuple):
    """What the passes behind the legality check give; see :class:`HardwareGraph`."""

    model: ModelWrapper
    meant: ModelWrapper
    origins: dict[str, str]
    names: dict[str, str]
    scales: Scales
    nearest_threshold: float | None


def _passed(tabulated: ModelWrapper, output: str) -> _Passed:
    meant = explicit_attributes(tabulated)
    absorbed = absorb_scales(meant, output)
    relabelled = channels_last(lower_nodes(absorbed.model))
    model, origins, names = name_nodes(with_classes(relabelled.model) if output == "mask" else relabelled.model)
    model, nearest = fit_scales(model, absorbed.plans, names)
    # What passes make of a node may be more than the node: a Concat of many becomes a chain.
    check_sizes(model)
    return _Passed(model, meant, origins, names, absorbed.scales, nearest)
