"""From a float network to a quantized one, without training: places for quantizers, ranges, weights, widths."""
