"""Families of parts: for each one room with its numbers, its files and its drivers; :data:`FAMILIES` lists them."""

from quantunet_hls.targets.cells import CellCount, count_cells
from quantunet_hls.targets.family import Family
from quantunet_hls.targets.lut_parts import LutParts
from quantunet_hls.targets.table import FAMILIES, Part, check_part, family_named, part_named

__all__ = ["FAMILIES", "CellCount", "Family", "LutParts", "Part", "check_part", "count_cells", "family_named",
           "part_named"]
