"""The hls4ml project: written, C-simulated with g++, built with the vendor's tools."""
