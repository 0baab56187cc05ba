"""From a typed graph to a project that hls4ml writes."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hls4ml
from hls4ml.model.graph import ModelGraph
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.hls.added_layers import added
from quantunet_hls.hls.mends import mended
from quantunet_hls.hls.mends.resize_shape_1268 import with_factors
from quantunet_hls.ingest.passes.phases import in_phases
from quantunet_hls.ingest.ranges import GraphTypes
from quantunet_hls.ops.cpp.design import CppDesign
from quantunet_hls.ops.cpp.facet import cpp_nodes
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, consumers, copy_of, only
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["HlsSettings", "convert", "convert_layers", "layer_config", "prepared", "traced_tensors", "write_project"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HlsSettings:
    """What hls4ml is told besides the network and its types.

    Attributes:
        name: project and top function.
        part: with package and speed grade.
        clock_ns: target period in ns.
        backend: "Vitis" or "Vivado".
        reuse: for each convolution how many cycles a pixel takes on its multipliers; 1 where absent.
    """

    name: str
    part: str
    clock_ns: float
    backend: str
    reuse: Mapping[str, int]


def layer_config(model: ModelWrapper, types: GraphTypes, reuse: Mapping[str, int]) -> dict[str, Any]:
    """hls4ml's configuration, layer by layer, under the graph's node names."""
    layers: dict[str, Any] = {
        only(model, "input"): {"Precision": {"result": str(types.image)}, "Trace": True}
    }
    for node in model.graph.node:
        kinds = types.layers[node.name]
        precision = {"result": str(kinds.result)}
        for role, kind in (("accum", kinds.accumulator), ("weight", kinds.weight), ("bias", kinds.bias)):
            if kind is not None:
                precision[role] = str(kind)
        layers[node.name] = {"Precision": precision, "Trace": True}
        told = cpp_nodes().get(node.op_type)
        if told is not None and told.configure is not None:
            told.configure(model, node, reuse.get(node.name, 1), layers[node.name])
    return layers


def convert(model: ModelWrapper, types: GraphTypes, settings: HlsSettings, folder: Path) -> ModelGraph:
    """hls4ml's graph of a legal channels-last network, streaming, not yet written.

    Raises:
        QuantUNetError: hls4ml refuses what the legality check let through.
    """
    built, kinds = in_phases(model, types)
    return convert_layers(built, layer_config(built, kinds, settings.reuse), settings, folder)


def convert_layers(model: ModelWrapper, layers: dict[str, Any], settings: HlsSettings, folder: Path) -> ModelGraph:
    """The same with hls4ml's configuration of the layers given as it is (see :func:`layer_config`).

    Raises:
        QuantUNetError: hls4ml refuses it.
    """
    config = {
        "Model": {"Precision": {"default": "fixed<16,6>"}, "ReuseFactor": 1, "Strategy": "Resource"},
        "LayerName": layers,
    }
    with mended(settings.backend), added(settings.backend), _logged():
        try:
            return hls4ml.converters.convert_from_onnx_model(
                with_factors(prepared(model)).model,
                output_dir=str(folder),
                project_name=settings.name,
                backend=settings.backend,
                hls_config=config,
                io_type="io_stream",
                part=settings.part,
                clock_period=settings.clock_ns,
            )
        except Exception as error:  # hls4ml raises bare Exceptions
            raise QuantUNetError(f"hls4ml can't convert the network: {error}.") from error


def prepared(model: ModelWrapper) -> ModelWrapper:
    """A copy for hls4ml's eyes only: constants that it would take for layers are attributes, or gone."""
    model = copy_of(model)
    for node in model.graph.node:
        told = cpp_nodes().get(node.op_type)
        if told is not None and told.prepare is not None:
            told.prepare(model, node)
    return model


def write_project(graph: ModelGraph) -> None:
    """Write hls4ml's project into the folder it was converted for.

    Raises:
        QuantUNetError: hls4ml or the file system fails.
    """
    # The sources then hold a hook behind each layer, which synthesis does not see and the bench switches on.
    graph.config.trace_output = True
    with mended(graph.config.backend.name), added(graph.config.backend.name), _logged():
        try:
            graph.write()
        except OSError as error:
            raise QuantUNetError(
                f"The project can't be written to {graph.config.get_output_dir()} ({error.strerror or error}); "
                "free some space or name another folder."
            ) from error


def traced_tensors(model: ModelWrapper, design: CppDesign) -> dict[str, str]:
    """For each function of its C++ that computes something, the tensor of ``model`` that it must equal.

    Layers that only feed others (input port, padding, forks) are left out, and means that are no fixed-point
    numbers, which hls4ml cuts where the quantizer behind them no longer notices.
    """
    known = {node.output[0] for node in model.graph.node}
    traced = {}
    for layer in design.layers:
        tensor = layer.tensor
        if tensor not in known or not layer.inputs:
            continue
        # Where hls4ml let a layer do the rounding of the quantizer behind it, the layer is that quantizer.
        readers = consumers(model, tensor)
        while len(readers) == 1 and readers[0].op_type in QUANT_OPS and readers[0].output[0] not in design.by_tensor:
            tensor = readers[0].output[0]
            readers = consumers(model, tensor)
        producer = model.find_producer(tensor)
        if kind_of(producer).exact(producer):
            traced[layer.name] = tensor
    return traced


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """hls4ml prints; here its lines go to the log."""
    out = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(out):
            warnings.simplefilter("ignore")
            yield
    finally:
        for line in out.getvalue().splitlines():
            _log.debug("hls4ml: %s", line)
