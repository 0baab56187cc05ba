"""Running a legal QONNX graph and keeping every tensor.

qonnx runs graphs in single precision, which holds sums of products exactly only
up to 2**24 steps: two quantizers of 12 bits are enough to leave that. So what
each operator of a legal graph means is said again in its room, in double precision,
where the widest types that :mod:`quantunet_hls.types` admits are exact.
"""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ingest.limits import check_run
from quantunet_hls.ops.qonnx.graph import only
from quantunet_hls.ops.qonnx.node_kinds import kind_of

__all__ = ["run_graph", "run_node"]



def run_graph(model: ModelWrapper, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor that the graph computes, for a batch of images in the graph's own layout.

    Images are rounded to single precision, as QONNX takes them; everything behind
    them is computed in double precision.

    Raises:
        ConfigurationError: the tensors of so many images are too large together.

    Returns:
        For the input and every node output that depends on it an array whose first axis counts the images.
    """
    check_run(model, len(images))
    image = only(model, "input")
    constants = {entry.name: np.asarray(model.get_initializer(entry.name)) for entry in model.graph.initializer}
    tensors = {image: np.asarray(images, dtype=np.float32).astype(np.float64)}
    for node in model.graph.node:
        inputs = [tensors[name] if name in tensors else constants[name] for name in node.input]
        result = run_node(node, inputs)
        place = tensors if any(name in tensors for name in node.input) else constants
        place[node.output[0]] = result
    return tensors


def run_node(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """What one node of a legal graph computes from its inputs, constants among them, in double precision."""
    return kind_of(node).run(node, inputs)
