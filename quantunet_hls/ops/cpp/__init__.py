"""What the operators' C++ facets share: their form, loops over pixels, costs of modules, texts for hls4ml."""
