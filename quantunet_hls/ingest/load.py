"""Reading a QONNX file that may come from anybody."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.core.files import read_bytes
from quantunet_hls.ingest.limits import FILE_BYTES, check_file_sizes
from quantunet_hls.ingest.outside_data import check_data, load_outside_data, outside_data, tensors_of
from quantunet_hls.ingest.results import keep_result
from quantunet_hls.ops.qonnx.graph import CHANNELS_LAST, QUANT_DOMAINS, QUANT_OPS, IndexedModel, attribute
from quantunet_hls.ops.qonnx.linear import LINEAR_OPS, QDQ_FORM

__all__ = ["has_quantizers", "load_qonnx", "sha256_qonnx"]

#: Attributes whose numbers must be 1 or more; shape inference divides by them unasked.
_POSITIVE = ("strides", "dilations", "kernel_shape", "blocksize", "num_outputs")
#: Domains whose nodes files use without an opset import.
_QONNX_DOMAINS = (*QUANT_DOMAINS, CHANNELS_LAST)
_STANDARD = ("", "ai.onnx")
_ONNXRUNTIME = "com.microsoft"
#: Operators that a float network has none of.
_QUANTIZERS = (*QUANT_OPS, *LINEAR_OPS, "BipolarQuant", "Trunc")
#: What an attribute may be; the nodes that hold a tensor make it a constant.
_PLAIN = (AttributeProto.INT, AttributeProto.INTS, AttributeProto.FLOAT, AttributeProto.FLOATS, AttributeProto.STRING,
          AttributeProto.STRINGS)
_TENSORS = (("Constant", AttributeProto.TENSOR), ("ConstantOfShape", AttributeProto.TENSOR))
#: What a quantizer says of itself; qonnx takes other kinds without a word.
_QUANT_ATTRIBUTES = {"signed": AttributeProto.INT, "narrow": AttributeProto.INT, "rounding_mode": AttributeProto.STRING}


def load_qonnx(path: Path, result: str | None = None) -> ModelWrapper:
    """The graph in a QONNX file.

    Args:
        path: of the file.
        result: name of the output that counts, where there are several.

    Raises:
        ConfigurationError: the file is absent, no ONNX, too large, or has not exactly one input, or several outputs of
            which none is chosen.
        IllegalGraphError: a node has an attribute without meaning.
    """
    path = Path(path)
    proto = _parsed(_bytes(path), path)
    load_outside_data(proto, path)
    return checked(proto, str(path), result)


def has_quantizers(model: ModelWrapper) -> bool:
    """Whether any node of a graph quantizes; a float network has none."""
    return any(node.op_type in _QUANTIZERS for node in model.graph.node)


def sha256_qonnx(path: Path) -> str:
    """SHA-256 of a QONNX file, and of the data of its constants where some lies beside it.

    Raises:
        ConfigurationError: the file is absent, no ONNX, or too large, or its data is not where it should be.
        IllegalGraphError: a node has an attribute without meaning.
    """
    path = Path(path)
    written = _bytes(path)
    digest = hashlib.sha256(written)
    # Where data lies beside a file, the file has this word for the place.
    if b"location" in written:
        for data in outside_data(_parsed(written, path), path):
            digest.update(data)
    return digest.hexdigest()


def _bytes(path: Path) -> bytes:
    if not os.path.lexists(path):
        raise ConfigurationError(f"There is no ONNX file {path}; check the path.")
    return read_bytes(path, FILE_BYTES, what="an ONNX model")


def _parsed(written: bytes, path: Path) -> onnx.ModelProto:
    try:
        proto = onnx.load_model_from_string(written)
    except (DecodeError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} can't be read as an ONNX model; export it again with export_qonnx."
        ) from error
    _check_plain(proto, str(path))
    check_file_sizes(proto, str(path))
    return proto


def checked(proto: onnx.ModelProto, origin: str, result: str | None = None) -> ModelWrapper:
    """The wrapped model, if it is a network from one image to one result, or to several of which one is chosen.

    Raises:
        ConfigurationError: no nodes, not exactly one input and one output that counts, or not well-formed.
        IllegalGraphError: a node has an attribute without meaning.
    """
    _check_plain(proto, origin)
    check_file_sizes(proto, origin)
    initializers = {tensor.name for tensor in proto.graph.initializer}
    inputs = [tensor for tensor in proto.graph.input if tensor.name not in initializers]
    if not proto.graph.node:
        raise ConfigurationError(f"{origin} holds no nodes, so it is no network; export it again with export_qonnx.")
    if len(inputs) != 1 or not proto.graph.output:
        raise ConfigurationError(
            f"{origin} has {len(inputs)} inputs and {len(proto.graph.output)} outputs, where an accelerator has "
            "one of each; export a network that maps one image to one result."
        )
    keep_result(proto.graph, result, origin)
    _leave_open(proto.graph.output[0])
    _check_well_formed(proto, inputs[0], origin)
    # Old exporters list weights among the inputs; from here on an input is an image.
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    return IndexedModel(proto)


def _leave_open(result: onnx.ValueInfoProto) -> None:
    """A result of which a file says no shape, as many exporters do, says nothing, which ONNX wants to be said."""
    if result.type.WhichOneof("value") in (None, "tensor_type") and not result.type.tensor_type.HasField("shape"):
        result.type.tensor_type.elem_type = onnx.TensorProto.UNDEFINED
        result.type.tensor_type.shape.SetInParent()


def _check_plain(proto: onnx.ModelProto, origin: str) -> None:
    """Refuse what may hold anything: graphs inside nodes, functions, sparse constants, texts that are none."""
    graph = proto.graph
    # Nothing here reads them, and each may be large, or name what is run.
    for entry in (proto.training_info, graph.quantization_annotation):
        del entry[:]
    used = {(node.domain, node.op_type) for node in graph.node}
    if any((function.domain, function.name) in used for function in proto.functions):
        raise ConfigurationError(f"{origin} has functions of its own; put their nodes in their place with "
                                 "onnx.inliner.inline_local_functions.")
    del proto.functions[:]
    if graph.sparse_initializer:
        raise ConfigurationError(f"{origin} holds sparse constants; export it with dense ones.")
    named = [*graph.initializer, *graph.node, *graph.value_info, *graph.input, *graph.output]
    texts = [text for node in graph.node for text in (node.op_type, node.domain, *node.input, *node.output)]
    texts += [entry.name for entry in (*named, *(entry for node in graph.node for entry in node.attribute))]
    texts += [entry.domain for entry in proto.opset_import]
    if any(isinstance(text, bytes) or not _is_text(text) for text in texts):
        # protobuf hands out what is no UTF-8 as it is.
        raise ConfigurationError(f"{origin} has names that are no text; export it again with export_qonnx.")
    for node in graph.node:
        name = node.name or f"of type {node.op_type}"
        if not node.output or not node.output[0]:
            raise IllegalGraphError(name, "it has no output", "remove it")
        twice = [entry for entry, count in Counter(entry.name for entry in node.attribute).items() if count > 1]
        if twice:
            raise IllegalGraphError(name, f"it has the attribute {twice[0]!r} twice", "export the network again")
        for entry in node.attribute:
            _check_attribute(node, name, entry)
        if node.op_type in LINEAR_OPS and node.domain == _ONNXRUNTIME:
            # It has these for 16 and 4 bits in opsets whose own are of 8; they mean the same.
            node.domain = ""
        if node.domain not in (*_STANDARD, *_QONNX_DOMAINS):
            remedy = QDQ_FORM if node.op_type.startswith("QLinear") else "use operators of ONNX and QONNX"
            raise ConfigurationError(f"Node {name!r} of {origin} is of the foreign domain {node.domain!r}; {remedy}.")
        if node.op_type in QUANT_OPS and node.domain in QUANT_DOMAINS:
            _check_quantizer(node, name)


def _check_attribute(node: onnx.NodeProto, name: str, entry: AttributeProto) -> None:
    if entry.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) or entry.HasField("g") or entry.graphs:
        raise IllegalGraphError(name, f"{node.op_type} runs a graph of its own",
                                "export the network without branches and loops")
    if entry.HasField("sparse_tensor") or entry.sparse_tensors:
        raise IllegalGraphError(name, "it holds a sparse constant", "export the network with dense ones")
    # ONNX's checker looks at the attributes of its own operators alone, and by the rules of the file's version.
    if entry.ref_attr_name or (entry.type not in _PLAIN and (node.op_type, entry.type) not in _TENSORS):
        raise IllegalGraphError(name, f"its {entry.name} is of the wrong kind", "export the network again")


def _check_quantizer(node: onnx.NodeProto, name: str) -> None:
    if len(node.input) != 4 or not all(node.input):
        raise IllegalGraphError(name, f"a quantizer has 4 inputs, not {len([text for text in node.input if text])}",
                                "export the network with export_qonnx")
    if len(node.output) != 1:
        raise IllegalGraphError(name, f"a quantizer has 1 output, not {len(node.output)}",
                                "export the network with export_qonnx")
    for entry in node.attribute:
        if entry.name in _QUANT_ATTRIBUTES and entry.type != _QUANT_ATTRIBUTES[entry.name]:
            raise IllegalGraphError(name, f"its {entry.name} is of the wrong kind", "export the network again")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_well_formed(proto: onnx.ModelProto, image: onnx.ValueInfoProto, origin: str) -> None:
    """Refuse what the libraries behind this would end the process for, or fail on somewhere inside."""
    for entry in (*proto.opset_import, *proto.graph.node):
        if entry.domain == "finn.custom_op.general":
            entry.domain = "qonnx.custom_op.general"
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
    # Nodes that read channels last look like the standard ones, whose inputs and attributes ONNX knows.
    relaid = [node for node in proto.graph.node if node.domain == CHANNELS_LAST]
    try:
        for node in relaid:
            node.domain = ""
        onnx.checker.check_model(proto)
    except Exception as error:  # ValidationError, and whatever its parser meets in a damaged file
        line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")
        raise ConfigurationError(f"{origin} is no well-formed ONNX model ({line}); export it again.") from error
    finally:
        for node in relaid:
            node.domain = CHANNELS_LAST
    for tensor in tensors_of(proto):
        check_data(tensor, origin)
    if image.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise ConfigurationError(f"The network's input {image.name!r} is no float32 image; export it in float32.")
    result = proto.graph.output[0].name
    if not any(result in node.output for node in proto.graph.node):
        raise ConfigurationError(f"No node writes the output {result!r} of {origin}; export it again.")
    for node in proto.graph.node:
        # Shape inference writes as many shapes as it is told.
        if attribute(node, "num_outputs", len(node.output)) != len(node.output):
            raise IllegalGraphError(node.name or node.output[0], "it has not as many outputs as its num_outputs says",
                                    "export the network again")
        for name in _POSITIVE:
            numbers = np.atleast_1d(attribute(node, name, 1))
            if numbers.dtype.kind != "i" or np.any(numbers < 1):
                raise IllegalGraphError(node.name or node.output[0], f"its {name} {numbers.tolist()} are not 1 or more",
                                        "export the network again")
