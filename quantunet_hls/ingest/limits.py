"""How large a network may be, told before anything of that size is made.

A file of a few hundred bytes can ask for tensors of any size: an image's width is a
number, and so is what ``Expand`` repeats a constant to. The limits lie far above
what an FPGA holds and below what a workstation can't.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from onnx import ModelProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ingest.outside_data import tensors_of
from quantunet_hls.ops.qonnx.graph import constant_shape

__all__ = ["FILE_BYTES", "MAX_CONSTANTS", "MAX_NODES", "MAX_TENSORS", "check_constants", "check_file_sizes",
           "check_run", "check_sizes", "numbers_of"]

#: Bytes of an ONNX file; protobuf itself ends at twice that.
FILE_BYTES = 1 << 30
#: Nodes of a graph; the deepest U-Nets that anybody trains have some hundred.
MAX_NODES = 10_000
#: Numbers in all constants together, counted at each node that reads them; a full-size U-Net has 31 million.
MAX_CONSTANTS = 1 << 25
#: Numbers in all tensors that images make at once, for each of which the checks take eight bytes. The papers' U-Nets of
#: 4.84 and 31.0 million parameters make 619 and 580 million of one image of 512x512.
MAX_TENSORS = 1 << 30


def check_file_sizes(proto: ModelProto, origin: str) -> None:
    """Refuse a file of too many nodes, or whose constants claim too many numbers.

    Raises:
        ConfigurationError: with the number and the limit.
    """
    if len(proto.graph.node) > MAX_NODES:
        raise ConfigurationError(f"{origin} has {len(proto.graph.node):,} nodes, where {MAX_NODES:,} are the limit; "
                                 "export a smaller network.")
    check_constants([(tensor.name, tensor.dims) for tensor in tensors_of(proto)], origin)


def check_constants(shapes: Iterable[tuple[str, Sequence[int]]], origin: str) -> None:
    """Refuse constants of these shapes where they are too large together.

    Raises:
        ConfigurationError: with the number and the limit; or a size is negative.
    """
    held = 0
    for name, shape in shapes:
        held += math.prod(shape)
        if any(size < 0 for size in shape):
            raise ConfigurationError(f"The constant {name!r} of {origin} has a negative size; export it again.")
    _within(held, MAX_CONSTANTS,
            f"The constants of {origin} hold {{}} numbers", "use fewer or smaller filters")


def check_sizes(model: ModelWrapper) -> None:
    """Refuse a graph, of known shapes, that makes too much of one image, or reads too many constants.

    Raises:
        ConfigurationError: with the number and the limit.
        IllegalGraphError: one node's alone are too many.
    """
    produced, read = 0, 0
    for node in model.graph.node:
        written = _numbers(model, node.output)
        if written > MAX_TENSORS:
            raise IllegalGraphError(node.name, f"its result holds {written:,} numbers (pixels x channels), where "
                                    f"{MAX_TENSORS:,} are the limit", "use smaller images or fewer channels")
        produced += written
        read += sum(math.prod(shape) for name in node.input if (shape := constant_shape(model, name)) is not None)
    _within(produced, MAX_TENSORS, "The tensors that the network makes of one image hold {} numbers (pixels x "
            "channels)", "use smaller images or fewer channels")
    _within(read, MAX_CONSTANTS, "The constants that the network's nodes read hold {} numbers",
            "use fewer or smaller filters")


def check_run(model: ModelWrapper, images: int) -> None:
    """Refuse to keep all tensors of so many images at once.

    Raises:
        ConfigurationError: with the number and the limit.
    """
    numbers = images * numbers_of(model)
    _within(numbers, MAX_TENSORS, f"All tensors of {images} images hold {{}} numbers",
            f"check {max(1, images * MAX_TENSORS // max(numbers, 1))} at most")


def numbers_of(model: ModelWrapper) -> int:
    """Numbers in all tensors that a graph, of known shapes, makes of one image."""
    return sum(_numbers(model, node.output) for node in model.graph.node)


def _numbers(model: ModelWrapper, tensors: Iterable[str]) -> int:
    return sum(math.prod(model.get_tensor_shape(name) or (0,)) for name in tensors)


def _within(number: int, limit: int, what: str, remedy: str) -> None:
    if number > limit:
        raise ConfigurationError(f"{what.format(f'{number:,}')}, where {limit:,} are the limit; {remedy}.")
