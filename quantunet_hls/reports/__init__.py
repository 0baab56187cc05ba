"""What is known of a design: one schema, parsers of the vendor's reports, tables for people."""

from quantunet_hls.reports.figure import Figure, Source, Subject
from quantunet_hls.reports.schema import Check, LayerReport, Network, Report, Target

__all__ = ["Check", "Figure", "LayerReport", "Network", "Report", "Source", "Subject", "Target"]
