"""Reading a QONNX file that may come from anybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ingest.graph import attribute

__all__ = ["load_qonnx"]

#: Attributes whose numbers must be 1 or more; shape inference divides by them unasked.
_POSITIVE = ("strides", "dilations", "kernel_shape", "blocksize", "num_outputs")
#: Domains whose nodes files use without an opset import, and versions to read them as.
_QONNX_DOMAINS = ("qonnx.custom_op.general", "qonnx.custom_op.channels_last", "onnx.brevitas", "finn.custom_op.general")


def load_qonnx(path: Path) -> ModelWrapper:
    """The graph in a QONNX file.

    Raises:
        ConfigurationError: the file is absent, no ONNX, or has not exactly one input and one output.
    """
    path = Path(path)
    try:
        proto = onnx.load(str(path))
    except FileNotFoundError as error:
        raise ConfigurationError(f"There is no ONNX file {path}; check the path.") from error
    except (DecodeError, OSError, ValueError, TypeError, onnx.checker.ValidationError) as error:
        raise ConfigurationError(
            f"{path} can't be read as an ONNX model; export it again with export_qonnx."
        ) from error
    return checked(proto, str(path))


def checked(proto: onnx.ModelProto, origin: str) -> ModelWrapper:
    """The wrapped model, if it is a network from one image to one result.

    Raises:
        ConfigurationError: no nodes, not exactly one input and one output, or not well-formed.
        IllegalGraphError: a node has an attribute without meaning.
    """
    initializers = {tensor.name for tensor in proto.graph.initializer}
    inputs = [tensor for tensor in proto.graph.input if tensor.name not in initializers]
    if not proto.graph.node:
        raise ConfigurationError(f"{origin} holds no nodes, so it is no network; export it again with export_qonnx.")
    if len(inputs) != 1 or len(proto.graph.output) != 1:
        raise ConfigurationError(
            f"{origin} has {len(inputs)} inputs and {len(proto.graph.output)} outputs, where an accelerator has "
            "one of each; export a network that maps one image to one result."
        )
    _check_well_formed(proto, inputs[0], origin)
    # Old exporters list weights among the inputs; from here on an input is an image.
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    try:
        return ModelWrapper(proto)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{origin} can't be read as a QONNX model; export it again with export_qonnx."
        ) from error


def _check_well_formed(proto: onnx.ModelProto, image: onnx.ValueInfoProto, origin: str) -> None:
    """Refuse what the libraries behind this would end the process for, or fail on somewhere inside."""
    known = {entry.domain for entry in proto.opset_import}
    if not known & {"", "ai.onnx"}:
        raise ConfigurationError(f"{origin} names no ONNX opset; export it again with export_qonnx.")
    for domain in sorted({node.domain for node in proto.graph.node} - known):
        if domain in _QONNX_DOMAINS:
            proto.opset_import.add(domain=domain, version=1)
    newest = onnx.defs.onnx_opset_version()
    for entry in proto.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > newest:
            raise ConfigurationError(f"{origin} is of ONNX opset {entry.version}; export it with {newest} or less.")
    try:
        onnx.checker.check_model(proto)
    except Exception as error:  # ValidationError, and whatever its parser meets in a damaged file
        line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")
        raise ConfigurationError(f"{origin} is no well-formed ONNX model ({line}); export it again.") from error
    named = [*proto.graph.initializer, *proto.graph.node, *proto.graph.value_info, *proto.graph.input,
             *proto.graph.output]
    names = [entry.name for entry in named]
    names += [name for node in proto.graph.node for name in (*node.input, *node.output)]
    if any(isinstance(name, bytes) for name in names):
        # protobuf hands out what is no UTF-8 as it is.
        raise ConfigurationError(f"{origin} has names that are no text; export it again with export_qonnx.")
    if any(tensor.data_type not in onnx.TensorProto.DataType.values() for tensor in proto.graph.initializer):
        raise ConfigurationError(f"{origin} holds constants of an unknown type; export it again with export_qonnx.")
    if image.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise ConfigurationError(f"The network's input {image.name!r} is no float32 image; export it in float32.")
    result = proto.graph.output[0].name
    if not any(result in node.output for node in proto.graph.node):
        raise ConfigurationError(f"No node writes the output {result!r} of {origin}; export it again.")
    for node in proto.graph.node:
        for name in _POSITIVE:
            numbers = np.atleast_1d(attribute(node, name, 1))
            if numbers.dtype.kind != "i" or np.any(numbers < 1):
                raise IllegalGraphError(node.name or node.output[0], f"its {name} {numbers.tolist()} are not 1 or more",
                                        "export the network again")
