"""The vendor's tools: Vitis HLS, Vivado HLS and Vivado, where they are installed."""

from quantunet_hls.hls.vendor.build import build, versions
from quantunet_hls.hls.vendor.discover import Tool, hls_tool, vivado
from quantunet_hls.hls.vendor.plan import BuildPlan, Phase, make_plan, phases_needed
from quantunet_hls.hls.vendor.project import HlsProject
from quantunet_hls.hls.vendor.results import VendorResult

__all__ = [
    "BuildPlan",
    "HlsProject",
    "Phase",
    "Tool",
    "VendorResult",
    "build",
    "hls_tool",
    "make_plan",
    "phases_needed",
    "versions",
    "vivado",
]
