"""Every reason why a network can't be built."""

from __future__ import annotations

import torch

from quantunet_hls.core.errors import FloatNetworkError, IllegalGraphError
from quantunet_hls.ingest import ingest, violations
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.quantize.core import planned
from quantunet_hls.quantize.network import open_float
from quantunet_hls.quantize.settings import Settings
from quantunet_hls.quantize.statistics import statistics_of, why_not_frozen

__all__ = ["obstacles"]


def obstacles(source: NetworkSource) -> tuple[IllegalGraphError, ...]:
    """The rules that a network breaks, in graph order; none where it can be built.

    Of a float network the first is that it is one, then come normalizations that must be frozen or replaced, and then
    what quantizing would leave.

    Raises:
        ConfigurationError: a graph that is malformed, leaves shapes open or is too large.
    """
    try:
        if source.quantized:
            infer_types(ingest(source.graph()).model)
            return ()
        network = open_float(source, freeze=True)
        # Whatever they are frozen to, the rest is refused for the same reasons.
        _, drafted = planned(network.frozen_by(torch.zeros(1, *network.image)), Settings().scales)
        return (FloatNetworkError(source.name), *map(why_not_frozen, statistics_of(network.given)),
                *violations(drafted))
    except IllegalGraphError as error:
        return error.violations
