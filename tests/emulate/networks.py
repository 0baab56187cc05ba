"""Random hls4ml models of every layer kind, with random types, and their C-simulation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hls4ml.model.graph import ModelGraph

from quantunet_hls.hls.added_layers import added
from quantunet_hls.hls.convert import write_project
from quantunet_hls.hls.csim import CSimulation, compile_bench, simulate
from quantunet_hls.hls.testbench import Bench, write_bench
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, covering, parse_type


@dataclass
class Network:
    """A model under construction: hls4ml's layer list and its precisions."""

    random: np.random.Generator
    height: int
    width: int
    channels: int
    name: str = "net"
    backend: str = "Vitis"
    layers: list[dict[str, Any]] = field(default_factory=list)
    precisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: str = "image"
    types: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.input_shape = (self.height, self.width, self.channels)
        self.layers.append({"class_name": "Input", "name": "image", "input_shape": list(self.input_shape)})
        self.change_input(self.type(5, 12))

    def change_input(self, kind: str) -> None:
        self.type_of_input = self.types["image"] = kind
        self.precisions["image"] = {"Precision": {"result": kind}}

    def type(self, low: int = 2, high: int = 12, integer: tuple[int, int] = (0, 4), modes: bool = True) -> str:
        """A random type of ``low`` to ``high`` bits.

        The point lies within them: the ap_fixed headers that hls4ml ships abort where an assignment with
        rounding drops more bits than there are.
        """
        signed = bool(self.random.integers(4))
        width = int(self.random.integers(low, high + 1))
        whole = min(int(self.random.integers(*integer)) + signed, width)
        kind = "fixed" if signed else "ufixed"
        if not modes:
            return f"{kind}<{width},{whole}>"
        return f"{kind}<{width},{whole},{self.random.choice(ROUNDINGS)},{self.random.choice(SATURATIONS)}>"

    def add(self, kind: str, precision: dict[str, str], config: dict[str, Any] | None = None, **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self.layers)}"
        inputs = attributes.pop("inputs", [self.last])
        self.layers.append({"class_name": kind, "name": name, "inputs": inputs, "outputs": [name],
                            "data_format": "channels_last", **attributes})
        self.precisions[name] = {"Precision": precision, **(config or {})}
        self.types[name] = precision.get("result", "")
        self.last = name
        return name

    def convolve(self, filters: int, kernel: tuple[int, int] = (3, 3), stride: tuple[int, int] = (1, 1),
                 padding: tuple[int, int, int, int] = (1, 1, 1, 1), *, depthwise: bool = False, reuse: int = 1,
                 strategy: str = "Resource", accumulator: str | None = None, weight: str | None = None) -> None:
        shape = (*kernel, self.channels, 1 if depthwise else filters)
        weights = self.random.normal(0, 0.6, shape).astype(np.float32)
        precision, attributes = self._window(filters, kernel, stride, padding, (1, 1), accumulator, weight)
        attributes |= {"depthwise_data" if depthwise else "weight_data": weights, "use_bias": True,
                       "bias_quantizer": None}
        if depthwise:
            attributes |= {"depth_multiplier": 1, "depthwise_quantizer": None}
            precision["depthwise"] = precision.pop("weight")
        else:
            attributes |= {"weight_quantizer": None}
        self.add("DepthwiseConv2D" if depthwise else "Conv2D", precision,
                 {"ReuseFactor": reuse, "Strategy": strategy}, **attributes)
        self.height, self.width, self.channels = attributes["out_height"], attributes["out_width"], filters

    def convolve_groups(self, groups: int, filters: int, kernel: tuple[int, int] = (3, 3),
                        stride: tuple[int, int] = (1, 1), padding: tuple[int, int, int, int] = (1, 1, 1, 1),
                        dilation: tuple[int, int] = (1, 1), *, reuse: int = 1, accumulator: str | None = None) -> None:
        precision, attributes = self._window(filters, kernel, stride, padding, dilation, accumulator, None)
        weights = self.random.normal(0, 0.6, (filters, *kernel, self.channels // groups)).astype(np.float32)
        self.add("WindowConvolution", precision, {
            "ReuseFactor": reuse, "Strategy": "Resource" if groups == 1 else "Latency"}, weight_data=weights,
            groups=groups, **attributes)
        self.height, self.width, self.channels = attributes["out_height"], attributes["out_width"], filters

    def _window(self, filters: int, kernel: tuple[int, int], stride: tuple[int, int],
                padding: tuple[int, int, int, int], dilation: tuple[int, int], accumulator: str | None,
                weight: str | None) -> tuple[dict[str, str], dict[str, Any]]:
        """Precisions and attributes of a convolution."""
        top, bottom, left, right = padding
        height = (self.height + top + bottom - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
        width = (self.width + left + right - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
        if accumulator is None:
            # Half of them exact up to wrapping, half with modes of their own.
            accumulator = self.type(14, 26, (3, 6), modes=bool(self.random.integers(2)))
        precision = {"result": self.type(), "accum": accumulator, "weight": weight or self.type(3, 6, (0, 2)),
                     "bias": self.type(3, 9, (0, 2))}
        return precision, {
            "bias_data": self.random.normal(0, 0.6, filters).astype(np.float32),
            "in_height": self.height, "in_width": self.width, "n_chan": self.channels, "n_filt": filters,
            "filt_height": kernel[0], "filt_width": kernel[1], "stride_height": stride[0], "stride_width": stride[1],
            "dilation_height": dilation[0], "dilation_width": dilation[1], "out_height": height, "out_width": width,
            "pad_top": top, "pad_bottom": bottom, "pad_left": left, "pad_right": right}

    def activate(self, function: str, result: str | None = None, **attributes: Any) -> None:
        kind = "LeakyReLU" if function == "LeakyReLU" else "Activation"
        self.add(kind, {"result": result or self.type(), **attributes.pop("precision", {})},
                 activation=function, n_in=self.height * self.width * self.channels, **attributes)

    def pool(self, operation: str, window: tuple[int, int] = (2, 2), *, accumulator: str | None = None) -> None:
        height, width = self.height // window[0], self.width // window[1]
        self.add("Pooling2D", {"result": self.type(), "accum": accumulator or self.type(6, 16, (0, 5))},
                 pool_op=operation, pool_height=window[0], pool_width=window[1], stride_height=window[0],
                 stride_width=window[1], in_height=self.height, in_width=self.width, n_filt=self.channels,
                 out_height=height, out_width=width, pad_top=0, pad_bottom=0, pad_left=0, pad_right=0, count_pad=False)
        self.layers[-1]["class_name"] = "MaxPooling2D" if operation == "Max" else "AveragePooling2D"
        self.height, self.width = height, width

    def pad(self, top: int, bottom: int, left: int, right: int) -> None:
        height, width = self.height + top + bottom, self.width + left + right
        self.add("ZeroPadding2D", {"result": self.types[self.last]}, in_height=self.height, in_width=self.width,
                 out_height=height, out_width=width, n_chan=self.channels, pad_top=top, pad_bottom=bottom,
                 pad_left=left, pad_right=right)
        self.height, self.width = height, width

    def frame(self, sides: tuple[int, int, int, int], channels: tuple[int, int] = (0, 0)) -> None:
        top, bottom, left, right = sides
        height, width = self.height + top + bottom, self.width + left + right
        self.add("CropPad", {"result": self.types[self.last]}, in_height=self.height, in_width=self.width,
                 n_chan=self.channels, out_height=height, out_width=width, out_chan=self.channels + sum(channels),
                 pad_top=top, pad_bottom=bottom, pad_left=left, pad_right=right, pad_front=channels[0],
                 pad_back=channels[1])
        self.height, self.width, self.channels = height, width, self.channels + sum(channels)

    def blocks(self, block: int, *, pixelwise: bool) -> None:
        self.add("PixelBlocks", {"result": self.types[self.last]}, in_height=self.height, in_width=self.width,
                 n_chan=self.channels, block=block, pixelwise=int(pixelwise))
        self.height, self.width, self.channels = self.height * block, self.width * block, self.channels // block**2

    def resize(self, rows: int, columns: int) -> None:
        self.add("Resize", {"result": self.types[self.last]}, algorithm="nearest", in_height=self.height,
                 in_width=self.width, out_height=self.height * rows, out_width=self.width * columns,
                 n_chan=self.channels)
        self.height, self.width = self.height * rows, self.width * columns

    def interpolate(self, axis: int, size: int, start: int, step: int, parts: int, divisor: int, *,
                    accumulator: str | None = None) -> None:
        height, width = (size, self.width) if axis == 0 else (self.height, size)
        self.add("Interpolation", {"result": self.type(), "accum": accumulator or self.type(6, 16, (0, 5))},
                 in_height=self.height, in_width=self.width, out_height=height, out_width=width, n_chan=self.channels,
                 axis=axis, start=start, step=step, parts=parts, divisor=divisor)
        self.height, self.width = height, width

    def pool_windows(self, operation: str, window: tuple[int, int], stride: tuple[int, int],
                     padding: tuple[int, int, int, int], *, accumulator: str | None = None) -> None:
        top, bottom, left, right = padding
        height = (self.height + top + bottom - window[0]) // stride[0] + 1
        width = (self.width + left + right - window[1]) // stride[1] + 1
        self.add("WindowPooling", {"result": self.type(), "accum": accumulator or self.type(6, 16, (0, 5))},
                 pool_op=operation,
                 pool_height=window[0], pool_width=window[1], stride_height=stride[0], stride_width=stride[1],
                 in_height=self.height, in_width=self.width, n_filt=self.channels, out_height=height, out_width=width,
                 pad_top=top, pad_bottom=bottom, pad_left=left, pad_right=right)
        self.height, self.width = height, width

    def pool_whole(self, operation: str, *, accumulator: str) -> None:
        self.add("WholePooling", {"result": self.type(), "accum": accumulator}, pool_op=operation,
                 pool_height=self.height, pool_width=self.width, stride_height=self.height, stride_width=self.width,
                 in_height=self.height, in_width=self.width, n_filt=self.channels, out_height=1, out_width=1,
                 pad_top=0, pad_bottom=0, pad_left=0, pad_right=0)
        self.height = self.width = 1

    def spread(self, rows: int, columns: int, behind: int) -> None:
        height, width = (self.height - 1) * rows + 1 + behind, (self.width - 1) * columns + 1 + behind
        self.add("ZeroInsertion", {"result": self.types[self.last]}, in_height=self.height, in_width=self.width,
                 n_chan=self.channels, out_height=height, out_width=width, factor_height=rows, factor_width=columns)
        self.height, self.width = height, width

    def classify(self, limit: int, fraction: int) -> None:
        self.add("ClassIndex", {"result": "ufixed<2,2>"}, in_height=self.height, in_width=self.width,
                 n_chan=self.channels, limit=limit, limit_fraction=fraction)
        self.channels = 1

    def limit(self, result: str) -> None:
        """Two limits within the result's type, which holds all that comes in between."""
        kind = parse_type(result)
        low, high = np.sort(self.random.integers(kind.lowest, kind.high + 1, 2)).tolist()
        self.add("ValueLimits", {"result": result}, in_height=self.height, in_width=self.width, n_chan=self.channels,
                 low=low, high=high, fraction=kind.fraction)

    def look_up(self, result: str) -> None:
        """A table of random entries for all that comes, which takes at most 8 bits."""
        if parse_type(self.types[self.last]).width > 8:
            self.activate("linear", self.type(2, 8))
        given, kind = parse_type(self.types[self.last]), parse_type(result)
        self.add("ValueTable", {"result": result}, in_height=self.height, in_width=self.width, n_chan=self.channels,
                 first=given.low, fraction=given.fraction, probabilities=0,
                 entries=self.random.integers(kind.lowest, kind.high + 1, given.high - given.low + 1).tolist())

    def requantize(self, low: int, high: int, *, shift: int, fraction: int, half_even: int, factors: np.ndarray,
                   offsets: np.ndarray, splits: np.ndarray) -> None:
        kind = covering(low, high)
        self.add("Requantize", {"result": str(kind)}, in_height=self.height, in_width=self.width, n_chan=self.channels,
                 low=low, high=high, shift=shift, lines=len(factors), fraction=fraction, half_even=half_even,
                 **{name: np.ravel(numbers).tolist() for name, numbers in (
                     ("factors", factors), ("offsets", offsets), ("splits", splits))})

    def count_thresholds(self, low: int, thresholds: np.ndarray, falls: np.ndarray, *, fraction: int) -> None:
        """Thresholds (channels or 1, numbers), each row in order, and whether its levels fall."""
        kind = covering(low, low + thresholds.shape[1])
        self.add("MultiThreshold", {"result": str(kind)}, in_height=self.height, in_width=self.width,
                 n_chan=self.channels, low=low, fraction=fraction, probabilities=0,
                 thresholds=np.ravel(thresholds).tolist(), falls=falls.tolist())

    def multiply(self, image: str, shape: tuple[int, int, int], result: str) -> None:
        """An image of a shape by what came last, which has it as well, or one channel, one pixel, or both."""
        each_pixel, each_channel = (self.height, self.width) == shape[:2], self.channels == shape[2]
        self.height, self.width, self.channels = shape
        self.add("StreamProduct", {"result": result}, inputs=[image, self.last], in_height=self.height,
                 in_width=self.width, n_chan=self.channels, n_pixels=self.height * self.width,
                 each_pixel=int(each_pixel), each_channel=int(each_channel))

    def concatenate(self, other: str, channels: int) -> None:
        self.add("Concatenate", {"result": self.type()}, inputs=[other, self.last], axis=3, op="concatenate3d")
        self.channels += channels

    def build(self, folder: Path) -> ModelGraph:
        config = {
            "OutputDir": str(folder), "ProjectName": self.name, "Backend": self.backend, "IOType": "io_stream",
            "Part": "xczu7ev-ffvc1156-2-e", "ClockPeriod": 5.0,
            "HLSConfig": {"Model": {"Precision": {"default": "fixed<16,6>"}, "ReuseFactor": 1, "Strategy": "Resource"},
                          "LayerName": {name: {**entry, "Trace": True} for name, entry in self.precisions.items()}},
        }
        with warnings.catch_warnings(), added(self.backend):
            # It warns where a configured attribute differs from its default.
            warnings.simplefilter("ignore", UserWarning)
            return ModelGraph.from_layer_list(config, self.layers, ["image"], [self.last])


def random_network(seed: int) -> Network:
    """Every layer kind once, in a fixed order, with random shapes and types; odd seeds are Vivado's."""
    backend = "Vivado" if seed % 2 else "Vitis"
    random = np.random.default_rng(seed)
    network = Network(random, 8 + 4 * int(random.integers(2)), 8 + 4 * int(random.integers(3)),
                      int(random.integers(1, 4)), name=f"net{seed}", backend=backend)
    size = int(random.integers(2, 5))
    network.convolve(size, reuse=int(random.choice([1, 3, 9])))
    network.activate("relu")
    skip, skip_channels = network.last, network.channels
    network.pool("Max")
    network.convolve(network.channels, depthwise=True)
    network.activate("LeakyReLU", precision={"param": "fixed<16,6>"}, activ_param=float(random.choice([0.25, 0.1])))
    network.resize(2, 2)
    network.concatenate(skip, skip_channels)
    network.convolve(size, (1, 1), padding=(0, 0, 0, 0))
    network.activate("linear")
    network.pool("Average", (2, 2) if random.integers(2) else (1, 4))
    network.convolve(3, (3, 3), (2, 1), (1, 0, 0, 1), strategy=str(random.choice(["Resource", "Latency"])))
    network.activate("relu")
    # A window is two columns wide, and there may be but one left.
    network.pool_windows(str(random.choice(["Max", "Average"])), (3, 2), (int(random.integers(1, 3)), 1),
                         (int(random.integers(2)), 1, 0, max(int(random.integers(2)), 2 - network.width)))
    network.spread(2, int(random.integers(1, 4)), int(random.integers(3)))
    network.convolve(int(random.integers(1, 3)), (1, 3), padding=(0, 0, 1, 1))
    network.activate("sigmoid", precision={"table": "fixed<18,8>"})
    network.classify(int(random.integers(-40, 41)), 5)
    return network


def edge_images(network: Network, count: int) -> np.ndarray:
    """Random numbers around the input type, on and between its steps, and a third of them at its very ends.

    Those lie up to a step inside and outside of the smallest and the largest number, in quarters of a step.
    """
    random = network.random
    kind = parse_type(network.type_of_input)
    shape = (count, *network.input_shape)
    reach = 2.0 ** random.integers(-2, 4, shape)
    images = random.uniform(-1, 1, shape) * reach
    steps = np.round(images * 64) / 64
    ends = (random.choice([kind.low, kind.high], shape) + random.integers(-4, 5, shape) / 4) * kind.step
    return np.choose(random.integers(3, size=shape), [images, steps, ends])


def csimulate(model: ModelGraph, name: str, images: np.ndarray) -> CSimulation:
    """Write, compile and run hls4ml's C++, with a trace of every layer but the forks and paddings."""
    folder = Path(model.config.get_output_dir())
    write_project(model)
    sizes = {layer.name: int(np.prod(layer.get_output_variable().shape)) for layer in model.get_layers()
             if layer.class_name not in ("Input", "InputLayer", "Clone", "ZeroPadding2D")}
    (output,) = model.get_output_variables()
    shape = tuple(int(side) for side in output.shape)
    write_bench(Bench(name, int(np.prod(images.shape[1:])), int(np.prod(shape)), sizes), folder)
    compile_bench(folder, name, macs=1)
    return simulate(folder, images, np.zeros((len(images), *shape)), sizes)
