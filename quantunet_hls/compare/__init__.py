"""Designs side by side: reports of any origin opened, compared, gated, and shown as tables and as a page."""

from quantunet_hls.compare.comparison import Comparison, Design, compare
from quantunet_hls.compare.sources import open_designs

__all__ = ["Comparison", "Design", "compare", "open_designs"]
