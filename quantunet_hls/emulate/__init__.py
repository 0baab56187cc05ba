"""The converted hls4ml model, executed exactly on whole batches of images."""

from __future__ import annotations

from quantunet_hls.emulate.emulator import Emulator, predict, trace
from quantunet_hls.emulate.program import Program
from quantunet_hls.emulate.read import read_program

__all__ = ["Emulator", "Program", "predict", "read_program", "trace"]
