"""Convolutions in C++: strategy, loop, and what Vitis HLS makes of hls4ml's own of strategy Resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.folding.actors import Actor
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.convolution.window_convolution import WINDOW_CONVOLUTION, prepare
from quantunet_hls.ops.cpp.design import CppLayer
from quantunet_hls.ops.cpp.facet import CppNode, LayerCpp
from quantunet_hls.ops.cpp.loops import window_loop, window_rows
from quantunet_hls.ops.cpp.modules import Module, rom_blocks
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.ops.window import Window
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET", "ConvolutionModule", "line_buffer_luts"]

#: LUTs for each value of a window: two multiplexers of two inputs, as the module's report lists them. (The only one
#: with more than 125 values, a dense layer with 726, has three inputs and 26 LUTs; it is in no fit.)
_VALUE = 18
#: LUTs of a multiplexer that chooses one of n values of b bits, 17 + n b 2/3: 217 for 50 values of 6 bits.
_CHOICE, _CHOICE_BIT = 17, 2 / 3
#: LUTs of a product by the bits of its factors: 26 for 6 by 6.
_PRODUCT_BIT = 26 / 36
#: LUTs of an adder beyond its bits: 26 for 19 bits.
_ADDER = 7
#: LUTs of a line buffer for each value of its windows but the newest, and for each row that it holds: exact in all
#: reports of 2 to 5 rows, of 5 to 256 pixels and of 6 to 16 bits.
_HELD, _ROW = 9, 23

#: A factor of more bits makes a product by itself a DSP block's: 16 by 5 bits is one, 10 by 10 bits is none.
_WIDEST_SOFT_FACTOR = 10


@dataclass(frozen=True)
class ConvolutionModule(Module):
    """A convolution of strategy Resource in ``io_stream``.

    Its costs are fitted to three designs of one repository (Vitis HLS 2024.2, activations of 6 and 8 bits, weights
    of 6): ``controls`` are loops over an image around the products, ``multipliers`` modules that multiply, whatever
    they have, ``filters`` sums that are kept, ``turning`` modules in which filters take turns. Modules of other
    repositories are off by at most 10.4 %.

    Attributes:
        kernel: rows and columns.
        channels: of a pixel that comes in.
        filters: channels of a pixel that goes out.
        reuse: cycles that a pixel takes on the multipliers.
        input: type of a pixel's channel.
        weight: type of the weights.
        accumulator: type of the sums.
        line: pixels of a row of the image, padding included.
    """

    kind = "convolution"
    lut_costs: ClassVar[Mapping[str, float]] = {"controls": 614, "multipliers": 95.7, "filters": 17, "turning": 198}
    ranges: ClassVar[Mapping[str, tuple[int, int]]] = {
        "kernel rows": (3, 5), "values of a window": (9, 125), "filters": (1, 7), "reuse factor": (25, 252),
        "products a cycle": (1, 10), "products a cycle and filter": (1, 5), "bits of the input": (6, 16),
        "bits of the weights": (6, 10), "pixels of a row": (5, 256)}

    kernel: tuple[int, int]
    channels: int
    filters: int
    reuse: int
    input: FixedType
    weight: FixedType
    accumulator: FixedType
    line: int

    @property
    def inputs(self) -> int:
        """Values of a window."""
        return self.kernel[0] * self.kernel[1] * self.channels

    @property
    def groups(self) -> int:
        """Products of a filter in a cycle; 1 where a filter has none in some cycles."""
        return max(1, self.inputs // self.reuse)

    @property
    def turns(self) -> int:
        """Filters that take turns on the same multipliers."""
        return max(1, self.reuse // self.inputs)

    @property
    def products(self) -> int:
        """Products in a cycle: hls4ml's ``block_factor``."""
        return -(-self.inputs * self.filters // self.reuse)

    @property
    def quantities(self) -> Mapping[str, int]:
        """What an estimate depends on, by name."""
        return {"kernel rows": self.kernel[0], "values of a window": self.inputs, "filters": self.filters,
                "reuse factor": self.reuse, "products a cycle": self.products,
                "products a cycle and filter": self.groups, "bits of the input": self.input.width,
                "bits of the weights": self.weight.width, "pixels of a row": self.line}

    @property
    def lut_parts(self) -> Mapping[str, float]:
        """Without a line buffer nothing is known of the loop around the products but that there is one."""
        return {"controls": 1, **self.product_parts}

    @property
    def product_parts(self) -> Mapping[str, float]:
        """What is fitted of its products alone: the module that HLS names after ``dense_resource``."""
        return {"multipliers": 1, "filters": self.filters, "turning": self.turns > 1 or self.reuse > self.inputs}

    @property
    def structural_luts(self) -> float:
        """Choices of values, products, adders, line buffer."""
        buffer = line_buffer_luts(self.kernel, self.channels) if self.kernel[0] > 1 else 0
        return self.product_luts + buffer

    @property
    def product_luts(self) -> float:
        """The same of its products alone."""
        luts = _VALUE * self.inputs + self.groups * _CHOICE + _CHOICE_BIT * self.inputs * self.input.width
        alone = self.products - self._in_adders
        if not self._wide:
            luts += alone * self.input.width * self.weight.width * _PRODUCT_BIT
        luts += alone * (self.accumulator.width + _ADDER)
        if self.reuse > self.inputs:
            luts += self.products * self.accumulator.width * (2 * self.turns - 1)
        return luts

    @property
    def dsp_blocks(self) -> int:
        """Products that are one with a sum, and all of them where a factor is wide.

        A product and the sum behind it become one DSP block (``mac_muladd``) however
        narrow they are (6 by 3 bits is among those reported), unless the sum drops bits
        of the product.
        """
        return self.products if self._wide else self._in_adders

    @property
    def memory_blocks(self) -> int:
        """Weights, which are constants where there is one word of them."""
        return rom_blocks(self.reuse, self.products * self.weight.width) if self.reuse > 1 else 0

    @property
    def _wide(self) -> bool:
        return max(self.input.width, self.weight.width) > _WIDEST_SOFT_FACTOR

    @property
    def _in_adders(self) -> int:
        """Products that are one with the adder behind them."""
        if self.accumulator.fraction < self.input.fraction + self.weight.fraction:
            return 0
        return _fused(self.groups) * (self.products // self.groups)


def line_buffer_luts(kernel: tuple[int, int], channels: int) -> int:
    """LUTs of a line buffer with its window."""
    rows, columns = kernel
    return channels * (_HELD * (rows * columns - 1) + _ROW * (rows - 1))


@lru_cache(maxsize=1024)
def _fused(products: int) -> int:
    """Of so many products that are summed, those that are one with an adder: of each pair of a balanced tree one."""
    return 1 if products == 1 else _fused_in_tree(products)


@lru_cache(maxsize=1024)
def _fused_in_tree(products: int) -> int:
    if products == 1:
        return 0
    low, high = products // 2, products - products // 2
    return _fused_in_tree(low) + _fused_in_tree(high) + (low == 1)


def _configure(_model: ModelWrapper, node: NodeProto, reuse: int, config: dict[str, Any]) -> None:
    # hls4ml 1.3.0's resource strategy reorders a depthwise layer's weights as if it had one filter,
    # without a word; the latency strategy leaves them, and its kernel shares multipliers as well.
    config |= {"ReuseFactor": reuse, "Strategy": "Resource" if attribute(node, "group") == 1 else "Latency"}


def _actor(layer: Convolution, cpp: CppLayer) -> Actor:
    rows, columns = layer.weights.shape[:2]
    if layer.any_window:
        return window_rows(cpp, layer.shape, Window((rows, columns), layer.stride, layer.padding, layer.dilation),
                           cpp.reuse)
    return window_loop(cpp, (rows, columns), layer.stride)


def _module(layer: Convolution, cpp: CppLayer) -> ConvolutionModule | None:
    if layer.depthwise or layer.any_window or layer.strategy != "resource":
        return None
    assert cpp.weight is not None, "a convolution has weights"
    rows, columns, channels, filters = layer.weights.shape
    image = cpp.inputs[0]
    return ConvolutionModule((rows, columns), channels, filters, cpp.reuse, image.type, cpp.weight, layer.accumulator,
                             image.shape.width)


FACET = LayerCpp(_actor, _module, nodes={"Conv": CppNode(_configure, prepare)}, added=(WINDOW_CONVOLUTION,))
