"""AMD UltraScale: what UltraScale+ is, but for its parts and for UltraRAM."""

from __future__ import annotations

from dataclasses import replace

from quantunet_hls.targets.amd.synthesis import XilinxSynthesis
from quantunet_hls.targets.family import Series
from quantunet_hls.targets.xcup import MEMORY_OPTIONS, XCUP

__all__ = ["XCU"]

XCU = replace(
    XCUP,
    name="xcu",
    title="UltraScale",
    series=(Series("Kintex UltraScale", r"xcku\d+", 5.0), Series("Virtex UltraScale", r"xcvu\d+", 5.0)),
    synthesis=XilinxSynthesis("xcu", MEMORY_OPTIONS, "brams_xcu_map.v", "xcu_dsp_map.v"),
)
