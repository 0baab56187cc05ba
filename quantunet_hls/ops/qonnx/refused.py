"""Operators that have no room: why, and what to use in their place.

Whoever gives one a room takes it from this list. What another room's operator can't do stands in that room's rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantunet_hls.ops.qonnx.linear import QDQ_FORM

__all__ = ["PROBABILITIES", "REFUSED", "Refusal"]


@dataclass(frozen=True)
class Refusal:
    """What there is to say of an operator that can't be built.

    Attributes:
        rule: goes on from "operator NAME".
        remedy: that works when it is followed.
    """

    rule: str
    remedy: str


def _all(op_types: str, rule: str, remedy: str) -> dict[str, Refusal]:
    return dict.fromkeys(op_types.split(), Refusal(rule, remedy))


#: Functions of all channels that keep their order.
PROBABILITIES = ("Softmax", "LogSoftmax", "Hardmax")

_NOT_EXACT = "can't be built exactly in hardware"

#: By op type.
REFUSED: Mapping[str, Refusal] = {
    **_all("InstanceNormalization GroupNormalization LayerNormalization RMSNormalization MeanVarianceNormalization "
           "LpNormalization LRN",
           "takes its statistics from the image that comes, which are known only behind its last pixel",
           "train with batch normalization (nn.BatchNorm2d) in its place, whose statistics are constants"),
    **_all("ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceProd ReduceSumSquare ReduceLogSum "
           "ReduceLogSumExp", "brings a whole image or all of its channels together",
           "use average or max pooling, or a convolution, and for an InstanceNorm or LayerNorm nn.BatchNorm2d"),
    "MaxUnpool": Refusal("needs to know where maxima lay", "use nearest upsampling (nn.Upsample(scale_factor=2))"),
    **_all("Gemm MatMul MatMulInteger QLinearMatMul Einsum", "multiplies matrices, and no images",
           "use a convolution of 1 x 1 (nn.Conv2d(channels, outputs, 1)), which is the same at every pixel"),
    **_all(" ".join(PROBABILITIES), "shares one among all channels",
           "export the logits, or ask for the largest class (--output mask), for which one over the channels at the "
           "network's end is left out"),
    **_all("LSTM GRU RNN", "goes over an image again and again", "use convolutions in its place"),
    **_all("Reshape Flatten Squeeze Unsqueeze Expand Tile", "brings an image into another shape",
           "keep batch, channels, height and width from layer to layer"),
    **_all("Gather GatherElements GatherND", "takes an image's channels or pixels apart",
           "slice neighbours (x[:, :8]), or give each part a convolution of its own"),
    **_all("GreaterOrEqual Less LessOrEqual Equal", "is not the comparison that there is",
           "compare with Greater, at the network's end"),
    **_all("Cast CastLike", "gives what is no float32 number",
           "export the network in float32, with casts of classes at its end only"),
    "Dropout": Refusal("leaves values out at random", "export the network in eval mode"),
    **_all("RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial",
           "gives random numbers", "export the network in eval mode"),
    "MaxRoiPool": Refusal(_NOT_EXACT, "use MaxPool"),
    **_all("ConvInteger QLinearConv DynamicQuantizeLinear", "computes integers with scales of its own", QDQ_FORM),
    "FloatQuant": Refusal("rounds to small floats", "quantize to integers (Brevitas's Int and Uint quantizers)"),
    "MultiThreshold": Refusal(_NOT_EXACT, "export with brevitas.export.export_qonnx, before FINN's streamlining"),
}
