"""Lanes of pixels out of channels."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.depth_to_space.stream import DepthToSpace
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.upsample.stream import Upsample
from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold
from tests.rtl.graphs import PIXEL


def joined(*, pixelwise):
    low, high = Shape(3, 4, 16), Shape(6, 8, 4)
    return StreamGraph("joined", (
        Input("image", (), low, PIXEL),
        DepthToSpace("blocks", ("image",), high, PIXEL, low, 2, pixelwise),
        Upsample("up", ("image",), replace(high, channels=16), PIXEL, low, (2, 2)),
        Concat("both", ("blocks", "up"), replace(high, channels=20), PIXEL, (4, 16)),
    ))


def test_channels_that_stand_apart_come_one_a_beat_also_where_a_join_reads_more():
    graph = joined(pixelwise=False)
    folded = fold(graph, fewest_cycles(graph))
    assert folded["both"].lanes > folded["blocks"].lanes == 1
    assert {layer.lanes for layer in graph["blocks"].foldings()} == {1}
    with pytest.raises(IllegalGraphError, match="use one lane"):
        graph.with_layers({"blocks": replace(graph["blocks"], lanes=2)})


def test_channels_that_stand_side_by_side_come_together():
    graph = joined(pixelwise=True)
    assert {layer.lanes for layer in graph["blocks"].foldings()} == {1, 2, 4}
    folded = fold(graph, fewest_cycles(graph))
    assert folded["blocks"].lanes == folded["both"].lanes
    assert np.prod(folded["blocks"].shape.axes) // folded["blocks"].lanes == folded["blocks"].cycles
