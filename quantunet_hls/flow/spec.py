"""What is asked for, as one value; whoever offers its options, in Python, on a screen or in a file, reads them here.

A new option is a field of :class:`DesignSpec`, and the step that uses it.
"""

# The annotations are values, which quantunet_hls.flow.options reads; so nothing here makes text of them.
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.flow.options import Option, SpecField, check_choices, spec_fields
from quantunet_hls.flow.steps import STEPS
from quantunet_hls.folding.goal import Goal
from quantunet_hls.hls.vendor.plan import Phase
from quantunet_hls.reports.schema import Told

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

__all__ = ["ARITHMETICS", "NETLISTS", "OUTPUTS", "RTL_SIMULATIONS", "SUMS", "TOOLCHAINS", "WEIGHTS", "DesignSpec"]

#: Who can be asked to synthesize: a vendor's tool, the open tool chain, nobody, or the first of these that is here.
TOOLCHAINS = ("auto", "vitis", "vivado", "open", "none")

#: What the streaming RTL can multiply with; "auto" lets the board's balance decide for each layer.
ARITHMETICS = ("auto", "dsp", "packed", "lut")

#: Where the streaming RTL can have its weights, and whose sums its types hold where they are loaded.
WEIGHTS = ("auto", "rom", "loaded", "streamed")
SUMS = ("trained", "any")

#: What a design can send: what the network computes, or the class of each pixel.
OUTPUTS = ("logits", "mask")

#: How much of the mapped netlist can be simulated: the smallest modules, or every module.
NETLISTS = ("sample", "all")

#: How the RTL can be simulated: as a whole, every layer by itself, or as a whole where that takes minutes.
RTL_SIMULATIONS = ("auto", "whole", "layers")

#: Far more than are held at once, of whatever size (:func:`quantunet_hls.data.check_images.check_count`).
_MOST_IMAGES = 1_000_000
#: Nanoseconds.
_SHORTEST_CLOCK, _LONGEST_CLOCK = 0.5, 1000
#: Minutes: seconds, and a month.
_LEAST_MINUTES, _MOST_MINUTES = 0.01, 50_000


@dataclass(frozen=True)
class DesignSpec:
    """A design that is asked for; what can be told wrong without a look at any file is refused when it is made.

    What each field means, :class:`Option` says beside it.

    Raises:
        ConfigurationError: no such choice, a clock that nothing keeps, two goals, or neither board nor part.
    """

    model: Annotated[
        "str | Path | nn.Module",
        Option("zoo name, .pt checkpoint, .onnx file, or module; a float one needs data, too", written=str,
               reported=False)]
    board: Annotated[
        str | None,
        Option("a board of the catalogue, see `quantunet-hls boards`, or the path of a board's JSON",
               reported=False)] = None
    _: KW_ONLY
    part: Annotated[str | None, Option("any part instead, with package and speed grade", reported=False)] = None
    name: Annotated[str | None, Option("name of the project and its report", "model and board", reported=False)] = None
    input_shape: Annotated[
        tuple[int, int, int] | None,
        Option("channels, height, width of an image; needed for a module, optional for a checkpoint",
               "what it was trained on", flag="size", metavar="C H W", reported=False)] = None
    result: Annotated[
        str | None,
        Option("which of a network's several outputs the design computes, by its name; a module's are called as in "
               "its dictionary, or output_0, output_1 ...", metavar="NAME", shared=True)] = None
    multiplier_budget: Annotated[
        int | None,
        Option("multipliers that all convolutions may have together", "half the part's DSP blocks, if nothing else is "
               "asked for", flag="multipliers", axis="multipliers", label="m{}")] = None
    target_fps: Annotated[
        float | None,
        Option("or: frames a second to reach at the clock, in the fewest resources", flag="fps", axis="fps",
               label="{}fps")] = None
    target_latency_us: Annotated[
        float | None,
        Option("or: microseconds from a frame's first pixel to its last result (open tool chain)", flag="latency-us",
               axis="latency_us", label="{}us")] = None
    target_share: Annotated[
        float | None,
        Option("or: the share of the board that may be taken, above 0 and up to 1; as fast as that allows",
               flag="share", axis="share", label="share{}")] = None
    folding: Annotated[
        str | Path | None,
        Option("or: a file with the parallelism of every layer, such as an earlier design's folding.json, edited; "
               "taken instead of what would be found")] = None
    clock_ns: Annotated[float | None, Option("clock period in ns", "the board's", axis="clock_ns", label="{}ns")] = None
    arithmetic: Annotated[
        str,
        Option("what the open tool chain's RTL multiplies with: a DSP block each product, several products a block, "
               "LUTs, or for each layer what suits the part's balance of them", choices=ARITHMETICS,
               noun="arithmetic", axis="arithmetic", whole=True)] = "auto"
    weights: Annotated[
        str,
        Option("where the open tool chain's RTL has its weights: in the netlist, in memories that a file beside the "
               "design fills at start-up, or in external memory; auto is the netlist, but UltraRAM where block RAM is "
               "short, and external memory for the largest layers where that is short, too",
               choices=WEIGHTS, noun="place for weights", axis="weights", whole=True)] = "auto"
    sums: Annotated[
        str,
        Option("what the types of a design with loaded weights hold: the sums of the trained weights, or of any "
               "weights of their widths", choices=SUMS, noun="kind of sums", axis="sums", whole=True)] = "trained"
    data: Annotated[
        "str | Path | np.ndarray | None",
        Option("images to check with: a folder, a file, or a .npy array", "drawn phantoms", written=Path,
               shared=True)] = None
    images: Annotated[int, Option("how many images to check with", shared=True)] = 4
    output: Annotated[
        str,
        Option("what the design sends: what the network computes, or the largest class of each pixel, of a network "
               "with one class 1 where it is positive", choices=OUTPUTS, noun="output", axis="output")] = "logits"
    image_minutes: Annotated[
        float,
        Option("minutes that an image may take in the C-simulation and in the RTL's, which is stopped then",
               shared=True, reported=False)] = 60.0
    rtl: Annotated[
        str,
        Option("how the open tool chain's RTL is simulated: the whole design, or every layer by itself between what "
               "its sources must give; auto is the whole, but where a frame would take longer than some minutes",
               choices=RTL_SIMULATIONS, noun="way to simulate the RTL", shared=True, whole=True)] = "auto"
    netlist: Annotated[
        str,
        Option("how much of the open tool chain's mapped netlist is simulated: the smallest modules, or every one",
               choices=NETLISTS, noun="extent of the netlist's simulation", shared=True, whole=True)] = "sample"
    toolchain: Annotated[
        str,
        Option("who synthesizes; auto is the first of vitis, vivado and open that is here", choices=TOOLCHAINS,
               noun="tool chain", shared=True, whole=True)] = "auto"
    # Callers, grids and reports have this name; everywhere else they are phases, for a stage is what follows sums.
    stages: Annotated[
        Sequence[str],
        Option("what to ask the vendor's tools for; with the open tool chain, implement runs Vivado on the RTL",
               choices=tuple(Phase), noun="stage", flag="stage", shared=True, whole=True)] = ("csynth",)
    precision: Annotated[
        str | Path | None,
        Option("a file of types to build it with, such as an earlier design's precision.json, edited",
               "the network's own and, for the rest, the proven ones", axis="precisions", whole=True)] = None
    bits: Annotated[
        int,
        Option("bits of weights and activations of a float network, which is quantized with the images of data; its "
               "image has 8", shared=True)] = 8
    means: Annotated[
        Sequence[float],
        Option("of a float network that was trained with (v / 255 - MEAN) / STD: once, or once a channel", "v / 256",
               flag="mean", shared=True)] = ()
    deviations: Annotated[Sequence[float], Option("see mean", flag="std", shared=True)] = ()
    freeze_statistics: Annotated[
        bool,
        Option("freeze a float network's instance and group normalization to the statistics of the images that it is "
               "quantized with; the report says what that costs", shared=True)] = False
    folds: Annotated[
        Sequence[int],
        Option("where data is a folder with masks, the fold that accuracy is measured on, and that a float network is "
               "not calibrated with", "all", flag="fold", shared=True, whole=True)] = ()
    baseline: Annotated[
        str | None,
        Option("a float network of the zoo to put its accuracy beside", flag="float", shared=True, whole=True)] = None
    first: Annotated[
        str | None,
        Option("run from this step on, even if nothing changed", choices=STEPS, noun="step", flag="from",
               metavar="STEP", reported=False, whole=True)] = None
    last: Annotated[
        str | None,
        Option(f"stop behind this step: {', '.join(STEPS[:-1])} or {STEPS[-1]}", choices=STEPS, noun="step", flag="to",
               metavar="STEP", shared=True, reported=False, whole=True)] = None
    projects: Annotated[str | Path, Option("folder for the project folders", reported=False)] = "hls_projects"
    reports: Annotated[str | Path, Option("folder for the reports", reported=False)] = "reports"

    def __post_init__(self) -> None:
        check_choices(self)
        if (self.board is None) == (self.part is None):
            raise ConfigurationError("Give a board of the catalogue or a part, one of the two.")
        if self.clock_ns is not None and not _SHORTEST_CLOCK <= self.clock_ns <= _LONGEST_CLOCK:
            raise ConfigurationError(f"A clock period of {self.clock_ns} ns can't be built; give {_SHORTEST_CLOCK:g} "
                                     f"to {_LONGEST_CLOCK:g} ns.")
        if not _LEAST_MINUTES <= self.image_minutes <= _MOST_MINUTES:
            raise ConfigurationError(f"An image can't be given {self.image_minutes:g} minutes; give "
                                     f"{_LEAST_MINUTES:g} to {_MOST_MINUTES:,}.")
        if self.images > _MOST_IMAGES:
            raise ConfigurationError(f"A design is checked with {_MOST_IMAGES:,} images at most, not {self.images:,}.")
        # It refuses what can't be a goal.
        assert self.goal

    @property
    def goal(self) -> Goal:
        """What the design is folded for."""
        return Goal(self.multiplier_budget, self.target_fps, self.target_latency_us, self.target_share)

    def asked(self) -> dict[str, Told]:
        """What is not left at its default, as plain values for the report; of a file its name.

        Network, board and name stand there anyway, and how far a flow runs and where to says nothing of a design.
        """
        told = {field: _told(field, getattr(self, field.name)) for field in spec_fields(DesignSpec)
                if field.option.reported}
        return {field.name: value for field, value in told.items()
                if value is not None and value != _told(field, field.default)}

    def reaches(self, step: str) -> bool:
        """Whether the flow gets as far as a step."""
        return self.last is None or STEPS.index(step) <= STEPS.index(self.last)


def _told(field: SpecField, value: Any) -> Told | None:
    if field.repeated:
        return list(value)
    if field.kind is not Path or value is None:
        told: Told | None = value
        return told
    return Path(value).name if isinstance(value, str | Path) else "an array"
