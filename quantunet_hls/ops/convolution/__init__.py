"""Sums of products under windows."""
