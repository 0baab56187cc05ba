"""hls4ml's ReLU, which rounds and saturates to its result's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import CppNode, StageCpp
from quantunet_hls.ops.cpp.modules import Module
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, consumers
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "ReluModule"]


@dataclass(frozen=True)
class ReluModule(Module):
    """A ReLU that rounds and saturates to its result's type, of so many channels a pixel.

    Its costs are fitted to four repositories: ``lanes`` are its channels, ``compared`` bits of these that come in,
    ``rounded`` and ``limited`` channels that are rounded and that can saturate. Modules of other repositories are
    off by at most 23.5 %.
    """

    kind = "relu"
    lut_costs: ClassVar[Mapping[str, float]] = {
        "relus": 94.2, "lanes": 7.72, "compared": 1.4, "rounded": 38.7, "limited": 32.3}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {
        "channels": (2, 64), "bits of the input": (16, 42), "bits of the result": (6, 24)}

    channels: int
    input: FixedType
    result: FixedType

    @property
    def quantities(self) -> Mapping[str, int]:
        """What an estimate depends on, by name."""
        return {"channels": self.channels, "bits of the input": self.input.width,
                "bits of the result": self.result.width}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """Rounding and saturation cost where there is something to round and to saturate."""
        rounds = self.result.rounding != "TRN" and self.result.fraction < self.input.fraction
        limits = self.result.saturation != "WRAP" and _magnitude(self.result) < _magnitude(self.input)
        return {"relus": 1, "lanes": self.channels, "compared": self.channels * self.input.width,
                "rounded": self.channels * rounds, "limited": self.channels * limits}


def _magnitude(kind: FixedType) -> int:
    return kind.integer - kind.signed


def _configure(model: ModelWrapper, node: NodeProto, _reuse: int, config: dict[str, Any]) -> None:
    """In front of nothing but a quantizer the result is left to hls4ml.

    It then lets the ReLU itself round and saturate to the quantizer's type.
    """
    readers = consumers(model, node.output[0])
    if len(readers) == 1 and readers[0].op_type in QUANT_OPS:
        config["Precision"]["result"] = "auto"


def _module(stage: Relu, cpp: CppLayer) -> ReluModule:
    (image,) = cpp.inputs
    return ReluModule(image.shape.channels, image.type, stage.type)


FACET = StageCpp(_module, nodes={"Relu": CppNode(configure=_configure)})
