"""Reading a QONNX file that may come from anybody."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.errors import ConfigurationError

__all__ = ["load_qonnx"]


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
        ConfigurationError: no nodes, or not exactly one input and one output.
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
    # Old exporters list weights among the inputs; from here on an input is an image.
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    return ModelWrapper(proto)
