"""What other programs wrote of a design, read with suspicion: HLS tools, Vivado, hls4ml projects, FINN, da4ml."""
