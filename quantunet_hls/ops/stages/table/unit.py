"""A table in hardware: a ROM a lane, in LUTs or in block RAM by its size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Value

from quantunet_hls.ops.hardware.pipeline import Pipeline
from quantunet_hls.ops.hardware.requantize import as_type, extended, rounded
from quantunet_hls.ops.hardware.rom import rom
from quantunet_hls.ops.stages.table.stage import Table
from quantunet_hls.ops.unit import StageUnit
from quantunet_hls.types.fixed import FixedType

__all__ = ["FACET"]


def _registered(pipeline: Pipeline, lanes: Sequence[Value], source: FixedType, stage: Table) -> list[Value]:
    """The entry that the bits of each lane stand for."""
    words, width = np.array(stage.by_bits)[:, None], stage.index.width
    results: list[Value] = []
    for lane, value in enumerate(lanes):
        data, at = rom(pipeline.module, f"table_{pipeline.stages}_{lane}", words, stage.type.width)
        # What comes is a multiple of the table's step and within its ends, so nothing is lost.
        steps = rounded(value, source.fraction - stage.fraction, "TRN")
        pipeline.module.d.sync += at.eq(extended(steps, width).as_unsigned()[:width])
        results.append(as_type(data, stage.type))
    pipeline.advance()
    pipeline.advance()
    return results


FACET = StageUnit(_registered)
