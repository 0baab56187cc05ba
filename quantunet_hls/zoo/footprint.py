"""What a network takes: parameters, operations, widths and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from quantunet_hls.nets import QuantUNet
from quantunet_hls.nets.sizes import layer_sizes

__all__ = ["Footprint", "footprint"]

_FLOAT_BITS = 32
_LARGEST = 10**18

Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
Mean = Annotated[float, Meta(ge=0, le=_LARGEST)]


@dataclass(frozen=True)
class Footprint:
    """What a network takes, BatchNorm folded.

    Attributes:
        parameters: weights and biases of all convolutions.
        macs: multiplications for one image.
        bit_operations: every multiplication counted as the product of its two widths (32 each in float).
        weight_bits: mean width of a weight over all weights, first layer and head included.
        weight_bits_by_layer: mean of the layers' weight widths, every layer alike.
        activation_bits: mean width of a value between layers, over all such values of one image,
            the input port included; the logits have no quantizer and don't count.
        activation_bits_by_layer: mean of the widths of these tensors, each alike.
        size_bytes: all weights and biases at their widths, packed, rounded up.
        times_smaller: how often that goes into the same parameters in float32.
    """

    parameters: Count
    macs: Count
    bit_operations: Count
    weight_bits: Mean
    weight_bits_by_layer: Mean
    activation_bits: Mean
    activation_bits_by_layer: Mean
    size_bytes: Count
    times_smaller: Mean


def footprint(net: QuantUNet, height: int, width: int) -> Footprint:
    """Size, operations and widths of a network on images of this size in pixels."""
    config = net.config
    sizes = layer_sizes(config, height, width)

    def bits(count: int) -> int:
        return count if config.quantized else _FLOAT_BITS

    def input_bits(name: str) -> int:
        source = config.source_of(name)
        return bits(config.widths_of(source).activation if source else config.input_bits)

    weight_bits = {name: bits(config.widths_of(name).weight) for name in sizes}
    # An upsampling branch shares the quantizer of the skip that it is concatenated with; the logits have none.
    value_bits = {
        name: bits(config.widths_of(config.activation_owner(name)).activation) for name in sizes if name != "head"
    }
    image = config.in_channels * height * width
    weights = sum(size.weights for size in sizes.values())
    values = image + sum(sizes[name].values for name in value_bits)
    weights_packed = sum(weight_bits[name] * size.weights for name, size in sizes.items())
    biases_packed = sum(bits(config.widths_of(name).bias) * size.outputs for name, size in sizes.items())
    values_packed = bits(config.input_bits) * image + sum(
        width * sizes[name].values for name, width in value_bits.items()
    )
    parameters = weights + sum(size.outputs for size in sizes.values())
    packed = -(-(weights_packed + biases_packed) // 8)
    tensors = [bits(config.input_bits), *value_bits.values()]
    return Footprint(
        parameters=parameters,
        macs=sum(size.macs for size in sizes.values()),
        bit_operations=sum(size.macs * weight_bits[name] * input_bits(name) for name, size in sizes.items()),
        weight_bits=weights_packed / weights,
        weight_bits_by_layer=sum(weight_bits.values()) / len(weight_bits),
        activation_bits=values_packed / values,
        activation_bits_by_layer=sum(tensors) / len(tensors),
        size_bytes=packed,
        times_smaller=4 * parameters / packed,
    )
