"""Precision: read from a file, put into a network, and found by measuring."""
