"""Attributes that ONNX lets a file leave out, written down as hls4ml wants them."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, attribute, constant, copy_of, set_attribute, shape_of

__all__ = ["explicit_attributes"]

_QUANT_DOMAIN = "qonnx.custom_op.general"


def explicit_attributes(model: ModelWrapper) -> ModelWrapper:
    """Convolutions and poolings state what hls4ml looks up without a default; quantizers are all ``Quant``,
    and on activations their scale, zero point and width are scalars."""
    model = copy_of(model)
    for node in model.graph.node:
        if node.op_type in ("Conv", "ConvTranspose", "MaxPool", "AveragePool"):
            defaults: dict[str, object] = {"strides": [1, 1], "pads": [0, 0, 0, 0]}
            if node.op_type.startswith("Conv"):
                weights = shape_of(model, node.input[1])
                kernel = weights[1:3] if node.domain == CHANNELS_LAST else weights[2:4]
                defaults |= {"kernel_shape": list(kernel), "dilations": [1, 1], "group": 1}
            for name, value in defaults.items():
                set_attribute(node, name, attribute(node, name, value))
            for entry in [entry for entry in node.attribute if entry.name in ("auto_pad", "storage_order")]:
                node.attribute.remove(entry)
        elif node.op_type == "IntQuant":
            node.op_type = "Quant"
        if node.op_type == "Quant":
            node.domain = _QUANT_DOMAIN
            if constant(model, node.input[0]) is None:
                # A stream has one scale, however the file spells it; a scalar fits every order of axes.
                for index in (1, 2, 3):
                    value = constant(model, node.input[index])
                    assert value is not None, "the legality check demands a constant"
                    if value.ndim:
                        node.input[index] = f"{node.output[0]}_{('scale', 'zero', 'bits')[index - 1]}"
                        model.set_initializer(node.input[index], value.reshape(-1)[0].reshape(()))
            for name, default in (("signed", 1), ("narrow", 0), ("rounding_mode", "ROUND")):
                set_attribute(node, name, attribute(node, name, default))
    if not any(entry.domain == _QUANT_DOMAIN for entry in model.model.opset_import):
        model.model.opset_import.add(domain=_QUANT_DOMAIN, version=1)
    return model
