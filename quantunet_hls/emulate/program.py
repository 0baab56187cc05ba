"""A network as instructions on tensors, each in the narrowest float that is exact for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from quantunet_hls.ops.network import TypedNetwork
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import Kernel, Operand, layer_tensors
from quantunet_hls.types.fixed import FixedType

__all__ = ["Instruction", "TensorProgram", "compile_network"]


@dataclass(frozen=True, eq=False)
class Instruction:
    """One layer, ready to run.

    Attributes:
        name: of the layer.
        sources: layers whose tensors it takes.
        kernel: computes it.
        done: layers that nothing reads after this instruction.
    """

    name: str
    sources: tuple[str, ...]
    kernel: Kernel
    done: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TensorProgram:
    """Instructions in order, and what they start from and end with.

    Attributes:
        port: type to which images are assigned.
        port_name: name of the input layer.
        port_codes: what is known of its tensor.
        instructions: all other layers.
        output: name of the layer that is the result.
        values: largest number of values that an instruction reads and writes for one image.
    """

    port: FixedType
    port_name: str
    port_codes: Codes
    instructions: tuple[Instruction, ...]
    output: str
    values: int


def compile_network(network: TypedNetwork, device: torch.device) -> TensorProgram:
    """Decide how each layer is computed.

    Raises:
        IllegalGraphError: integers beyond 53 bits; names the layer.
    """
    known: dict[str, Operand] = {}
    instructions = []
    for layer in network.layers:
        kernel = layer_tensors(layer).compile(layer, [known[source] for source in layer.sources], device)
        known[layer.name] = Operand(layer, kernel.codes)
        instructions.append(Instruction(layer.name, layer.sources, kernel))
    port = network.input
    sizes = {layer.name: layer.shape.values for layer in network.layers}
    values = max([sizes[layer.name] + sum(sizes[source] for source in layer.sources) for layer in network.layers])
    return TensorProgram(port.type, port.name, known[port.name].codes, _with_ends(instructions[1:], network.output),
                         network.output, values)


def _with_ends(instructions: Sequence[Instruction], output: str) -> tuple[Instruction, ...]:
    last = {source: index for index, each in enumerate(instructions) for source in each.sources}
    return tuple(replace(each, done=tuple(source for source, at in last.items() if at == index and source != output))
                 for index, each in enumerate(instructions))
