"""What is done with a hostile file of each format: all that the package itself does before it runs a tool on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from quantunet_hls.boards import load
from quantunet_hls.errors import QuantUNetError
from quantunet_hls.folded_design import fold_design, read_folding
from quantunet_hls.folding import Goal
from quantunet_hls.hls.convert import conv_work
from quantunet_hls.ingest import HardwareGraph, ingest, load_qonnx
from quantunet_hls.reports.render import terminal_report
from quantunet_hls.reports.schema import Report
from quantunet_hls.tuning.precision import chosen_types, read_precision, with_precision
from quantunet_hls.types import infer_types
from tests.builders import small_unet

__all__ = ["SEEDS", "TARGETS", "sentence_of"]
