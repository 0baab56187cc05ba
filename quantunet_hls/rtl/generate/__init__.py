"""From the stream graph to Verilog."""
