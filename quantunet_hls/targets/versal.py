"""AMD Versal, to which Yosys does not map: the C++ is for it, and the RTL is estimated as for UltraScale+."""

from __future__ import annotations

from dataclasses import replace

from quantunet_hls.targets.family import Series
from quantunet_hls.targets.xcup import XCUP

__all__ = ["VERSAL"]

VERSAL = replace(
    XCUP,
    name="versal",
    title="Versal",
    series=(Series("Versal", r"xcv[cepmh]\d+", 4.0),),
    toolchains=("vitis", "vivado"),
    synthesis=None,
    models=None,
    delays=None,
)
