"""Small QONNX graphs and Brevitas nets for tests, and running them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from quantunet_hls.ingest import channels_last_ops
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST

QUANT_DOMAIN = "qonnx.custom_op.general"
FIRST_TO_LAST, LAST_TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


class Net:
    """A graph under construction; every method adds a node and returns the name of its output.

    The image is (1, channels, height, width), or (1, height, width, channels) with
    ``last=True``; then convolutions and poolings are of the channels-last domain.
    """

    def __init__(self, shape: Sequence[int] = (1, 2, 4, 6), *, last: bool = False, seed: int = 0):
        self.shapes: dict[str, tuple[int, ...]] = {"x": tuple(shape)}
        self.last = last
        self.random = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, np.ndarray] = {}

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        self.initializers[name] = np.asarray(value, dtype=dtype)
        return name

    def add(self, op_type: str, inputs: Sequence[str], shape: Sequence[int], *, name: str | None = None,
            output: str | None = None, domain: str = "", **attributes: Any) -> str:
        name = f"{op_type}_{len(self.nodes)}" if name is None else name
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=name, domain=domain, **attributes))
        self.shapes[output] = tuple(shape)
        return output

    def quant(self, source: str, bits: float = 4, exponent: int = -3, *, signed: int = 0, narrow: int = 0,
              rounding: str = "ROUND", scale: Any = None, zero: float = 0, name: str | None = None) -> str:
        prefix = f"q{len(self.nodes)}"
        scale = 2.0**exponent if scale is None else scale
        inputs = [source, self.constant(f"{prefix}_scale", scale), self.constant(f"{prefix}_zero", zero),
                  self.constant(f"{prefix}_bits", bits)]
        shape = self.shapes[source] if source in self.shapes else self.initializers[source].shape
        return self.add("Quant", inputs, shape, name=name, domain=QUANT_DOMAIN, signed=signed, narrow=narrow,
                        rounding_mode=rounding)

    def weights(self, shape: Sequence[int], bits: int = 4, exponent: int = -3, values: Any = None) -> str:
        """Weights in the file's order of axes, behind a quantizer of their own."""
        reach = 2.0 ** (bits - 1 + exponent)
        values = self.random.uniform(-reach, reach, size=shape) if values is None else values
        raw = self.constant(f"w{len(self.nodes)}", values)
        return self.quant(raw, bits, exponent, signed=1, narrow=1)

    def conv(self, source: str, filters: int, kernel: int = 3, *, pads: Sequence[int] | None = None,
             strides: Sequence[int] = (1, 1), group: int = 1, bias: Any = "random", weights: str | None = None,
             values: Any = None, name: str | None = None, domain: str | None = None,
             dilations: Sequence[int] = (1, 1)) -> str:
        _, channels, height, width = self.logical(source)
        pads = [kernel // 2] * 4 if pads is None else list(pads)
        each = channels // group
        shape = (filters, kernel, kernel, each) if self.last else (filters, each, kernel, kernel)
        weights = weights or self.weights(shape, values=values)
        inputs = [source, weights]
        if isinstance(bias, str):
            bias = self.random.uniform(-1, 1, size=filters)
        if bias is not None:
            raw = self.constant(f"b{len(self.nodes)}", bias)
            inputs.append(self.quant(raw, 8, -6, signed=1))
        out = (1, filters, (height + pads[0] + pads[2] - dilations[0] * (kernel - 1) - 1) // strides[0] + 1,
               (width + pads[1] + pads[3] - dilations[1] * (kernel - 1) - 1) // strides[1] + 1)
        return self.add("Conv", inputs, self.physical(out), name=name, domain=self._domain(domain),
                        kernel_shape=[kernel, kernel], pads=pads, strides=list(strides), dilations=list(dilations),
                        group=group)

    def relu(self, source: str, **options: Any) -> str:
        return self.add("Relu", [source], self.shapes[source], **options)

    def leaky(self, source: str, alpha: float = 0.25) -> str:
        return self.add("LeakyRelu", [source], self.shapes[source], alpha=alpha)

    def pool(self, source: str, window: Sequence[int] = (2, 2), kind: str = "MaxPool", **attributes: Any) -> str:
        batch, channels, height, width = self.logical(source)
        settings = {"kernel_shape": list(window), "strides": list(window), "pads": [0] * 4} | attributes
        out = self.physical((batch, channels, height // window[0], width // window[1]))
        return self.add(kind, [source], out, domain=self._domain(None), **settings)

    def resize(self, source: str, rows: float = 2, columns: float = 2, *, channels: float = 1,
               **attributes: Any) -> str:
        scales = self.physical((1, channels, rows, columns))
        settings = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        out = tuple(int(size * scale) for size, scale in zip(self.shapes[source], scales, strict=True))
        name = f"s{len(self.nodes)}"
        return self.add("Resize", [source, "", self.constant(name, scales)], out, **(settings | attributes))

    def concat(self, *sources: str, axis: int | None = None) -> str:
        axis = (3 if self.last else 1) if axis is None else axis
        shape = list(self.shapes[sources[0]])
        shape[axis] = sum(self.shapes[source][axis] for source in sources)
        return self.add("Concat", sources, shape, axis=axis)

    def transpose(self, source: str, perm: Sequence[int]) -> str:
        shape = [self.shapes[source][axis] for axis in perm]
        return self.add("Transpose", [source], shape, perm=list(perm))

    def proto(self, *outputs: str) -> ModelProto:
        graph = helper.make_graph(
            self.nodes, "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shapes["x"])],
            [helper.make_tensor_value_info(name, self._type_of(name), self.shapes[name]) for name in outputs],
            initializer=[numpy_helper.from_array(value, name) for name, value in self.initializers.items()],
        )
        if any(node.domain == CHANNELS_LAST for node in self.nodes):
            # qonnx can't infer shapes behind its own channels-last nodes; its conversion writes them down.
            graph.value_info.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                                    for name, shape in self.shapes.items() if name not in ("x", *outputs))
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QUANT_DOMAIN, 1),
                  helper.make_opsetid(CHANNELS_LAST, 13)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def _type_of(self, tensor: str) -> int:
        (op_type,) = [node.op_type for node in self.nodes if tensor in node.output] or [""]
        return {"ArgMax": TensorProto.INT64, "Greater": TensorProto.BOOL}.get(op_type, TensorProto.FLOAT)

    def model(self, *outputs: str) -> ModelWrapper:
        return ModelWrapper(self.proto(*(outputs or [self.nodes[-1].output[0]])))

    def logical(self, name: str) -> tuple[int, ...]:
        shape = self.shapes[name]
        return tuple(shape[axis] for axis in LAST_TO_FIRST) if self.last else shape

    def physical(self, logical: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(logical[axis] for axis in FIRST_TO_LAST) if self.last else tuple(logical)

    def _domain(self, domain: str | None) -> str:
        if domain is not None:
            return domain
        return CHANNELS_LAST if self.last else ""


def small_unet(height: int = 4, width: int = 6, *, last: bool = False, seed: int = 0) -> Net:
    """One level down and up with a skip connection: every operator that a U-Net has."""
    shape = (1, height, width, 2) if last else (1, 2, height, width)
    net = Net(shape, last=last, seed=seed)
    skip = net.quant(net.relu(net.conv(net.quant("x"), 3)))
    deep = net.quant(net.relu(net.conv(net.pool(skip), 4)))
    net.conv(net.concat(skip, net.resize(deep)), 2, kernel=1)
    return net


def execute(model: ModelWrapper, image: np.ndarray) -> np.ndarray:
    """The output that qonnx computes for one image in the graph's own layout."""
    channels_last_ops.register()
    model = ModelWrapper(copy.deepcopy(model.model))
    # qonnx finds a node's constants by the shapes that are written down.
    model.check_all_tensor_shapes_specified(fix_missing_init_shape=True)
    name = model.graph.input[0].name
    return execute_onnx(model, {name: np.ascontiguousarray(image, dtype=np.float32)})[model.graph.output[0].name]


def image_for(model: ModelWrapper, seed: int = 0) -> np.ndarray:
    """Random values, beyond the ends of the input port too."""
    shape = model.get_tensor_shape(model.graph.input[0].name)
    return np.random.default_rng(seed).uniform(-0.5, 2.5, size=shape).astype(np.float32)


def image_node(model: ModelWrapper, name: str) -> NodeProto:
    """The node of that name."""
    (node,) = [node for node in model.graph.node if node.name == name]
    return node


def op_types(model: ModelWrapper) -> list[str]:
    return [node.op_type for node in model.graph.node]


def brevitas_unet(*, depth: int = 1, base: int = 2, channels: int = 1, classes: int = 1, seed: int = 0,
                  height: int = 8, width: int = 12, **settings: Any) -> Any:
    """A calibrated QuantUNet with random weights, in eval mode."""
    import torch

    from quantunet_hls.nets import QuantUNet, calibrate

    torch.manual_seed(seed)
    net = QuantUNet(depth=depth, base_channels=base, in_channels=channels, classes=classes, **settings)
    calibrate(net, torch.rand(2, channels, height, width))
    return net.eval()
