"""Normalization by each image's own statistics, which a stream of pixels can't have, and what it becomes when frozen.

Instance and group normalization take mean and variance of the image that they are at, which are known behind its last
pixel. Frozen, a channel gets a factor and an addend for all images: those that come nearest, in a least-squares sense,
to what the normalization makes of calibration images. One after the other, each on what the frozen ones before it give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor

from quantunet_hls.core.errors import IllegalGraphError, together
from quantunet_hls.ops.qonnx.graph import LinkedModel, consumers, copy_of, linked, replace_nodes
from quantunet_hls.quantize.affine import Affine, affine_node
from quantunet_hls.quantize.run import run_float

__all__ = ["Normalizing", "check_statistics", "freeze_statistics", "statistics_of", "why_not_frozen"]

_NORMALIZATIONS = ("InstanceNormalization", "GroupNormalization")


@dataclass(frozen=True)
class Normalizing:
    """Where a graph normalizes by each image's statistics.

    Attributes:
        name: of the node.
        source: the image (four axes) that it reads.
        result: the image that it gives.
        written: what its nodes write, all but the last of which nobody else reads.
    """

    name: str
    source: str
    result: str
    written: frozenset[str]


def statistics_of(model: ModelWrapper) -> list[Normalizing]:
    """All places that can be frozen, in graph order.

    Group normalization as older exporters write it, an instance normalization of reshaped channels, is one of them.
    """
    model, found = linked(model), []
    for node in model.graph.node:
        if node.op_type not in _NORMALIZATIONS:
            continue
        nodes = [node]
        if len(model.get_tensor_shape(node.input[0]) or ()) != 4:
            before, after = model.find_producer(node.input[0]), consumers(model, node.output[0])
            nodes = [before, node, *after] if before is not None else []
        if _keeps_shape(model, nodes):
            found.append(Normalizing(str(node.name), str(nodes[0].input[0]), str(nodes[-1].output[0]),
                                     frozenset(name for one in nodes for name in one.output)))
    return found


def _keeps_shape(model: LinkedModel, nodes: list[NodeProto]) -> bool:
    """Whether it is a normalization of an image, alone or between two nodes that reshape it."""
    if [one.op_type for one in nodes if one.op_type not in _NORMALIZATIONS] not in ([], ["Reshape", "Reshape"]):
        return False
    shapes = [model.get_tensor_shape(name) for name in (nodes[0].input[0], nodes[-1].output[0])] if nodes else []
    return bool(shapes) and shapes[0] == shapes[1] and len(shapes[0] or ()) == 4 and all(
        len(consumers(model, one.output[0])) == 1 for one in nodes[:-1])


def check_statistics(model: ModelWrapper) -> None:
    """Refuse them.

    Raises:
        IllegalGraphError: names them.
    """
    places = statistics_of(model)
    if places:
        raise together([why_not_frozen(place) for place in places])


def why_not_frozen(place: Normalizing) -> IllegalGraphError:
    """What is said of one that is not to be frozen."""
    return IllegalGraphError(
        place.name, "it normalizes by mean and variance of the very image, which a stream of pixels knows too late",
        "train the network with BatchNorm2d, or freeze them to the calibration images': quantunet-hls quantize "
        "MODEL --data DIR --freeze-statistics, which costs accuracy")


def freeze_statistics(model: ModelWrapper, images: Tensor) -> ModelWrapper:
    """The network with batch normalization in their places.

    Args:
        model: a float network, channels first.
        images: to freeze them with, float32 (N, channels, height, width).
    """
    given, model = model, copy_of(model)
    for place in statistics_of(given):
        (wanted,), (read,) = (run_float(*what, images) for what in ((given, [place.result]), (model, [place.source])))
        affine = _nearest(read, wanted)
        nodes: list[NodeProto] = []
        for node in model.graph.node:
            if node.output[0] == place.result:
                nodes.append(affine_node(model, affine, place.source, place.result, place.name))
            elif node.output[0] not in place.written:
                nodes.append(node)
        replace_nodes(model, nodes)
    return model


def _nearest(read: np.ndarray, wanted: np.ndarray) -> Affine:
    """Factor and addend of each channel that bring one (N, channels, rows, columns) nearest to the other."""
    axes = (0, 2, 3)
    read, wanted = read.astype(np.float64), wanted.astype(np.float64)
    mean, aim = read.mean(axes), wanted.mean(axes)
    around = read - mean[:, None, None]
    variance = (around**2).mean(axes)
    together = (around * (wanted - aim[:, None, None])).mean(axes)
    factors = np.divide(together, variance, out=np.zeros_like(together), where=variance > 0)
    return Affine(factors, aim - mean * factors)
