"""Float graphs as ONNX Runtime computes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor, nn

from quantunet_hls.ops.qonnx.graph import copy_of, only

__all__ = ["FloatModule", "run_float"]


class FloatModule(nn.Module):
    """A float network, for whoever scores modules."""

    def __init__(self, model: ModelWrapper):
        super().__init__()
        self._model = model
        self._session = _session(model)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Results of images (N, ...)."""
        return torch.from_numpy(_run(self._session, self._model, images)[0])


def run_float(model: ModelWrapper, tensors: Sequence[str], images: Tensor) -> list[np.ndarray]:
    """Some tensors of a graph, for images (N, ...)."""
    model = copy_of(model)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tensors)
    return _run(_session(model), model, images)


def _session(model: ModelWrapper) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, model: ModelWrapper, images: Tensor) -> list[np.ndarray]:
    """One by one, for a graph is of one image."""
    values = images.detach().cpu().numpy().astype(np.float32)
    parts = [session.run(None, {only(model, "input"): one[None]}) for one in values]
    return [np.concatenate([np.asarray(part[place]) for part in parts]) for place in range(len(parts[0]))]
