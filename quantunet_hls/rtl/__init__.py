"""Streaming RTL: from hls4ml's ModelGraph to Verilog, simulated, mapped, placed and routed without vendor tools."""
