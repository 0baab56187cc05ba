"""What every layer of the streaming RTL must give, from the hardware graph: for layers that are simulated alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantunet_hls.core.errors import MismatchError
from quantunet_hls.flow.verify import CHANNELS_LAST, Reference, batches, entering, reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from quantunet_hls.ingest import HardwareGraph
    from quantunet_hls.rtl.project import Project
    from quantunet_hls.types.fixed import FixedType, Stored

__all__ = ["layer_codes"]


def layer_codes(graph: HardwareGraph, images: np.ndarray, rtl: Project, tensors: Mapping[str, str], folder: Path
                ) -> Mapping[str, Stored]:
    """What every layer of the RTL must give for some images, the input's frames among them.

    The codes (images, height, width, channels) are held in files, in the smallest integers, whatever the number of
    images.

    A layer whose result is a tensor of the hardware graph must give that; what others do with it, casts and zeros
    around it, is computed from it.

    Args:
        graph: the hardware graph.
        images: float (images, height, width, channels).
        rtl: the project whose layers they are.
        tensors: for each layer of the hls4ml project the tensor that it computes.
        folder: for the files; they must stay as long as the codes are looked at.

    Raises:
        MismatchError: a tensor that the layer's type can't hold.
    """
    from quantunet_hls.rtl.project import codes_of

    stream = rtl.graph
    found: dict[str, Stored] = {
        layer.name: np.memmap(folder / f"{layer.name}.codes", layer.type.storage, "w+",
                              shape=(len(images), *layer.shape.axes)) for layer in stream.layers}
    first = 0
    for group in batches(graph, images):
        part = slice(first, first + len(group))
        expected = reference(graph, group)
        found[stream.input.name][part] = codes_of(entering(graph, group), stream.input.type)
        for layer in stream.inner:
            tensor = tensors.get(rtl.lowered.tensors.get(layer.name, ""))
            if tensor is None and layer is stream.output:
                tensor = expected.output
            if tensor is None:
                found[layer.name][part] = layer.computed([found[source][part].astype(np.int64)
                                                          for source in layer.sources])
            else:
                found[layer.name][part] = _coded(expected, tensor, layer.type, layer.name)
        first = part.stop
    return found


def _coded(expected: Reference, tensor: str, type_: FixedType, layer: str) -> np.ndarray:
    """A tensor as codes of the type that it leaves a layer in, float64 of the same shape."""
    codes: np.ndarray = expected.tensors[tensor] / type_.step
    wrong = int(np.count_nonzero((codes != np.rint(codes)) | (codes < type_.low) | (codes > type_.high)))
    if wrong:
        raise MismatchError(f"Of layer {layer!r}, {wrong} of {codes.size} values of {CHANNELS_LAST} are none of its "
                            f"type {type_}; this is a fault of the conversion, please report it with the network.")
    return codes
