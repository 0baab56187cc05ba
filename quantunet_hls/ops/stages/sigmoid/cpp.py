"""hls4ml's sigmoid: a table in block RAM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import CppNode, StageCpp
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.qonnx.graph import shape_of
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_TYPE, Sigmoid

__all__ = ["FACET", "SigmoidModule"]


@dataclass(frozen=True)
class SigmoidModule(Module):
    """A table of 1,024 entries, of so many channels a pixel.

    Its costs are fitted to one repository; modules of others are off by at most 5.2 %.
    """

    kind = "sigmoid"
    lut_costs: ClassVar[Mapping[str, float]] = {"sigmoids": 199}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {"channels": (1, 1)}

    channels: int

    @property
    def quantities(self) -> Mapping[str, int]:
        """Channels."""
        return {"channels": self.channels}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """A table for each channel."""
        return {"sigmoids": self.channels}

    @property
    def memory_blocks(self) -> int:
        """A block for each channel."""
        return self.channels


def _configure(model: ModelWrapper, node: NodeProto, _reuse: int, config: dict[str, Any]) -> None:
    config["TableSize"] = shape_of(model, node.input[1])[0]
    config["Precision"]["table"] = str(SIGMOID_TYPE)


def _prepare(_model: ModelWrapper, node: NodeProto) -> None:
    """hls4ml computes the table itself."""
    del node.input[1:]


def _module(_stage: Sigmoid, cpp: CppLayer) -> SigmoidModule:
    return SigmoidModule(cpp.inputs[0].shape.channels)


FACET = StageCpp(_module, nodes={"Sigmoid": CppNode(_configure, _prepare)})
