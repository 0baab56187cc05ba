"""A sigmoid in hardware: a ROM a lane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Mux, Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import as_type, rounded
from quantunet_hls.ops.hardware.rom import rom
from quantunet_hls.ops.stages.sigmoid.stage import SIGMOID_REACH, Sigmoid
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Sigmoid) -> list[Value]:
    """The table's entries: ``sigmoid_index`` of :mod:`.stage` as hardware."""
    size = len(stage.table)
    gain = size // (2 * SIGMOID_REACH)
    places = (gain & -gain).bit_length() - 1
    results: list[Value] = []
    for lane, value in enumerate(lanes):
        index = rounded(value * (gain >> places), source.fraction - places, "TRN_ZERO")
        words = np.array(stage.table)[:, None]
        data, at = rom(pipeline.module, f"sigmoid_{pipeline.stages}_{lane}", words, stage.type.width)
        pipeline.module.d.sync += at.eq(
            Mux(index < -(size // 2), 0, Mux(index >= size // 2, size - 1, index + size // 2)))
        results.append(as_type(data, stage.type))
    pipeline.advance()
    pipeline.advance()
    return results


FACET = StageUnit(_registered)
