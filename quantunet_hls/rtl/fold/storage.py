"""Where each layer's weights are: in the netlist, or in memories that are loaded at start-up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.loaded import Loaded, NumberWidths
from quantunet_hls.ops.products import exact_sums
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import Weighted, weighted
from quantunet_hls.rtl.fold.bandwidth import block_rows, check_traffic, external_bytes_per_s, traffic
from quantunet_hls.rtl.fold.capacity import held, needs
from quantunet_hls.rtl.fold.ultraram import layers_in_ultraram
from quantunet_hls.types.fixed import FixedType, bits_for, covering

__all__ = ["Storage", "all_loaded", "check_loadable", "loaded_like", "placed", "streamed", "widths_for"]


@dataclass(frozen=True)
class Storage:
    """What is asked for, for all layers of a design.

    Attributes:
        weights: ``rom``; ``loaded``; ``streamed``: read from external memory by all layers that can; or ``auto``:
            loaded where block RAM is short and there is UltraRAM, streamed where that is short, too, else ROM.
        any_weights: whether loaded layers have the types for any weights of their widths.
    """

    weights: str = "auto"
    any_weights: bool = False


def placed(graph: StreamGraph, storage: Storage, board: Board, multiplying: Callable[[StreamGraph], StreamGraph]
           ) -> StreamGraph:
    """The graph with all weights where they are asked for, and multipliers that go with that.

    Where block RAM is short and the part has UltraRAM, weights go there until the rest fits, by
    :func:`quantunet_hls.rtl.fold.ultraram.layers_in_ultraram`; UltraRAM can't be initialised (UG573), so they are
    loaded. Where even that is too little, and the board has external memory that is fast enough, the largest of the
    rest are streamed from there.

    Args:
        graph: folded.
        multiplying: chooses the multipliers.

    Raises:
        BoardError: weights are to be streamed, and the board's memory is not known or too slow.
    """
    if storage.weights == "streamed":
        return _all_streamed(graph, storage.any_weights, board, multiplying)
    if storage.weights == "loaded":
        graph = all_loaded(graph, any_weights=storage.any_weights)
    chosen = multiplying(graph)
    moved = [] if storage.weights == "rom" else layers_in_ultraram(chosen, board)
    if moved:
        changed = {name: _in_ultraram(graph, name, storage.any_weights) for name in moved}
        chosen = multiplying(graph.with_layers(changed))
    return _relieved(graph, chosen, storage, board, multiplying) if storage.weights == "auto" else chosen


def _all_streamed(graph: StreamGraph, any_weights: bool, board: Board,
                  multiplying: Callable[[StreamGraph], StreamGraph]) -> StreamGraph:
    """All weights streamed that can be, the others loaded."""
    chosen = multiplying(all_loaded(graph, any_weights=any_weights))
    names = [layer.name for layer in weighted(chosen) if layer.streamable]
    if not names:
        raise BoardError("No layer's weights can be streamed in this folding; ask for a slower one, or have them "
                         "loaded.")
    made = multiplying(streamed(chosen, block_rows(chosen, names, board)))
    check_traffic(made, board)
    return made


def _relieved(graph: StreamGraph, on_chip: StreamGraph, storage: Storage, board: Board,
              multiplying: Callable[[StreamGraph], StreamGraph]) -> StreamGraph:
    """With the fewest layers streamed, those with most weights first, that make the memories hold the rest.

    Args:
        on_chip: the graph with no layer streamed, which it stays where these memories are enough, and where
            streaming does not help, or would come too late.
    """
    if board.serial_line or external_bytes_per_s(board) is None or _memories_hold(on_chip, board):
        return on_chip
    ordered = sorted((layer for layer in weighted(graph) if layer.streamable),
                     key=lambda layer: -layer.weights.size * layer.weight_bits)

    def relieved(count: int) -> StreamGraph:
        # Memories hardly depend on the multipliers, which take long to choose.
        names = [layer.name for layer in ordered[:count]]
        finest = streamed(graph, dict.fromkeys(names, 1), any_weights=storage.any_weights)
        made = streamed(finest, block_rows(finest, names, board))
        moved = layers_in_ultraram(made, board)
        return made.with_layers({name: _in_ultraram(made, name, storage.any_weights) for name in moved})

    counts = range(1, len(ordered) + 1)
    place = bisect_left(counts, True, key=lambda count: _memories_hold(relieved(count), board))
    if place == len(counts):
        return on_chip
    made = multiplying(relieved(counts[place]))
    found = traffic(made, board)
    return on_chip if found.needed > found.available else made


def _memories_hold(graph: StreamGraph, board: Board) -> bool:
    """Whether the board has the memory blocks that are estimated."""
    return held(need for need in needs(graph, board) if need.name in ("bram_18k", "uram"))


def check_loadable(graph: StreamGraph, board: Board) -> None:
    """Refuse weights that nothing would load.

    Raises:
        BoardError: a whole design on a board, whose serial line brings images alone.
    """
    if graph.loading and board.serial_line:
        raise BoardError(f"Weights of {graph.loading[0].name!r} are to be loaded, but by the serial line of "
                         f"{board.title} only images come; ask for weights in ROM, which its bitstream holds.")


def _weighted(graph: StreamGraph, name: str) -> Weighted:
    layer = graph[name]
    assert isinstance(layer, Weighted)
    return layer


def _in_ultraram(graph: StreamGraph, name: str, any_weights: bool) -> Weighted:
    layer = _weighted(graph, name)
    form = layer.loaded or widths_for(layer, any_weights=any_weights, leaves=layer is graph.output)
    return layer.loaded_as(replace(form, ultra=True))


def streamed(graph: StreamGraph, rows: Mapping[str, int], *, any_weights: bool = False) -> StreamGraph:
    """The graph with the weights of some layers read from external memory, once for so many rows of each."""
    changed = {}
    for name, number in rows.items():
        layer = _weighted(graph, name)
        form = layer.loaded or widths_for(layer, any_weights=any_weights, leaves=layer is graph.output)
        changed[name] = layer.loaded_as(replace(form, ultra=False, rows=number))
    return graph.with_layers(changed)


def widths_for(layer: Weighted, *, any_weights: bool = False, leaves: bool = False) -> Loaded:
    """The widths that a layer's loaded memories get.

    Weights get the range of their bits, without the least code where they don't have it.

    Args:
        any_weights: sums get the type that holds those of any weights and biases of as many bits, instead of the
            narrowest that holds those of the layer's own.
        leaves: what the layer puts out leaves the design.
    """
    least, most = int(layer.weights.min()), int(layer.weights.max())
    high = (1 << (bits_for(least, most) - 1)) - 1
    low = min(-high, least)
    exact = exact_sums(layer.weights, layer.bias, layer.input_type, layer.product_fraction)
    sums = _any_sums(layer, low, high) if any_weights else exact
    accumulator = covering(sums.low, sums.high, sums.fraction, signed=True)
    sources = (accumulator, *(stage.type for stage in layer.stages))
    numbers = next((found for stage, source in zip(layer.stages, sources, strict=False)
                    if (found := stage.widths(source)) is not None), None)
    if numbers is not None:
        return Loaded(low, high, accumulator, numbers=_roomy(numbers) if any_weights else numbers)
    (last, *others) = layer.stages
    if others or not leaves or not last.keeps(exact):
        return Loaded(low, high, accumulator)
    result = accumulator.of_width(accumulator.width + last.type.fraction - accumulator.fraction)
    return Loaded(low, high, accumulator, result if any_weights else last.type)


def _roomy(numbers: NumberWidths) -> NumberWidths:
    """With room for the numbers of other trainings, whose slopes are up to four times as steep or as flat.

    No widths hold the numbers of any training; who writes a file of weights finds out.
    """
    more = 2
    return NumberWidths(numbers.shift + more, numbers.factors + 2 * more, numbers.offsets + 2 * more,
                        numbers.splits and numbers.splits + more)


def _any_sums(layer: Weighted, low: int, high: int) -> FixedType:
    """What holds the sums of all weights of a range and of all biases of as many bits."""
    source, products = layer.input_type, layer.weights.size // layer.weights.shape[-1]
    ends = [weight * code for weight in (low, high) for code in (source.low, source.high)]
    bias = 1 << (bits_for(int(layer.bias.min()), int(layer.bias.max())) - 1)
    return covering(products * min(*ends, 0) - bias, products * max(*ends, 0) + bias - 1, layer.product_fraction)


def loaded_like(graph: StreamGraph, design: StreamGraph) -> StreamGraph:
    """A network's graph with weights that are loaded as those of a design that was made for others.

    Raises:
        ConfigurationError: weights or biases are finer than the design's.
    """
    forms = {layer.name: layer.loaded for layer in weighted(design)}
    return graph.with_layers({layer.name: layer.loaded_as(form) for layer in weighted(graph)
                              if (form := forms.get(layer.name)) is not None})


def all_loaded(graph: StreamGraph, *, any_weights: bool = False) -> StreamGraph:
    """The graph with all weights loaded at start-up."""
    return graph.with_layers({
        layer.name: layer.loaded_as(widths_for(layer, any_weights=any_weights, leaves=layer is graph.output))
        for layer in weighted(graph)})
