"""The converted hls4ml model, executed exactly on whole batches of images."""

from __future__ import annotations

from quantunet_hls.emulate.emulator import Emulator, predict, trace
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ops.network import TypedNetwork

__all__ = ["Emulator", "TypedNetwork", "predict", "read_network", "trace"]
