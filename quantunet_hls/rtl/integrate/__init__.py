"""Designs in systems: buses, boards, IP catalogues, Vivado."""
