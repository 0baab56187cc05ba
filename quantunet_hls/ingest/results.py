"""One of a network's results: those that were trained with deep supervision give one at each level.

A file names its outputs. A module's are called by its dictionary's keys, or ``output_0``, ``output_1`` ... in the
order in which it gives them.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence

import torch
from brevitas.quant_tensor import QuantTensor
from onnx import GraphProto
from torch import nn

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError, shown
from quantunet_hls.ops.qonnx.graph import needed_for

__all__ = ["keep_result", "only_result", "with_result"]

#: Names that a message lists.
_MANY = 20


def keep_result(graph: GraphProto, result: str | None, origin: str) -> None:
    """Leave a graph one output and the nodes that it depends on.

    Args:
        graph: of a file; changed in place.
        result: name of the output; needed where there are several.
        origin: what the file is called in messages.

    Raises:
        ConfigurationError: there are several, and none is chosen.
        UnknownNameError: none of that name.
    """
    chosen = _chosen([entry.name for entry in graph.output], result, origin)
    if len(graph.output) == 1:
        return
    kept = next(entry for entry in graph.output if entry.name == chosen)
    del graph.output[:]
    graph.output.append(kept)
    nodes = needed_for(graph.node, [chosen])
    del graph.node[:]
    graph.node.extend(nodes)


def with_result(module: nn.Module, result: str | None) -> nn.Module:
    """A module that gives one of its results; the same one where none is chosen, else a copy under the same names."""
    if result is None:
        return module
    chooses = copy.deepcopy(module)
    chooses.register_forward_hook(lambda _module, _images, given: only_result(given, result))
    return chooses


def only_result(given: object, result: str | None = None) -> torch.Tensor | QuantTensor:
    """One of what a module gave.

    Raises:
        ConfigurationError: it gave several and none is chosen, or something else than tensors.
        UnknownNameError: none of that name.
    """
    named = _named(given)
    if named is None or not all(isinstance(value, torch.Tensor | QuantTensor) for value in named.values()):
        raise ConfigurationError(f"The network gives a {type(given).__name__} that is no tensor, nor a list or a "
                                 "dictionary of tensors; wrap it in a module that gives its result.")
    return named[_chosen(list(named), result, "The network")]


def _named(given: object) -> Mapping[str, object] | None:
    if isinstance(given, torch.Tensor | QuantTensor):
        return {"output": given}
    if isinstance(given, Mapping):
        return {str(name): value for name, value in given.items()}
    if isinstance(given, Sequence):
        return {f"output_{place}": value for place, value in enumerate(given)}
    return None


def _chosen(names: Collection[str], result: str | None, origin: str) -> str:
    if result is not None:
        if result not in names:
            raise UnknownNameError("output of the network", result, names)
        return result
    if len(names) != 1:
        listed = ", ".join(map(shown, [*names][:_MANY])) + (", ..." if len(names) > _MANY else "")
        raise ConfigurationError(
            f"{origin} has {len(names)} outputs, where an accelerator has one; choose one of them by its name with "
            f"result= or --result: {listed}.")
    return next(iter(names))
