"""Running a QONNX graph and keeping every tensor."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from quantunet_hls.ingest.graph import only

__all__ = ["run_graph"]


def run_graph(model: ModelWrapper, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor that the graph computes, for a batch of images in the graph's own layout.

    The graph has a batch of one; images run one by one, in single precision, as
    qonnx executes any graph.

    Returns:
        For the input and every node output an array whose first axis counts the images.
    """
    image = only(model, "input")
    wanted = [image, *(node.output[0] for node in model.graph.node)]
    runs = []
    for one in images:
        context = execute_onnx(model, {image: np.ascontiguousarray(one[None], dtype=np.float32)}, True)
        runs.append({name: context[name][0] for name in wanted})
    return {name: np.stack([run[name] for run in runs]) for name in wanted}
