"""A program as steps on tensors, each in the narrowest float that is exact for it.

Tensors are (images, channels, height, width) with the channels last in memory;
their values are integers in steps of their own (see :class:`Codes`). A sum of
integers is exact in float32, in whatever order it is taken, while the absolute
values of its terms add up to less than 2**24, and in float64 below 2**53.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.emulate.arithmetic import Chain, Codes, assign, compile_stages
from quantunet_hls.emulate.sums import compile_sum
from quantunet_hls.ops.argmax.layer import ArgMax
from quantunet_hls.ops.concat.layer import Concat
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.input.layer import Input
from quantunet_hls.ops.network import Layer, TypedNetwork
from quantunet_hls.ops.padding.layer import Padding
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.pooling.layer import Pooling
from quantunet_hls.ops.stages import Cast
from quantunet_hls.ops.upsample.layer import Upsample
from quantunet_hls.ops.zero_insertion.layer import ZeroInsertion
from quantunet_hls.types.fixed import FixedType

__all__ = ["Plan", "Step", "make_plan"]

_EXACT = ((torch.float32, 1 << 24), (torch.float64, 1 << 53))


@dataclass(frozen=True, eq=False)
class Step:
    """One layer, ready to run.

    Attributes:
        name: of the layer.
        sources: layers whose tensors it takes.
        run: from these tensors to the layer's; it leaves them as they are.
        codes: what is known of its values.
        done: layers that nothing reads after this step.
    """

    name: str
    sources: tuple[str, ...]
    run: Callable[[Sequence[Tensor]], Tensor]
    codes: Codes
    done: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Plan:
    """Steps in order, and what they start from and end with.

    Attributes:
        port: type to which images are assigned.
        port_name: name of the input layer.
        steps: all other layers.
        output: name of the layer that is the result.
        values: largest number of values that a step reads and writes for one image.
    """

    port: FixedType
    port_name: str
    steps: tuple[Step, ...]
    output: str
    values: int


def make_plan(program: TypedNetwork, device: torch.device) -> Plan:
    """Decide how each layer is computed.

    Raises:
        IllegalGraphError: integers beyond 53 bits; names the layer.
    """
    port = program.input.stages[0]
    assert isinstance(port, Cast)
    known = {program.input.name: Codes(port.type.low, port.type.high, port.type.fraction)}
    steps = []
    for layer in program.layers[1:]:
        assert not isinstance(layer, Input)
        run, codes = _compile(layer, [known[source] for source in layer.sources], program, device)
        known[layer.name] = codes
        steps.append(Step(layer.name, layer.sources, run, codes))
    sizes = {layer.name: layer.shape.values for layer in program.layers}
    values = max([sizes[layer.name] + sum(sizes[source] for source in layer.sources) for layer in program.layers])
    return Plan(port.type, program.input.name, _with_ends(steps, program.output), program.output, values)


def _with_ends(steps: Sequence[Step], output: str) -> tuple[Step, ...]:
    last = {source: index for index, step in enumerate(steps) for source in step.sources}
    return tuple(replace(step, done=tuple(source for source, at in last.items() if at == index and source != output))
                 for index, step in enumerate(steps))


_Run = Callable[[Sequence[Tensor]], Tensor]


def _compile(layer: Layer, given: Sequence[Codes], program: TypedNetwork, device: torch.device) -> tuple[_Run, Codes]:
    if isinstance(layer, Convolution):
        return _convolution(layer, given[0], device)
    if isinstance(layer, Pooling):
        return _pooling(layer, given[0])
    if isinstance(layer, Padding):
        return _padding(layer, given[0])
    if isinstance(layer, Upsample):
        _one_type(layer, program)
        return (lambda tensors: _repeat(tensors[0], layer.factor)), given[0]
    if isinstance(layer, ZeroInsertion):
        _one_type(layer, program)
        codes = Codes(min(given[0].low, 0), max(given[0].high, 0), given[0].fraction)
        return (lambda tensors: _spread(tensors[0], layer)), codes
    if isinstance(layer, ArgMax):
        channels = program.by_name[layer.sources[0]].shape.channels
        return (lambda tensors: _first_largest(tensors[0])), Codes(0, channels - 1, 0)
    if isinstance(layer, Concat):
        return _concatenation(layer, given)
    assert isinstance(layer, Pointwise)
    chain = compile_stages(given[0], layer.stages)
    work, kept = _exact_in(layer, chain.peak), _exact_in(layer, chain.result.magnitude)
    if not chain.operations:
        return (lambda tensors: tensors[0]), chain.result
    return (lambda tensors: chain(_own(tensors[0], work)).to(kept)), chain.result


def _one_type(layer: Layer, program: TypedNetwork) -> None:
    given, result = program.by_name[layer.sources[0]].type, layer.type
    if (given.width, given.fraction, given.signed) != (result.width, result.fraction, result.signed):
        raise IllegalGraphError(layer.name, f"hls4ml's C++ has one type for both ends of it, not {given} and {result}",
                                "give its result the type of its input")


def _exact_in(layer: Layer, peak: int) -> torch.dtype:
    for dtype, limit in _EXACT:
        if peak < limit:
            return dtype
    raise IllegalGraphError(layer.name, f"its integers take {peak.bit_length()} bits, and 53 can be emulated exactly",
                            "use narrower types")


def _own(x: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor that may be written to."""
    return x.to(dtype, copy=True)


def _convolution(layer: Convolution, given: Codes, device: torch.device) -> tuple[_Run, Codes]:
    total = compile_sum(layer, given)
    chain = compile_stages(total.codes, layer.stages)
    work = _exact_in(layer, max(total.peak, chain.peak))
    kept = _exact_in(layer, chain.result.magnitude)
    compute, rest = total.build(chain, work, device)
    return (lambda tensors: rest(compute(tensors[0])).to(kept)), chain.result


def _pooling(layer: Pooling, given: Codes) -> tuple[_Run, Codes]:
    entry = assign(given, layer.accumulator, own_step=layer.mean)
    merge: Callable[[Sequence[Tensor]], Tensor]
    if layer.mean:
        taps = layer.window[0] * layer.window[1]
        merged, codes, peak = _tree_sum(entry.result, layer.accumulator, taps)
        low, high = (abs(end) // taps * (1 if end > 0 else -1) for end in (codes.low, codes.high))
        chain = compile_stages(Codes(low, high, codes.fraction), layer.stages)
        peak = max(peak, entry.peak, chain.peak)

        def merge(parts: Sequence[Tensor]) -> Tensor:
            # C++ divides whole numbers, towards zero. Below 2**24 (2**53) a float's quotient, though rounded,
            # never reaches the next whole number.
            return merged(parts).div_(taps).trunc_()
    else:
        chain = compile_stages(entry.result, layer.stages)
        peak = max(entry.peak, chain.peak)
        merge = _largest
    work, kept = _exact_in(layer, peak), _exact_in(layer, chain.result.magnitude)

    def run(tensors: Sequence[Tensor]) -> Tensor:
        x = tensors[0].to(work)
        if entry.operations:
            x = entry(_own(x, work))
        return chain(merge(_windows(x, layer, entry.result.low))).to(kept)

    return run, chain.result


def _windows(x: Tensor, layer: Pooling, least: int) -> list[Tensor]:
    """The values under each tap of the windows; rows first. Padding is 0 to a mean, else ``least``."""
    top, bottom, left, right = layer.padding
    if any(layer.padding):
        x = torch.nn.functional.pad(x, (left, right, top, bottom), value=0 if layer.mean else least)
    (rows, columns), (down, across) = layer.window, layer.stride
    height, width = (layer.shape.height - 1) * down + 1, (layer.shape.width - 1) * across + 1
    return [x[:, :, row: row + height: down, column: column + width: across]
            for row in range(rows) for column in range(columns)]


def _spread(x: Tensor, layer: ZeroInsertion) -> Tensor:
    height, width = layer.shape.height, layer.shape.width
    rows, columns = layer.factor
    spread = torch.zeros(*x.shape[:2], height, width, dtype=x.dtype, device=x.device,
                         ).contiguous(memory_format=torch.channels_last)
    spread[:, :, ::rows, ::columns][:, :, : x.shape[2], : x.shape[3]] = x
    return spread


def _first_largest(x: Tensor) -> Tensor:
    """The lowest channel of those with the largest value; torch does not promise which one its argmax finds."""
    channels = torch.arange(x.shape[1], dtype=x.dtype, device=x.device)[None, :, None, None]
    beaten = x < x.amax(dim=1, keepdim=True)
    return torch.where(beaten, x.shape[1], channels).amin(dim=1, keepdim=True)


def _largest(parts: Sequence[Tensor]) -> Tensor:
    result = parts[0].clone() if len(parts) == 1 else torch.maximum(parts[0], parts[1])
    for part in parts[2:]:
        torch.maximum(result, part, out=result)
    return result


def _tree_sum(given: Codes, accumulator: FixedType, taps: int) -> tuple[Callable[[Sequence[Tensor]], Tensor],
                                                                      Codes, int]:
    """Sum of so many tensors as ``nnet::reduce`` adds them: halves of a power of two, each sum assigned."""
    if taps == 1:
        return (lambda parts: parts[0].clone()), given, given.magnitude
    left_taps = 1 << ((taps - 1).bit_length() - 1)
    left, left_codes, left_peak = _tree_sum(given, accumulator, left_taps)
    right, right_codes, right_peak = _tree_sum(given, accumulator, taps - left_taps)
    both = Codes(left_codes.low + right_codes.low, left_codes.high + right_codes.high, given.fraction)
    chain = assign(both, accumulator)
    return (lambda parts: chain(left(parts[:left_taps]).add_(right(parts[left_taps:]))), chain.result,
            max(left_peak, right_peak, both.magnitude, chain.peak))


def _padding(layer: Padding, given: Codes) -> tuple[_Run, Codes]:
    chain = compile_stages(given, layer.stages)
    work, kept = _exact_in(layer, chain.peak), _exact_in(layer, chain.result.magnitude)
    top, bottom, left, right = layer.padding

    def run(tensors: Sequence[Tensor]) -> Tensor:
        padded = torch.nn.functional.pad(tensors[0].to(work), (left, right, top, bottom))
        return chain(padded).to(kept)

    codes = chain.result
    return run, Codes(min(codes.low, 0), max(codes.high, 0), codes.fraction)


def _repeat(x: Tensor, factor: tuple[int, int]) -> Tensor:
    rows, columns = factor
    images, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1)[:, :, None, :, None, :]
    copies = pixels.expand(images, height, rows, width, columns, channels)
    return copies.reshape(images, height * rows, width * columns, channels).permute(0, 3, 1, 2)


def _concatenation(layer: Concat, given: Sequence[Codes]) -> tuple[_Run, Codes]:
    chains: list[Chain] = [compile_stages(codes, layer.stages) for codes in given]
    fraction = max(chain.result.fraction for chain in chains)
    ends = [chain.result.times(fraction - chain.result.fraction) for chain in chains]
    codes = Codes(min(end.low for end in ends), max(end.high for end in ends), fraction)
    work = _exact_in(layer, max(codes.magnitude, *(chain.peak for chain in chains)))
    kept = _exact_in(layer, codes.magnitude)
    gains = [2.0 ** (fraction - chain.result.fraction) for chain in chains]

    def part(x: Tensor, chain: Chain, gain: float) -> Tensor:
        x = chain(_own(x, work)) if chain.operations else x.to(work)
        return x if gain == 1 else x * gain

    def run(tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([part(*each) for each in zip(tensors, chains, gains, strict=True)], dim=1).to(kept)

    return run, codes
