"""Constants of an ONNX file: whether their data is there and of the size they claim, in the file or beside it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx
from onnx import ModelProto, TensorProto, helper
from onnx.external_data_helper import load_external_data_for_model

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import open_regular

__all__ = ["check_data", "load_outside_data", "outside_data", "tensors_of"]

#: Types of numbers that a network's constants have.
_KINDS = frozenset((TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.INT16,
                    TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32,
                    TensorProto.UINT64, TensorProto.BOOL))
#: Types of codes, several of which share a byte.
_IN_A_BYTE = {getattr(TensorProto, name): count
              for name, count in (("INT4", 2), ("UINT4", 2), ("INT2", 4), ("UINT2", 4)) if hasattr(TensorProto, name)}


def tensors_of(proto: ModelProto) -> Iterator[TensorProto]:
    """All constants of a graph, those in the attributes of its nodes included."""
    yield from proto.graph.initializer
    for node in proto.graph.node:
        for entry in node.attribute:
            if entry.HasField("t"):
                yield entry.t
            yield from entry.tensors


def _bytes_of(tensor: TensorProto, origin: str) -> int:
    if tensor.data_type in _IN_A_BYTE:
        return -(-math.prod(tensor.dims) // _IN_A_BYTE[tensor.data_type])
    if tensor.data_type not in _KINDS:
        raise ConfigurationError(f"{origin} holds constants of an unknown type, or of one that networks don't compute "
                                 f"with, {tensor.name!r} among them; export it again with export_qonnx.")
    return math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def check_data(tensor: TensorProto, origin: str) -> None:
    """Refuse a constant that has more or less data than its shape says.

    Raises:
        ConfigurationError: so it is, or its type is none that networks have.
    """
    size = _bytes_of(tensor, origin)
    if tensor.HasField("raw_data"):
        held, wanted = len(tensor.raw_data), size
    else:
        held = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
        wanted = size if tensor.data_type in _IN_A_BYTE else math.prod(tensor.dims)
    if held != wanted:
        raise ConfigurationError(f"The data of the constant {tensor.name!r} of {origin} is not as long as its shape "
                                 f"{list(tensor.dims)} says, so the model is not well-formed; export it again.")


def load_outside_data(proto: ModelProto, path: Path) -> None:
    """Bring in constants whose data lies in files beside the model's.

    Raises:
        ConfigurationError: such a file lies elsewhere, is absent, no regular file, or shorter than the constants in
            it; or they are too large.
    """
    if not _placed_outside(proto, path):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_external_data_for_model(proto, str(path.parent))
    except (OSError, ValueError, TypeError, onnx.checker.ValidationError) as error:
        line = (str(error).splitlines() or [""])[0]
        raise ConfigurationError(f"{path} can't be read, for its data outside can't ({line}); export it with its data "
                                 "inside.") from error


def outside_data(proto: ModelProto, path: Path) -> Iterator[bytes]:
    """The data of each constant whose data lies in a file beside the model's.

    Raises:
        ConfigurationError: as for :func:`load_outside_data`.
    """
    for tensor in _placed_outside(proto, path):
        place = {entry.key: entry.value for entry in tensor.external_data}
        with open_regular(path.parent / place["location"], what="a model's data") as stream:
            stream.seek(int(place.get("offset", "0")))
            yield stream.read(_bytes_of(tensor, str(path)))


def _placed_outside(proto: ModelProto, path: Path) -> list[TensorProto]:
    """The constants whose data lies in files beside the model's, where it should."""
    outside = [tensor for tensor in tensors_of(proto) if tensor.data_location == TensorProto.EXTERNAL]
    for tensor in outside:
        _check_place(tensor, path)
    return outside


def _check_place(tensor: TensorProto, path: Path) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    place = PurePosixPath(str(entries.get("location", "")))
    if place.is_absolute() or ".." in place.parts or not place.parts or "\\" in str(place):
        raise ConfigurationError(f"{path} can't be read, for the data of its constant {tensor.name!r} is to lie in "
                                 f"{str(place)!r}, outside its folder; export it with its data inside.")
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", "-1"))
    except ValueError:
        offset = length = -1
    wanted = _bytes_of(tensor, str(path))
    with open_regular(path.parent / place, what="a model's data") as stream:
        available = stream.seek(0, 2)
    if offset < 0 or length not in (-1, wanted) or offset + wanted > available:
        raise ConfigurationError(f"{path} can't be read, for the data of its constant {tensor.name!r} is not where in "
                                 f"{place} it should be; export it again with the file beside it.")
    if length == -1:
        # Without a length onnx reads to the file's end.
        del tensor.external_data[:]
        for key, value in (("location", str(place)), ("offset", str(offset)), ("length", str(wanted))):
            tensor.external_data.add(key=key, value=value)
