"""Layers with weights: what they multiply with, and in which order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError
from quantunet_hls.ops.feed import CHECKSUM_BITS, Feed, beats_of, checksum_of
from quantunet_hls.ops.loaded import Loaded, LoadedMemory, LoadedTable, NumberWidths
from quantunet_hls.ops.multipliers import BLOCKS, Multipliers
from quantunet_hls.ops.packing import (
    MOST_PRODUCTS,
    NARROWEST_BLOCK_PRODUCT,
    lut_stages,
    packing,
    stored_codes,
)
from quantunet_hls.ops.products import exact_sums, in_steps
from quantunet_hls.ops.stages.base import Stage, reduced, retyped
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.windowed import Windowed
from quantunet_hls.targets.memories import Memory
from quantunet_hls.types.fixed import FixedType, Integers, bits_for

__all__ = ["Weighted", "weighted"]


@dataclass(frozen=True, eq=False)
class Weighted(Windowed):
    """Common to all layers with weights.

    Attributes:
        narrows: whether it is known with other widths, by :meth:`narrowed`.
        weights: integer codes, kernel height and width first, output channels last.
        bias: integer codes (output channels), in steps of the products: ``2**-product_fraction``.
        product_fraction: fraction bits of input times weight.
        multipliers: what the products are made of.
        loaded: of weights that are loaded at start-up the widths; None where they are part of the netlist.
    """

    narrows: ClassVar[bool] = False

    weights: Integers
    bias: Integers
    product_fraction: int
    stages: tuple[Stage, ...]
    multipliers: Multipliers = field(default=BLOCKS, kw_only=True)
    loaded: Loaded | None = field(default=None, kw_only=True)

    @property
    def sharing(self) -> int:
        """Processing elements, side by side, that multiply the same activations."""
        return self.lanes

    @property
    def shares_inputs(self) -> bool:
        """Whether all processing elements multiply the same activations."""
        return self.sharing == self.lanes

    @property
    def title(self) -> str:
        """What it is and what it multiplies with."""
        if self.loaded is None:
            return f"{self.kind}, {self.multipliers}"
        if self.feed:
            return f"{self.kind}, {self.multipliers}, weights streamed once for {self.loaded.rows} rows"
        memory = self.memories[0]
        place = "UltraRAM" if self.loaded.ultra else "RAM" if memory.depth > 1 else "registers"
        return f"{self.kind}, {self.multipliers}, weights loaded into {place} ({memory.depth} x {memory.width} bits)"

    @cached_property
    def accumulator(self) -> FixedType:
        """The narrowest type that no partial sum overflows, from the weights themselves, or that of loaded weights."""
        if self.loaded:
            return self.loaded.accumulator
        return exact_sums(self.weights, self.bias, self.input_type, self.product_fraction)

    @property
    def unstaged(self) -> FixedType:
        """That of the exact sums."""
        return self.accumulator

    @property
    def macs(self) -> int:
        """Multiplications of a frame, those with padding included."""
        return self.shape.pixels * self.weights.size

    @property
    def products_each(self) -> int:
        """Multipliers of a processing element."""
        return self.mac_units // self.lanes

    @property
    def weight_ends(self) -> Integers:
        """The least and the largest weight that the hardware has to multiply with."""
        if self.loaded:
            return np.array([self.loaded.low, self.loaded.high])
        return np.array([self.weights.min(), self.weights.max()])

    @property
    def weight_bits(self) -> int:
        """Bits of the narrowest weights' two's complement."""
        return bits_for(*map(int, self.weight_ends))

    @property
    @abstractmethod
    def words(self) -> Integers:
        """Weights in the order they are used: (words, processing elements, products of each)."""

    @property
    def constant(self) -> bool:
        """Whether each multiplier has one weight for ever."""
        return False

    # Weights that are loaded.

    @property
    def hardware(self) -> Self:
        """The layer as its module is made: without the weights where they are loaded."""
        if self.loaded is None:
            return self
        changed: Any = {"stages": tuple(stage.hardware for stage in self.stages)}
        return replace(self, weights=np.broadcast_to(np.int64(0), self.weights.shape),
                       bias=np.broadcast_to(np.int64(0), self.bias.shape), **changed)

    @property
    def memories(self) -> tuple[LoadedMemory, ...]:
        """What is loaded, in the order in which it is; the weights come first."""
        if self.loaded is None:
            return ()
        groups = self.shape.channels // self.lanes
        first = (LoadedMemory("image", 1, CHECKSUM_BITS) if self.feed else
                 LoadedMemory("weights", self.weights.size // self.mac_units, self.mac_units * self.stored_bits))
        return (first, LoadedMemory("biases", groups, self.lanes * self.loaded.accumulator.width),
                *(table.memory for table in self._stage_tables))

    @property
    def contents(self) -> tuple[LoadedTable, ...]:
        """What these memories are filled with."""
        if self.loaded is None:
            return ()
        first = self._stored
        if self.feed:
            # As a code of so many bits, which has a sign.
            checksum = checksum_of(self.fed)
            code = checksum - (checksum >> (CHECKSUM_BITS - 1) << CHECKSUM_BITS)
            first = LoadedTable("image", np.array([[code]], np.int64), CHECKSUM_BITS)
        return (first, LoadedTable("biases", self.bias.reshape(-1, self.lanes), self.loaded.accumulator.width),
                *self._stage_tables)

    @property
    def _stored(self) -> LoadedTable:
        """The weights, wherever they are loaded from."""
        stored = stored_codes(self.words, self.multipliers)
        return LoadedTable("weights", stored.reshape(len(stored), -1), self.stored_bits)

    @property
    def _stage_tables(self) -> tuple[LoadedTable, ...]:
        return tuple(table for stage in self.stages for table in stage.tables(self.lanes))

    @property
    def weight_memory(self) -> Memory | None:
        """The memory of its weights; None where they are constants, or registers, or elsewhere."""
        depth = self.weights.size // self.mac_units
        if self.feed or depth == 1 or self.multipliers.kind == "adders":
            return None
        if self.loaded:
            return Memory(depth, self.mac_units * self.stored_bits, ultra=self.loaded.ultra)
        stored = stored_codes(self.words, self.multipliers)
        return Memory(depth, self.mac_units * bits_for(int(stored.min()), int(stored.max())), rom=True)

    @property
    def feed_memory(self) -> Memory | None:
        """Where weights are streamed the memory of those of two groups."""
        return Memory(2 * self.window_beats, self.feed.width) if self.feed else None

    @property
    def bias_memory(self) -> Memory | None:
        """The memory of its biases where they are loaded and are no registers."""
        groups = self.shape.channels // self.lanes
        if self.loaded is None or groups == 1:
            return None
        return Memory(groups, self.lanes * self.loaded.accumulator.width, registered=False)

    # Weights that are read from external memory while it computes.

    @property
    def streamable(self) -> bool:
        """Whether it can compute all pixels of a block with a group of weights before the next one comes."""
        return False

    @property
    def feed(self) -> Feed | None:
        """Its weights, where they are in external memory."""
        return self.feed_layout if self.loaded and self.loaded.rows else None

    @property
    def feed_layout(self) -> Feed:
        """How its weights would lie there."""
        return Feed(self.weights.size // self.mac_units, self.mac_units * self.stored_bits)

    @property
    def fed(self) -> np.ndarray:
        """These weights as they lie there (beats, 32-bit words)."""
        return beats_of(self._stored)

    @property
    def feedings(self) -> int:
        """Times in a frame that it reads all of them."""
        if self.loaded is None or self.loaded.rows is None:
            return 0
        return self.shape.height // self.loaded.rows

    @property
    def block_rows(self) -> int | None:
        """Rows for which it reads its weights once, where its channels come in turns."""
        return self.loaded.rows if self.loaded and self.repeats > 1 else None

    @property
    def block_pixels(self) -> int:
        """Pixels that are computed with a group of weights before the next one comes."""
        return self.loaded.rows * self.shape.width if self.loaded and self.loaded.rows else 1

    def loaded_as(self, form: Loaded) -> Self:
        """The layer with weights that are loaded, in the widths of a design that may have been made for others.

        Raises:
            ConfigurationError: its weights or biases are finer than the design's, or its sums wider than the type in
                which they leave it.
        """
        finer = form.accumulator.fraction - self.product_fraction
        weights, bias = (in_steps(codes, finer) for codes in (self.weights, self.bias))
        if weights is None or bias is None:
            raise ConfigurationError(
                f"The products of {self.name!r} have {self.product_fraction} fraction bits, and its design takes "
                f"{form.accumulator.fraction}; make a design of its own for this network.")
        self._check_range(weights, form)
        stages = reduced(form.accumulator, self.stages)
        if form.result is not None:
            if not form.result.holds(exact_sums(weights, bias, self.input_type, form.accumulator.fraction)):
                raise ConfigurationError(f"Sums of {self.name!r} could leave {form.result}, in which its design sends "
                                         "them; make a design of its own for this network, or one for any weights.")
            stages = (*stages[:-1], retyped(stages[-1], form.result))
        if form.numbers is not None:
            stages = self._loaded_stages(stages, form.numbers, form.accumulator)
        changed: Any = {"stages": stages}
        return replace(self, weights=weights, bias=bias, product_fraction=form.accumulator.fraction, loaded=form,
                       type=stages[-1].type, **changed)

    def _loaded_stages(self, stages: tuple[Stage, ...], numbers: NumberWidths, source: FixedType) -> tuple[Stage, ...]:
        """The stages, the first that has numbers of training with such as are loaded."""
        sources = (source, *(stage.type for stage in stages))
        place = next((at for at, stage in enumerate(stages) if stage.widths(sources[at])), None)
        if place is None:
            raise ConfigurationError(f"Layer {self.name!r} has no requantizer, so its design is not for it; make one "
                                     "of its own for this network.")
        try:
            loaded = stages[place].loaded_as(numbers, sources[place], self.shape.channels)
        except ConfigurationError as error:
            raise ConfigurationError(f"Layer {self.name!r} does not fit its design: {error}; make a design of its own "
                                     "for this network.") from error
        return (*stages[:place], loaded, *stages[place + 1:])

    def check_contents(self) -> None:
        """Refuse weights and biases that are not of the loaded memories' widths, or whose sums could overflow.

        Raises:
            ConfigurationError: says what, and what to do.
        """
        form = self.loaded
        if form is None:
            return
        self._check_range(self.weights, form)
        sums = exact_sums(self.weights, self.bias, self.input_type, self.product_fraction)
        if not form.accumulator.holds(sums):
            raise ConfigurationError(
                f"Sums of {self.name!r} could take {sums.width} bits, and its design has {form.accumulator.width}; "
                "make a design of its own for this network, or one for any weights.")
        for table in self._stage_tables:
            if not table.fits:
                raise ConfigurationError(f"The {table.name}s of the requantizer of {self.name!r} take more than the "
                                         f"{table.bits} bits of its design; make a design of its own for this network.")

    def _check_range(self, weights: Integers, form: Loaded) -> None:
        low, high = int(weights.min()), int(weights.max())
        if low < form.low or high > form.high:
            raise ConfigurationError(
                f"The weights of {self.name!r} reach from {low} to {high}, and its design takes {form.low} to "
                f"{form.high}; make a design of its own for this network.")

    @property
    def stored_bits(self) -> int:
        """Bits of a weight as a loaded memory has it: in a packed word it may be one less than it is."""
        low, high = map(int, self.weight_ends)
        return bits_for(low - (self.multipliers.kind == "packed"), high)

    def check(self) -> None:
        """Refuse multipliers that it can't have."""
        super().check()
        kind = self.multipliers.kind
        if kind not in ("dsp", "packed", "lut", "adders"):
            raise IllegalGraphError(self.name, f"there are no multipliers of kind {kind!r}",
                                    "use dsp, packed, lut or adders")
        if self.feed and not self.streamable:
            raise IllegalGraphError(self.name, "it is a layer whose weights can't be streamed in this folding",
                                    "have them loaded, or fold it to a SIMD of at most its input channels")
        if self.feed and self.loaded and self.loaded.rows and self.shape.height % self.loaded.rows:
            raise IllegalGraphError(self.name, f"blocks of {self.loaded.rows} rows do not divide its "
                                    f"{self.shape.height} rows", "choose a divisor")
        if kind == "adders" and not self.constant:
            raise IllegalGraphError(self.name, "its weights change from clock to clock, so they can't be adders",
                                    "unroll a convolution fully or use other multipliers")
        if kind == "packed" and not self.shares_inputs:
            raise IllegalGraphError(self.name, "no two of its products share an activation, so they can't be packed",
                                    "use other multipliers")

    # What the products can be made of.

    @property
    def narrow_products(self) -> bool:
        """Whether Yosys makes its products in LUTs where they are not packed: by bits of operands, not by values."""
        return self.weight_bits + self.input_type.width < NARROWEST_BLOCK_PRODUCT

    def multiplier_choices(self, operands: tuple[int, int]) -> Iterator[Multipliers]:
        """All that it can multiply with, plain blocks first where its products are wide enough.

        Args:
            operands: bits of the operands of the part's multiplier blocks.
        """
        narrow = self.narrow_products
        if not narrow:
            yield BLOCKS
        if self.shares_inputs:
            for products in range(2, min(MOST_PRODUCTS, self.lanes) + 1):
                packed = packing(self.weight_ends, self.input_type, products, operands)
                if packed:
                    rest = self.lanes % products
                    if rest != 1 or not narrow:
                        yield packed
                    # In two stages or more the look-up tables would be later than the blocks.
                    if rest and lut_stages(self.weight_bits) == 1:
                        yield replace(packed, rest_in_luts=True)
        yield Multipliers("lut")
        if self.constant:
            yield Multipliers("adders")

    def folding(self) -> dict[str, int | str]:
        """What a folding chose of it, its multipliers included."""
        storage = ({"weights": "streamed" if self.feed else "loaded", **self.loaded.written()} if self.loaded else
                   {"weights": "rom"})
        return {**super().folding(), "multipliers": str(self.multipliers), **storage}

    def folded_as(self, values: Mapping[str, object], operands: tuple[int, int]) -> Self:
        """The layer folded as a file says, with the multipliers of that name."""
        folded = super().folded_as(values, operands)
        if folded.shape.channels % folded.lanes:
            # The graph's own check says so better.
            return folded
        text = values["multipliers"]
        possible = {str(choice): choice for choice in (BLOCKS, *folded.multiplier_choices(operands))}
        if not isinstance(text, str) or text not in possible:
            raise ConfigurationError(f"Layer {self.name!r} can't multiply with {text!r} at this folding; "
                                     f"it can with {', '.join(possible)}.")
        return replace(folded, multipliers=possible[text])

    # Other widths.

    def narrowed(self, source: FixedType, widest: int, bits: int, result: int | None) -> Self:
        """The layer with weights, input and result of other widths.

        Args:
            source: type of the input.
            widest: bits of the weights that it has.
            bits: that they shall have.
            result: bits of the result; None for that of the exact sums.
        """
        raise NotImplementedError


def weighted(graph: StreamGraph) -> tuple[Weighted, ...]:
    """The layers with weights, in the graph's order."""
    return tuple(layer for layer in graph.layers if isinstance(layer, Weighted))
