"""Whether a board holds a design: before anything is mapped, afterwards, and with its UltraRAM."""

from __future__ import annotations

from dataclasses import asdict

from quantunet_hls.boards import Board
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import weighted
from quantunet_hls.rtl.generate.design import depth_of
from quantunet_hls.rtl.synthesize.mapping import MappedDesign
from quantunet_hls.targets import CellCount
from quantunet_hls.types.fixed import covering

__all__ = ["check_fits", "check_memory", "layers_for_ultraram"]

#: Blocks of 18 kbit that one UltraRAM block of 288 kbit stands for.
ULTRARAM_BLOCKS = 16


def layers_for_ultraram(mapped: MappedDesign, board: Board) -> list[str]:
    """Layers whose memories should be tried in UltraRAM: none, unless block RAM is short and the board has any.

    UltraRAM holds nothing after configuration (UG573), so a ROM is never one; Yosys
    knows that. Layers with less block RAM than one UltraRAM block holds are left alone.
    """
    have = board.resources
    if not have.uram or have.bram_18k is None or mapped.total.bram_18k <= have.bram_18k:
        return []
    return [layer for layer, module in mapped.layers.items() if module.count.bram_18k >= ULTRARAM_BLOCKS]


def check_memory(graph: StreamGraph, board: Board) -> None:
    """Refuse, before anything is mapped, what a board can't hold whatever the mapping.

    Raises:
        BoardError: weights and FIFOs have more bits than the board's memories together.
    """
    have = board.resources
    if have.bram_18k is None or have.lutram is None:
        return
    bits = sum(depth_of(graph, edge) * source.lanes * source.type.width for edge, source, _ in graph.edges)
    for layer in weighted(graph):
        bits += layer.weights.size * covering(int(layer.weights.min()), int(layer.weights.max()), 0).width
    # A LUT that is memory holds 64 bits (UG574), 16 on the ECP5; LUTs as ROM hold no more.
    room = have.bram_18k * 18 * 1024 + (have.uram or 0) * 288 * 1024 + max(have.lutram, have.lut or 0) * 64
    if bits > room:
        raise BoardError(f"The weights and FIFOs take {bits / 8e6:.1f} MB, but all memories of {board.title} hold "
                         f"{room / 8e6:.1f} MB; choose a smaller network, smaller images or a larger board.")


def check_fits(count: CellCount, board: Board) -> None:
    """Refuse what a board can't hold.

    Raises:
        BoardError: names the resource that is short by most, how many there are and how many it takes.
    """
    needs = {name: value for name, value in asdict(count).items() if name != "carry"}
    shares = {name: need / have for name, need in needs.items()
              if (have := getattr(board.resources, name)) and need > have}
    shares |= {name: float("inf") for name, need in needs.items() if need and getattr(board.resources, name) == 0}
    if shares:
        name = max(shares, key=shares.__getitem__)
        raise BoardError(f"The design takes {needs[name]} {name.upper()}, but {board.title} has "
                         f"{getattr(board.resources, name)}; ask for more cycles a frame or choose a larger board.")
