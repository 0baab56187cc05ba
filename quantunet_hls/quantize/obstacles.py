"""Every reason why a network can't be built."""

from __future__ import annotations

from quantunet_hls.core.errors import FloatNetworkError, IllegalGraphError
from quantunet_hls.ingest import ingest, violations
from quantunet_hls.ingest.passes.tabulate import tabulate
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.quantize.core import draft
from quantunet_hls.quantize.grids import Scales
from quantunet_hls.quantize.network import open_float
from quantunet_hls.quantize.plan import plan_quantizers

__all__ = ["obstacles"]


def obstacles(source: NetworkSource) -> tuple[IllegalGraphError, ...]:
    """The rules that a network breaks, in graph order; none where it can be built.

    Of a float network the first is that it is one. The others are those that quantizing it would leave.

    Raises:
        ConfigurationError: a graph that is malformed, leaves shapes open or is too large.
    """
    try:
        if source.quantized:
            infer_types(ingest(source.graph()).model)
            return ()
        plan = plan_quantizers(open_float(source).folded)
        return (FloatNetworkError(source.name), *violations(tabulate(draft(plan, Scales.POWER_OF_TWO))))
    except IllegalGraphError as error:
        return error.violations
