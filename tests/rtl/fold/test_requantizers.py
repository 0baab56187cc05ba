"""Thresholds in the layers that have no multiplier blocks."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls import boards
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.folding_file import folded_as, folding_of
from quantunet_hls.rtl.fold.multipliers import multiplying
from quantunet_hls.rtl.reference import execute
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import PIXEL, convolution

FOUR = Requantize(FixedType(4, 0, False), 0, 15, 12, ((371, -222, 501, 95),), ((30_000, 9_000, -4_000, 100),))
EIGHT = replace(FOUR, type=FixedType(8, 0, False), high=255, shift=8)
SHIFT = replace(FOUR, factors=((4,),), offsets=((9,),), shift=5)


def graph(stage: Requantize) -> StreamGraph:
    layer = convolution("a", "image", 2, 4, (4, 6), PIXEL, seed=1)
    return StreamGraph("one", (Input("image", (), Shape(4, 6, 2), PIXEL),
                               replace(layer, stages=(stage,), type=stage.type)))


@pytest.mark.parametrize(("stage", "kind", "searched"), [
    (FOUR, "lut", True), (FOUR, "dsp", False), (EIGHT, "lut", False), (SHIFT, "lut", False)])
def test_few_levels_of_a_layer_without_blocks_are_thresholds(stage, kind, searched):
    given, board = graph(stage), boards.load("zcu104")
    made = multiplying(given, kind, board)
    assert isinstance(made["a"].stages[0], MultiThreshold) == searched
    frames = np.random.default_rng(0).integers(PIXEL.low, PIXEL.high + 1, (3, 4, 6, 2))
    assert np.array_equal(execute(made, frames)["a"], execute(given, frames)["a"])
    # A folding that was written down gives the same hardware.
    assert folded_as(given, folding_of(made), XCUP)["a"].stages == made["a"].stages
