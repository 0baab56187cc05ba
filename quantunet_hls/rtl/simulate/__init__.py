"""Streaming designs simulated: the RTL, one layer alone, the mapped netlist."""
